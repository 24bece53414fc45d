"""The scan pairs of two exhibits, on which of them a conclusion is signed, and whether one stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from exchange.flows.blind.visibility import view_of
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import not_validated
from exchange.flows.review.one_review import RecordPair, both_records, standing_conclusions
from exchange.flows.review.reviews import Review
from exchange.flows.review.statements import may_see
from exchange.store.entry.exhibits import first_versions_of
from exchange.store.review.candidate_rows import StoredCandidate
from exchange.store.review.exhibit_pair_rows import pairs_of_two
from exchange.store.review.review_rows import scans_of
from schemas.vocabulary import Role


def scan_pairs_of(node: Node, role: Role, pseudonym: str, found: StoredCandidate) -> list[StoredCandidate]:
    """All scan pairs of the two exhibits that this person may look at: what is validated first, then by the score."""
    with node.store.read() as session:
        pairs = pairs_of_two(session, found.row.statement_a, found.row.statement_b, view_of(role, pseudonym))
    return sorted(pairs, key=lambda pair: not_validated(pair) is not None)


def pair_to_sign(
    found: StoredCandidate, pairs: Sequence[StoredCandidate], reviews: Sequence[Review]
) -> StoredCandidate:
    """On which scan pair a conclusion on the exhibits is signed: where one stands already, else on the strongest.
    ``pairs``: as ``scan_pairs_of`` tells them."""
    standing = {
        scans_of(review.said.pair.a.scan, review.said.pair.b.scan) for review in reviews if not review.retracted
    }
    return next((pair for pair in pairs if pair.scans in standing), pairs[0] if pairs else found)


def concluded_pairs(
    session: Session, node: Node, role: Role, pseudonym: str, pairs: Collection[RecordPair]
) -> set[RecordPair]:
    """Those of these pairs of records on which a conclusion of this node stands that this person may see."""
    first_versions = first_versions_of(session, {record for pair in pairs for record in pair})
    return {
        of_both
        for row, said in standing_conclusions(session, node.node_id, first_versions)
        if (of_both := both_records(said.pair)) in pairs and may_see(session, node, row, pseudonym, role)
    }
