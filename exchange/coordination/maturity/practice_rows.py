"""What tells how far a focal point has come: when something last happened, read from rows that are there already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.log.audit_entry import Act
from exchange.store.tables.log import AuditRow, AuditSubjectRow, CheckpointRow
from exchange.store.tables.records import AcquisitionRow, RecordRow, StatementRow


def last_given(session: Session, owner: str) -> str | None:
    """When a peer was last given an own record, by the audit rows that are kept."""
    found = (
        select(AuditRow.at)
        .join(AuditSubjectRow, AuditSubjectRow.number == AuditRow.number)
        .join(StatementRow, StatementRow.statement_id == AuditSubjectRow.subject)
        .where(AuditRow.act == Act.GIVE_PAGE, StatementRow.type == "record", StatementRow.issuer == owner)
        .order_by(AuditRow.number.desc())
    )
    return session.scalar(found.limit(1))


def last_received(session: Session, owner: str) -> str | None:
    """When a record of somebody else last arrived that is believed."""
    found = select(StatementRow.received_at).where(
        StatementRow.type == "record", StatementRow.issuer != owner, StatementRow.refused_by.is_(None)
    )
    return session.scalar(found.order_by(StatementRow.received_at.desc()).limit(1))


def was_compared(session: Session, owner: str) -> bool:
    """Whether any scan of an own record that is still here was ever correlated."""
    found = (
        select(AcquisitionRow.acquisition_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(RecordRow.issuer == owner, AcquisitionRow.first_correlated_at.is_not(None))
    )
    return session.scalar(found.limit(1)) is not None


def said_since(session: Session, issuer: str, kinds: Collection[str], since: str) -> Sequence[StatementRow]:
    """An issuer's statements that are whole, in the order of its log."""
    found = select(StatementRow).where(
        StatementRow.type.in_(kinds),
        StatementRow.received_at >= since,
        StatementRow.issuer == issuer,
        StatementRow.envelope.is_not(None),
    )
    return session.scalars(found.order_by(StatementRow.log_index)).all()


def head_after(session: Session, size: int) -> CheckpointRow | None:
    """The first own head that is larger than this size."""
    return session.scalars(
        select(CheckpointRow).where(CheckpointRow.size > size).order_by(CheckpointRow.size).limit(1)
    ).first()
