"""The outbox: work promised in the same transaction as its cause, taken under a lease, never lost.

Each job stands on the account of a node, and nodes take turns: however many jobs one of them causes, the next job of
another waits for one of its jobs at most, and for none where ``at_most`` keeps a place free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, String, and_, bindparam, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from exchange.clock import stamp, stamp_in
from exchange.patience import AWAY_CODES
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.tables.webhook_tables import WebhookMessageRow
from exchange.store.tables.work_tables import JobRow

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 600.0
WEBHOOK = "webhook"
"""Before its number, on whose account messages are sent; no node is named so, for want of a space in its name."""


class JobKind(StrEnum):
    FETCH_SCAN = "fetch-scan"
    CORRELATE = "correlate"
    ERASE = "erase"
    SEND_QUERY = "send-query"
    ANSWER_QUERY = "answer-query"
    STORE_OBJECT = "store-object"
    DRAW_CONTROL = "draw-control"
    PROBE = "probe"
    TELL_WEBHOOK = "tell-webhook"
    KNOWN_PAIRS = "known-pairs"
    START_SEARCH = "start-search"


ON_SCANS = frozenset({JobKind.FETCH_SCAN, JobKind.CORRELATE})
"""Kinds whose subject is an acquisition, which shows how far they are."""
OF_SCANS = ON_SCANS | {JobKind.PROBE, JobKind.KNOWN_PAIRS}
"""Kinds whose subject is an acquisition: forgotten with it."""


PROBES_WAIT_S: Final = 3600
"""Somebody waits for scans to be correlated, and nobody for what a probe of an instrument finds: it comes after all of
them, but no later than so."""


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DEAD = "dead"


def promise(session: Session, kind: JobKind, subject: int, *, after_s: float = 0) -> None:
    """Promise work on an acquisition; of the kind ERASE on a tombstone, of the kinds of queries on a query, of the kind
    STORE_OBJECT on an object, of the kind DRAW_CONTROL on a task that is still to be, of the kind TELL_WEBHOOK on a
    message, of the kind START_SEARCH on a record, by its sequence. Promising what is promised already changes nothing,
    except that dead work gets a new life."""
    job = session.scalars(select(JobRow).where(JobRow.kind == kind, JobRow.subject == str(subject))).one_or_none()
    if job is None:
        session.add(
            JobRow(
                kind=kind,
                subject=str(subject),
                node_id=_on_account_of(session, kind, subject),
                state=JobState.PENDING,
                not_before=stamp_in(after_s),
            )
        )
    elif job.state == JobState.DEAD:
        job.state, job.attempts, job.ended, job.not_before = JobState.PENDING, 0, 0, stamp()
    session.flush()


def _on_account_of(session: Session, kind: JobKind, subject: int) -> str:
    """The node that caused the work, or the webhook that is told: one that is slow keeps no other waiting. Empty for
    what is nobody's, or gone."""
    match kind:
        case JobKind.FETCH_SCAN | JobKind.CORRELATE | JobKind.PROBE | JobKind.KNOWN_PAIRS:
            found = select(RecordRow.issuer).join(AcquisitionRow, AcquisitionRow.statement_id == RecordRow.statement_id)
            found = found.where(AcquisitionRow.acquisition_id == subject)
        case JobKind.ERASE:
            found = select(TombstoneRow.issuer).where(TombstoneRow.tombstone_id == subject)
        case JobKind.SEND_QUERY:
            found = select(QueryRow.asked).where(QueryRow.number == subject)
        case JobKind.ANSWER_QUERY:
            found = select(QueryRow.asker).where(QueryRow.number == subject)
        case JobKind.START_SEARCH:
            found = select(RecordRow.issuer).where(RecordRow.sequence == subject)
        case JobKind.TELL_WEBHOOK:
            number = session.scalar(select(WebhookMessageRow.webhook_id).where(WebhookMessageRow.message_id == subject))
            return "" if number is None else f"{WEBHOOK} {number}"
        case JobKind.STORE_OBJECT | JobKind.DRAW_CONTROL:
            return ""
    return session.scalar(found) or ""


def promise_new(session: Session, kind: JobKind, subjects: Iterable[int], *, node_id: str) -> None:
    """Promise work on acquisitions that are new, on the account of whoever issued their records, and of which nothing
    was promised before."""
    due = stamp()
    rows = [
        {"kind": kind, "subject": str(subject), "node_id": node_id, "state": JobState.PENDING, "not_before": due}
        for subject in subjects
    ]
    if rows:
        session.execute(insert(JobRow), rows)


