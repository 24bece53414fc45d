"""Note who was told of hits, in a list or by their number: that person does not verify a pair of their exhibits.

A hit goes from the list and from the number once a colleague concludes on its pair. Whoever knew the list before would
see which pair that was.
"""

from __future__ import annotations

from collections.abc import Collection

from exchange.flows.blind.visibility import exhibits_of_pair, note_pairs
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import exhibits_joined, hits_of_pair
from exchange.store.review.reviews import scans_of
from schemas import Hit, open_envelope, parse_statement
from schemas.vocabulary import Role


def note_hits(node: Node, role: Role, pseudonym: str, pairs: Collection[str]) -> None:
    """These pairs, by their ids, are about to be listed or counted."""
    if not pairs:
        return
    with node.store.read() as session:
        shown = exhibits_joined(session, pairs)
        for pair in pairs - shown.keys():  # of a record that is not here
            for row in hits_of_pair(session, pair, most=1)[:1]:
                said = parse_statement(open_envelope(row.envelope or b"").payload)
                if isinstance(said, Hit):
                    scans = scans_of(said.pair.a.scan, said.pair.b.scan)
                    shown[pair] = scans, exhibits_of_pair(session, said.pair)
    note_pairs(node, role, pseudonym, dict(shown.values()))
