"""The outbox: work promised in the same transaction as its cause, taken under a lease, never lost."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.store.tables import JobRow

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 600.0


class JobKind(StrEnum):
    FETCH_SCAN = "fetch-scan"
    CORRELATE = "correlate"


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DEAD = "dead"


def promise(session: Session, kind: JobKind, subject: int) -> None:
    """Promise work on an acquisition. Promising what is promised already changes nothing, except that dead work
    gets a new life."""
    job = session.scalars(select(JobRow).where(JobRow.kind == kind, JobRow.subject == str(subject))).one_or_none()
    if job is None:
        session.add(JobRow(kind=kind, subject=str(subject), state=JobState.PENDING, not_before=stamp()))
    elif job.state == JobState.DEAD:
        job.state, job.attempts, job.not_before = JobState.PENDING, 0, stamp()
    session.flush()


def take(session: Session, kind: JobKind, *, lease_s: float) -> JobRow | None:
    """The oldest due job of a kind, leased; None when nothing is due. Needs a write transaction."""
    job = session.scalars(_due(kind).order_by(JobRow.job_id).limit(1)).one_or_none()
    if job is not None:
        job.state, job.lease_until, job.attempts = JobState.RUNNING, stamp_in(lease_s), job.attempts + 1
    return job


def any_due(session: Session, kind: JobKind) -> bool:
    """Whether ``take`` would find something: a read, so that idle workers disturb no writer."""
    return session.scalars(_due(kind).limit(1)).one_or_none() is not None


def _due(kind: JobKind) -> Any:
    now = stamp()
    waiting = and_(JobRow.state == JobState.PENDING, JobRow.not_before <= now)
    abandoned = and_(JobRow.state == JobState.RUNNING, JobRow.lease_until < now)
    return select(JobRow).where(JobRow.kind == kind, or_(waiting, abandoned))


def finish(session: Session, job_id: int) -> None:
    """Done. Nothing changes when whoever took it over after its lease has finished it already."""
    session.execute(delete(JobRow).where(JobRow.job_id == job_id))


def fail(session: Session, job_id: int, error: str, *, max_attempts: int) -> bool:
    """Put a failed job back with a growing delay, or set it aside; returns whether it is set aside."""
    job = session.get(JobRow, job_id)
    if job is None:
        return False
    job.error, job.lease_until = error[:1000], None
    if job.attempts >= max_attempts:
        job.state = JobState.DEAD
        return True
    delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (job.attempts - 1))
    job.state, job.not_before = JobState.PENDING, stamp_in(delay)
    return False


def abandoned(session: Session) -> Sequence[JobRow]:
    """At start, when no other worker runs on this database: what a dead process held."""
    return session.scalars(select(JobRow).where(JobRow.state == JobState.RUNNING).order_by(JobRow.job_id)).all()


def counts(session: Session) -> dict[str, int]:
    rows = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).all()
    return {row[0]: row[1] for row in rows}
