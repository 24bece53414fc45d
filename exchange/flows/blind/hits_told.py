"""Note who was told of hits, in a list or by their number: that person does not verify a pair of their exhibits.

A hit goes from the list and from the number once a colleague concludes on its pair. Whoever knew the list before would
see which pair that was.
"""

from __future__ import annotations

from collections.abc import Collection

from exchange.flows.blind.visibility import exhibits_of_pair, note_pairs
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import exhibits_joined, hits_of_pairs
from exchange.store.review.reviews import scans_of
from schemas import Hit, open_envelope, parse_statement
from schemas.vocabulary import Role


def note_hits(node: Node, role: Role, pseudonym: str, pairs: Collection[str]) -> None:
    """These pairs, by their ids, are about to be listed or counted."""
    if not pairs:
        return
    with node.store.read() as session:
        shown = exhibits_joined(session, pairs)
        elsewhere = hits_of_pairs(session, pairs - shown.keys(), most=1)  # of a record that is not here
        for pair, rows in elsewhere.items():
            said = parse_statement(open_envelope(rows[0].envelope or b"").payload)
            if isinstance(said, Hit):
                shown[pair] = scans_of(said.pair.a.scan, said.pair.b.scan), exhibits_of_pair(session, said.pair)
    note_pairs(node, role, pseudonym, dict(shown.values()))