def forget(session: Session, kind: JobKind, subject: int) -> None:
    """Nobody needs to do it any more."""
    session.execute(delete(JobRow).where(JobRow.kind == kind, JobRow.subject == str(subject)))


def take(
    session: Session, kind: JobKind, *, owner: str, lease_s: float, after: str = "", at_most: int | None = None
) -> JobRow | None:
    """The job of a kind that is due the longest on the account of the node whose turn it is, leased to a worker; None
    when nothing may be taken. Needs a write transaction.

    ``after``: on whose account this worker took the last one; the turn is that of the next node by name. A node of
    which this worker does ``at_most`` jobs of the kind already is passed over.
    """
    nodes = waiting_nodes(session, kind, owner=owner, at_most=at_most)
    if not nodes:
        return None
    turn = next((node_id for node_id in nodes if node_id > after), nodes[0])
    due = select(JobRow).where(*_pending(kind), JobRow.node_id == turn, JobRow.not_before <= stamp())
    job = session.scalars(due.order_by(JobRow.not_before, JobRow.job_id).limit(1)).one_or_none()
    if job is not None:
        job.state, job.owner, job.lease_until = JobState.RUNNING, owner, stamp_in(lease_s)
        job.attempts += 1
    return job


def waiting_nodes(session: Session, kind: JobKind, *, owner: str, at_most: int | None = None) -> list[str]:
    """On whose account jobs of a kind are due and may be taken by a worker, by name. Costs a few looks into the index
    for each node, however many jobs wait."""
    node = select(func.min(JobRow.node_id).label("node_id")).where(*_pending(kind)).cte("node", recursive=True)
    following = select(func.min(JobRow.node_id)).where(*_pending(kind), JobRow.node_id > node.c.node_id)
    node = node.union_all(select(following.scalar_subquery()).where(node.c.node_id.is_not(None)))
    due = exists().where(*_pending(kind), JobRow.node_id == node.c.node_id, JobRow.not_before <= stamp())
    waiting = select(node.c.node_id).where(node.c.node_id.is_not(None), due)
    if at_most is not None:
        busy = aliased(JobRow)
        running = select(func.count()).where(busy.kind == kind, busy.state == JobState.RUNNING, busy.owner == owner)
        running = running.where(busy.node_id == node.c.node_id)
        waiting = waiting.where(running.scalar_subquery() < at_most)
    return sorted(session.scalars(waiting))


def _pending(kind: JobKind) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return JobRow.kind == kind, JobRow.state == JobState.PENDING


def renew(session: Session, owner: str, held: Mapping[int, int], *, lease_s: float) -> None:
    """The worker is still at these jobs, each with its attempt. What it lost to another stays with that one."""
    for job_id, attempt in held.items():
        job = session.get(JobRow, job_id)
        if job is not None and _is_held(job, owner, attempt):
            job.lease_until = stamp_in(lease_s)


def let_go(session: Session, owner: str) -> None:
    """The worker ended: nobody need wait for the end of its leases."""
    theirs = (JobRow.owner == owner, JobRow.state == JobState.RUNNING)
    session.execute(update(JobRow).where(*theirs).values(lease_until=None))


def _held(session: Session, job: JobRow) -> JobRow | None:
    row = session.get(JobRow, job.job_id)
    return row if row is not None and _is_held(row, job.owner, job.attempts) else None


def _is_held(job: JobRow, owner: str | None, attempt: int) -> bool:
    return (job.state, job.owner, job.attempts) == (JobState.RUNNING, owner, attempt)


def due_kinds(session: Session) -> frozenset[JobKind]:
    """Of which kinds ``take`` would find something: one read for all idle workers, and no writer is disturbed."""
    found = session.execute(_ANY_DUE, {"now": stamp()}).one()
    return frozenset(kind for kind, due in zip(JobKind, found, strict=True) if due)


def gives_way(session: Session, kind: JobKind, *, to: JobKind, for_s: float) -> bool:
    """Whether work of a kind must wait: other work is due or under way, and none of its own has been due so long."""
    due = and_(JobRow.state == JobState.PENDING, JobRow.not_before <= stamp())
    other = exists().where(JobRow.kind == to, or_(due, JobRow.state == JobState.RUNNING))
    long_due = exists().where(*_pending(kind), JobRow.not_before <= stamp_in(-for_s))
    return session.scalar(select(and_(other, ~long_due))) or False


