"""What a compromised key signed: kept as evidence, used no more. Inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import String, cast, delete, func, select, update
from sqlalchemy.orm import Session

from exchange.store.entry.record_rows import supersede
from exchange.store.hits.joined_pairs import mark_stale
from exchange.store.log.statement_rows import KEY_EVENT
from exchange.store.node.jobs import OF_SCANS
from exchange.store.tables.log import ToldHeadRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow
from exchange.store.tables.work_tables import JobRow


def refuse_statements(session: Session, issuer: str, first: int, end: int, key_event: str) -> int:
    """Set a range of a log's statements aside; returns how many. Needs a write transaction.

    Their records are found and compared no more, and nothing is done for their scans. They supersede nothing any more:
    a thief must not be able to hide a record.
    """
    chosen = (
        select(StatementRow.statement_id)
        .where(StatementRow.issuer == issuer, StatementRow.log_index >= first, StatementRow.log_index < end)
        .where(StatementRow.type != KEY_EVENT, StatementRow.refused_by.is_(None))
    )
    gone = list(session.scalars(chosen))
    exhibits: set[str] = set()
    for statement_id in gone:
        exhibits |= set(session.scalars(select(RecordRow.exhibit).where(RecordRow.superseded_by == statement_id)))
        session.get_one(StatementRow, statement_id).refused_by = key_event
        session.execute(update(RecordRow).where(RecordRow.superseded_by == statement_id).values(superseded_by=None))
        session.execute(update(RecordRow).where(RecordRow.statement_id == statement_id).values(superseded_by=key_event))
        scans = select(cast(AcquisitionRow.acquisition_id, String)).where(AcquisitionRow.statement_id == statement_id)
        session.execute(delete(JobRow).where(JobRow.kind.in_(OF_SCANS), JobRow.subject.in_(scans)))
    session.flush()
    supersede(session, exhibits)
    if gone:
        mark_stale(session)
    session.flush()
    return len(gone)


def refused_count(session: Session, issuer: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(StatementRow)
            .where(StatementRow.issuer == issuer, StatementRow.refused_by.is_not(None))
        )
        or 0
    )


def forget_told(session: Session, log: str, above: int, up_to: int) -> None:
    """Heads of these sizes that others told of prove nothing any more. Needs a write transaction."""
    session.execute(
        delete(ToldHeadRow).where(ToldHeadRow.log == log, ToldHeadRow.size > above, ToldHeadRow.size <= up_to)
    )
