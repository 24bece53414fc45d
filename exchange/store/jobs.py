"""The outbox: work promised in the same transaction as its cause, taken under a lease, never lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.store.tables import JobRow

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 600.0


class JobKind(StrEnum):
    FETCH_SCAN = "fetch-scan"
    CORRELATE = "correlate"
    ERASE = "erase"
    SEND_QUERY = "send-query"
    ANSWER_QUERY = "answer-query"


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DEAD = "dead"


def promise(session: Session, kind: JobKind, subject: int, *, after_s: float = 0) -> None:
    """Promise work on an acquisition; of the kind ERASE on a tombstone, of the kinds of queries on a query. Promising
    what is promised already changes nothing, except that dead work gets a new life."""
    job = session.scalars(select(JobRow).where(JobRow.kind == kind, JobRow.subject == str(subject))).one_or_none()
    if job is None:
        session.add(JobRow(kind=kind, subject=str(subject), state=JobState.PENDING, not_before=stamp_in(after_s)))
    elif job.state == JobState.DEAD:
        job.state, job.attempts, job.ended, job.not_before = JobState.PENDING, 0, 0, stamp()
    session.flush()


def promise_new(session: Session, kind: JobKind, subjects: Iterable[int]) -> None:
    """Promise work on acquisitions that are new, and of which nothing was promised before."""
    due = stamp()
    rows = [
        {"kind": kind, "subject": str(subject), "state": JobState.PENDING, "not_before": due} for subject in subjects
    ]
    if rows:
        session.execute(insert(JobRow), rows)


def forget(session: Session, kind: JobKind, subject: int) -> None:
    """Nobody needs to do it any more."""
    session.execute(delete(JobRow).where(JobRow.kind == kind, JobRow.subject == str(subject)))


def take(session: Session, kind: JobKind, *, lease_s: float) -> JobRow | None:
    """The oldest due job of a kind, leased; None when nothing is due. Needs a write transaction."""
    job = session.scalars(_due(kind).order_by(JobRow.job_id).limit(1)).one_or_none()
    if job is not None:
        job.state, job.lease_until, job.attempts = JobState.RUNNING, stamp_in(lease_s), job.attempts + 1
    return job


def due_kinds(session: Session) -> frozenset[JobKind]:
    """Of which kinds ``take`` would find something: one read for all idle workers, and no writer is disturbed."""
    found = session.execute(_ANY_DUE, {"now": stamp()}).one()
    return frozenset(kind for kind, due in zip(JobKind, found, strict=True) if due)


def _due(kind: JobKind) -> Any:
    return select(JobRow).where(JobRow.kind == kind, _is_due(stamp()))


def _is_due(now: Any) -> ColumnElement[bool]:
    waiting = and_(JobRow.state == JobState.PENDING, JobRow.not_before <= now)
    abandoned = and_(JobRow.state == JobState.RUNNING, JobRow.lease_until < now)
    return or_(waiting, abandoned)


_ANY_DUE = select(
    *(exists().where(JobRow.kind == kind, _is_due(bindparam("now", type_=String))).label(kind.name) for kind in JobKind)
)


def finish(session: Session, job_id: int) -> None:
    """Done. Nothing changes when whoever took it over after its lease has finished it already."""
    session.execute(delete(JobRow).where(JobRow.job_id == job_id))


def fail(session: Session, job_id: int, error: str, *, max_attempts: int, at_least_s: float = 0) -> bool:
    """Put a failed job back with a growing delay, or set it aside; returns whether it is set aside."""
    job = session.get(JobRow, job_id)
    if job is None:
        return False
    return _put_back(job, error, job.attempts, max_attempts, at_least_s)


def broken_off(job: JobRow, error: str, *, max_attempts: int) -> bool:
    """Put back work during which the node ended, or set it aside when that happened too often.

    Counted apart from its failures: these may tell of a peer that was away, and one end of the node on top of them
    must not make it forget a scan.
    """
    job.ended += 1
    return _put_back(job, error, job.ended, max_attempts)


def _put_back(job: JobRow, error: str, times: int, most: int, at_least_s: float = 0) -> bool:
    job.error, job.lease_until = error[:1000], None
    if times >= most:
        job.state = JobState.DEAD
        return True
    delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(times - 1, 20))
    job.state, job.not_before = JobState.PENDING, stamp_in(max(delay, at_least_s))
    return False


def abandoned(session: Session) -> Sequence[JobRow]:
    """At start, when no other worker runs on this database: what a dead process held."""
    return session.scalars(select(JobRow).where(JobRow.state == JobState.RUNNING).order_by(JobRow.job_id)).all()


def counts(session: Session) -> dict[str, int]:
    rows = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).all()
    return {row[0]: row[1] for row in rows}


def counts_by_kind(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are of each kind in each state; those of which there are none are left out."""
    rows = session.execute(select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)).all()
    return {(row[0], row[1]): row[2] for row in rows}


def dead(session: Session) -> Sequence[JobRow]:
    """What was set aside for the operator, the newest last."""
    return session.scalars(select(JobRow).where(JobRow.state == JobState.DEAD).order_by(JobRow.job_id)).all()