_NOW = bindparam("now", type_=String)
_ANY_DUE = select(
    *(
        exists()
        .where(and_(JobRow.kind == kind, JobRow.state == JobState.PENDING, JobRow.not_before <= _NOW))
        .label(kind.name)
        for kind in JobKind
    )
)


def finish(session: Session, job: JobRow) -> bool:
    """Done, by whoever took ``job``. Returns False, and changes nothing, when its lease was over and another worker has
    taken it since."""
    row = _held(session, job)
    if row is None:
        return False
    session.delete(row)
    return True


def fail(session: Session, job: JobRow, error: str, *, max_attempts: int, at_least_s: float = 0) -> bool:
    """Put a failed job back with a growing delay, or set it aside; returns whether it is set aside. As ``finish``, only
    for whoever holds it still."""
    row = _held(session, job)
    return row is not None and _put_back(row, error, row.attempts, max_attempts, at_least_s)


def wait(session: Session, job: JobRow, error: str, *, pause_s: float) -> None:
    """Put back what could not be tried for want of what it stands on: that was no attempt. As ``finish``, only for
    whoever holds it still."""
    row = _held(session, job)
    if row is not None:
        row.attempts -= 1
        row.state, row.not_before, row.lease_until, row.error = JobState.PENDING, stamp_in(pause_s), None, error[:1000]


def broken_off(job: JobRow, error: str, *, max_attempts: int) -> bool:
    """Put back work during which a worker ended, or set it aside when that happened too often.

    Counted apart from its failures: these may tell of a peer that was away, and one end of a worker on top of them
    must not make the node forget a scan.
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
    """What is held by nobody any more: its worker died, hangs, or let it go."""
    over = or_(JobRow.lease_until.is_(None), JobRow.lease_until < stamp())
    return session.scalars(select(JobRow).where(JobRow.state == JobState.RUNNING, over).order_by(JobRow.job_id)).all()


_COUNTS = select(JobRow.state, func.count()).where(JobRow.kind != JobKind.DRAW_CONTROL).group_by(JobRow.state)


def counts(session: Session) -> dict[str, int]:
    """By state. Controls that are still to be drawn are left out: an examiner reads these numbers, and would know of a
    task that it is one."""
    return {row[0]: row[1] for row in session.execute(_COUNTS)}


def counts_by_kind(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are of each kind in each state; those of which there are none are left out."""
    rows = session.execute(select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)).all()
    return {(row[0], row[1]): row[2] for row in rows}


def waiting_for_others(session: Session) -> dict[str, tuple[int, str]]:
    """By kind: how many jobs wait because what they stand on was away when they were last tried, and what one of them
    says. Kinds without any are left out."""
    stopped = or_(*(JobRow.error.startswith(f"{code}: ") for code in AWAY_CODES))
    found = select(JobRow.kind, func.count(), func.max(JobRow.error)).where(JobRow.state == JobState.PENDING, stopped)
    return {row[0]: (row[1], row[2] or "") for row in session.execute(found.group_by(JobRow.kind))}


def overdue(session: Session, for_s: float) -> tuple[int, str] | None:
    """How many jobs are due for so long and are not begun, while none of their kind is under way, and since when the
    first is; None when none is. A job that was tried is due anew later, and a probe gives way first."""
    running = aliased(JobRow)
    moves = exists().where(running.kind == JobRow.kind, running.state == JobState.RUNNING)
    before = case((JobRow.kind == JobKind.PROBE, stamp_in(-for_s - PROBES_WAIT_S)), else_=stamp_in(-for_s))
    late = (JobRow.state == JobState.PENDING, JobRow.not_before < before, ~moves)
    count, first = session.execute(select(func.count(), func.min(JobRow.not_before)).where(*late)).one()
    return (count, first) if count else None


def find_jobs(session: Session, *, dead_only: bool, limit: int) -> Sequence[JobRow]:
    """Jobs as an operator may see them, dead ones first, then those that are due the longest. Controls that are still
    to be drawn are left out, as in ``counts``."""
    wanted = select(JobRow).where(JobRow.kind != JobKind.DRAW_CONTROL)
    if dead_only:
        wanted = wanted.where(JobRow.state == JobState.DEAD)
    is_dead = case((JobRow.state == JobState.DEAD, 0), else_=1)
    return session.scalars(wanted.order_by(is_dead, JobRow.not_before, JobRow.job_id).limit(limit)).all()


def dead(session: Session) -> Sequence[JobRow]:
    """What was set aside for the operator, the newest last."""
    return session.scalars(select(JobRow).where(JobRow.state == JobState.DEAD).order_by(JobRow.job_id)).all()
