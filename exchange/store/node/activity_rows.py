"""What a node does at this moment, in counts: for whoever watches it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.work_tables import JobRow

_SHOWN = JobRow.kind != JobKind.DRAW_CONTROL
"""Controls that are still to be drawn are left out, as in ``jobs.counts``."""


def counts_of_jobs(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are of each kind in each state; those of which there are none are left out."""
    rows = session.execute(
        select(JobRow.kind, JobRow.state, func.count()).where(_SHOWN).group_by(JobRow.kind, JobRow.state)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def due_since(session: Session) -> dict[str, str]:
    """By kind: since when the job that waits longest is due; nothing of kinds of which none is due."""
    due = select(JobRow.kind, func.min(JobRow.not_before)).where(
        _SHOWN, JobRow.state == JobState.PENDING, JobRow.not_before <= stamp()
    )
    return {row[0]: row[1] for row in session.execute(due.group_by(JobRow.kind))}


def running_of(session: Session) -> dict[str, dict[str, int]]:
    """By worker: how many jobs of each kind it is at."""
    rows = select(JobRow.owner, JobRow.kind, func.count()).where(_SHOWN, JobRow.state == JobState.RUNNING)
    found: dict[str, dict[str, int]] = {}
    for owner, kind, count in session.execute(rows.group_by(JobRow.owner, JobRow.kind).order_by(JobRow.kind)):
        found.setdefault(owner or "", {})[kind] = count
    return found


def records_since(session: Session, moment: str) -> int:
    """How many records came, own and received ones."""
    came = select(func.count()).where(StatementRow.type == "record", StatementRow.received_at >= moment)
    return session.scalar(came) or 0


def correlated_since(session: Session, moment: str) -> int:
    """How many scans were correlated. Reads all rows of scans: 0.4 us for each."""
    return session.scalar(select(func.count()).where(AcquisitionRow.correlated_at >= moment)) or 0


def queries_since(session: Session, moment: str) -> int:
    """How many queries were asked, own and received ones."""
    return session.scalar(select(func.count()).where(QueryRow.at >= moment)) or 0
