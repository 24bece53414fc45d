"""What the half-yearly monitoring counts, read up to a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from exchange.log.audit_entry import Act
from exchange.store.log.audit import audit_state
from exchange.store.tables.log import AuditRow, AuditSubjectRow
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow, StatementRow
from exchange.store.tables.review_tables import ScoreSeenRow, VerificationTaskRow
from exchange.store.tables.terms_tables import ApprovalRow


@dataclass(frozen=True)
class Version:
    """One version of a record, own or received, also of one that was erased since. ``before`` is the one that it
    replaced."""

    statement_id: str
    issuer: str
    before: str | None
    at: str


@dataclass(frozen=True)
class Given:
    """When a peer was first given an own record."""

    peer: str
    record: str
    at: str


@dataclass(frozen=True)
class Compared:
    """An own record that is still here: when a scan of it was first correlated, whether it has a pair across a border,
    and when somebody first opened a pair of it."""

    record: str
    correlated_at: str | None
    cross_border: bool
    opened_at: str | None


def versions_before(session: Session, moment: str) -> list[Version]:
    found = select(StatementRow.statement_id, StatementRow.issuer, StatementRow.about, StatementRow.received_at).where(
        StatementRow.type == "record", StatementRow.received_at < moment, StatementRow.refused_by.is_(None)
    )
    ordered = found.order_by(StatementRow.received_at, StatementRow.issuer, StatementRow.log_index)
    return [Version(*row) for row in session.execute(ordered)]


def said_before(session: Session, kinds: Collection[str], moment: str) -> Sequence[StatementRow]:
    """Statements that are whole, in the order in which they came to be known here."""
    found = select(StatementRow).where(
        StatementRow.type.in_(kinds),
        StatementRow.received_at < moment,
        StatementRow.refused_by.is_(None),
        StatementRow.envelope.is_not(None),
    )
    ordered = found.order_by(StatementRow.received_at, StatementRow.issuer, StatementRow.log_index)
    return session.scalars(ordered).all()


def first_receipts(session: Session, issuer: str) -> Iterator[bytes]:
    """The envelopes of a node's receipts, in the order of its log, as far as they are read."""
    found = (
        select(StatementRow.envelope)
        .where(StatementRow.issuer == issuer, StatementRow.type == "receipt", StatementRow.envelope.is_not(None))
        .order_by(StatementRow.log_index)
        .execution_options(yield_per=64)
    )
    with session.execute(found) as rows:
        for (envelope,) in rows:
            yield envelope or b""


def begun_at(session: Session, issuer: str) -> str | None:
    """When the first statement of the own log was stored: the node began."""
    first = select(StatementRow.received_at).where(StatementRow.issuer == issuer).order_by(StatementRow.log_index)
    return session.scalar(first.limit(1))


def cases_of(session: Session) -> dict[str, tuple[str, str]]:
    """The case, as its owner and reference, of each record that is here."""
    rows = session.execute(select(RecordRow.statement_id, RecordRow.issuer, RecordRow.case_reference))
    return {record: (issuer, case) for record, issuer, case in rows}


def given_before(session: Session, owner: str, moment: str) -> list[Given]:
    """By the audit rows of the pages that peers were given."""
    found = (
        select(AuditRow.actor, AuditSubjectRow.subject, func.min(AuditRow.at))
        .join(AuditSubjectRow, AuditSubjectRow.number == AuditRow.number)
        .join(StatementRow, StatementRow.statement_id == AuditSubjectRow.subject)
        .where(
            AuditRow.act == Act.GIVE_PAGE,
            AuditRow.at < moment,
            StatementRow.type == "record",
            StatementRow.issuer == owner,
        )
        .group_by(AuditRow.actor, AuditSubjectRow.subject)
        .order_by(AuditRow.actor, AuditSubjectRow.subject)
    )
    return [Given(*row) for row in session.execute(found)]


def audit_kept_since(session: Session) -> str | None:
    """The time of the first audit row that is kept, when earlier ones were erased; None when all are there."""
    kept_from = audit_state(session).kept_from
    if kept_from <= 1:
        return None
    return session.scalar(select(AuditRow.at).where(AuditRow.number >= kept_from).order_by(AuditRow.number).limit(1))


def compared_records(session: Session, owner: str) -> list[Compared]:
    opened = _first_opened(session)
    across = or_(
        *(
            select(CandidateRow.candidate_id).where(side == RecordRow.statement_id, CandidateRow.cross_border).exists()
            for side in (CandidateRow.statement_a, CandidateRow.statement_b)
        )
    )
    rows = session.execute(
        select(AcquisitionRow.statement_id, AcquisitionRow.sha256, AcquisitionRow.first_correlated_at, across)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(RecordRow.issuer == owner)
        .order_by(AcquisitionRow.acquisition_id)
    )
    found: dict[str, Compared] = {}
    for record, scan, correlated_at, cross_border in rows:
        known = found.get(record)
        found[record] = Compared(
            record,
            _earlier(known.correlated_at if known else None, correlated_at),
            bool(cross_border),
            _earlier(known.opened_at if known else None, opened.get(scan)),
        )
    return list(found.values())


def tasks_before(session: Session, moment: str) -> Sequence[VerificationTaskRow]:
    """Conclusions of this node that were sent for verification; without the pairs that nobody holds for a lead."""
    task = VerificationTaskRow
    own = (task.conclusion.is_not(None), task.asked_by.is_(None))
    return session.scalars(select(task).where(*own, task.created_at < moment).order_by(task.task_id)).all()


def approvals_before(session: Session, moment: str) -> Sequence[ApprovalRow]:
    found = select(ApprovalRow).where(ApprovalRow.asked_at < moment)
    return session.scalars(found.order_by(ApprovalRow.concerns, ApprovalRow.jurisdiction)).all()


def queries_before(session: Session, moment: str) -> Sequence[QueryRow]:
    found = select(QueryRow).where(QueryRow.at < moment)
    return session.scalars(found.order_by(QueryRow.statement_id)).all()


def _first_opened(session: Session) -> dict[str, str]:
    """By the digest of a scan, when a pair of it was first opened."""
    found: dict[str, str] = {}
    for side in (ScoreSeenRow.scan_low, ScoreSeenRow.scan_high):
        rows = session.execute(select(side, func.min(ScoreSeenRow.opened_at)).group_by(side))
        for scan, at in rows:
            if at is not None:
                found[scan] = min(at, found.get(scan, at))
    return found


def _earlier(one: str | None, other: str | None) -> str | None:
    return min((at for at in (one, other) if at is not None), default=None)
