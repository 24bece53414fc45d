"""Note who was told of hits, in a list or by their number: that person does not verify a pair of their exhibits.

A hit goes from the list and from the number once a colleague concludes on its pair. Whoever knew the list before would
see which pair that was.
"""

from __future__ import annotations

from collections.abc import Collection

from exchange.flows.blind.visibility import note_pairs
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import exhibits_joined
from schemas.vocabulary import Role


def note_hits(node: Node, role: Role, pseudonym: str, pairs: Collection[str]) -> None:
    """These pairs, by their ids, are about to be listed or counted."""
    if not pairs:
        return
    with node.store.read() as session:
        shown = exhibits_joined(session, pairs)
    note_pairs(node, role, pseudonym, dict(shown.values()))
