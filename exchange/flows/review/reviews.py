"""What an examiner sees of the review of two exhibits: the conclusions, who verified them, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.flows.blind.tasks import who_may_verify
from exchange.flows.blind.visibility import is_worth_pursuing, needs_verification
from exchange.flows.hits.history import hits_of
from exchange.flows.node.node import Node
from exchange.flows.review.one_review import both_records
from exchange.flows.review.statements import may_see
from exchange.flows.review.verified import counting_verifications
from exchange.store.log.statement_rows import statements_about
from exchange.store.review.review_rows import task_of
from exchange.store.tables.record_tables import StatementRow
from schemas import Conclusion, Pair, Verification, open_envelope, parse_statement
from schemas.vocabulary import Role


@dataclass(frozen=True)
class Verified:
    statement_id: str
    at: str
    said: Verification


@dataclass(frozen=True)
class Review:
    """One conclusion. ``due_at`` while another examiner is asked, of whom ``may_verify`` are left who were
    not shown a score of these exhibits; ``partner``: the node that was asked to verify it; ``retracted`` when it was
    taken back, ``by_head`` where the head did so in place of its maker; ``hit`` once it was sent to the other side."""

    statement_id: str
    at: str
    said: Conclusion
    verified: Verified | None
    retracted: bool
    by_head: str | None
    due_at: str | None
    may_verify: int
    hit: str | None
    partner: str | None = None
    verification_taken_back: bool = False
    """It was verified, and nothing of that stands: it is not verified anew."""

    @property
    def agreed(self) -> bool:
        """Both examiners hold the pair worth pursuing."""
        second = self.verified
        return second is not None and is_worth_pursuing(self.said.result) and is_worth_pursuing(second.said.result)

    @property
    def needs_second(self) -> bool:
        return needs_verification(self.said.result)


def read_reviews(node: Node, pair: Pair, pseudonym: str, role: Role = Role.EXAMINER) -> list[Review]:
    """The review of two exhibits, on the page of any pair of their scans."""
    with node.store.read() as session:
        return reviews_of_exhibits(session, node, pair, pseudonym, role)


def reviews_of(session: Session, node: Node, pair: Pair, pseudonym: str, role: Role = Role.EXAMINER) -> list[Review]:
    """All of this node's conclusions on a pair that this person may see, the first first."""
    every = reviews_of_exhibits(session, node, pair, pseudonym, role)
    return [review for review in every if review.said.pair == pair]


def reviews_of_exhibits(
    session: Session, node: Node, pair: Pair, pseudonym: str, role: Role = Role.EXAMINER
) -> list[Review]:
    """The same of the pair's two records, on whatever of their scans a conclusion was signed."""
    found = []
    hits: dict[Pair, dict[str | None, str]] = {}
    for row in _said_by(session, node.node_id, pair.a.first_version, "conclusion"):
        if not may_see(session, node, row, pseudonym, role):
            continue
        said = parse_statement(open_envelope(row.envelope or b"").payload)
        if isinstance(said, Conclusion) and both_records(said.pair) == both_records(pair):
            if said.pair not in hits:
                own = (hit for hit in hits_of(session, said.pair) if hit.issuer == node.node_id)
                hits[said.pair] = {hit.about: hit.statement_id for hit in own}
            found.append(_review(session, row, said, hits[said.pair].get(row.statement_id)))
    return found


def _review(session: Session, row: StatementRow, said: Conclusion, hit: str | None) -> Review:
    task = task_of(session, row.statement_id)
    due = task.due_at if task is not None and task.done_at is None else None
    retractions = _said_by(session, row.issuer, row.statement_id, "retraction")
    verifications = counting_verifications(session, row.issuer, row.statement_id)
    verified = _verified(session, verifications)
    return Review(
        row.statement_id,
        row.received_at,
        said,
        verified,
        bool(retractions),
        _by_head(retractions, said),
        due,
        len(who_may_verify(session, said, row.received_at)) if due else 0,
        hit,
        partner=task.partner if task is not None and due else None,
        verification_taken_back=verified is None and bool(verifications),
    )


def _by_head(retractions: Sequence[StatementRow], said: Conclusion) -> str | None:
    """The head who took it back in place of its maker."""
    for row in retractions:
        by = parse_statement(open_envelope(row.envelope or b"").payload).made_by
        if by.pseudonym != said.made_by.pseudonym:
            return by.pseudonym
    return None


def _verified(session: Session, verifications: Sequence[StatementRow]) -> Verified | None:
    """The first that was not taken back."""
    for row in verifications:
        said = parse_statement(open_envelope(row.envelope or b"").payload)
        taken_back = _said_by(session, row.issuer, row.statement_id, "retraction")
        if isinstance(said, Verification) and not taken_back:
            return Verified(row.statement_id, row.received_at, said)
    return None


def _said_by(session: Session, issuer: str, subject: str, kind: str) -> list[StatementRow]:
    """What the maker's own node said of a statement. A peer may sign as much of it: that verifies nothing here, and
    takes nothing back."""
    said = statements_about(session, subject, [kind], issuer=issuer)
    return [row for row in said if row.envelope is not None]
