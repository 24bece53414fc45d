"""Work that was promised and is not done, for the operator: what it is, why it waits, and to have it tried again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.log.audit_entry import Act, Deed
from exchange.store.entry.record_rows import record_by_sequence, take_up
from exchange.store.log.audit import add_deeds
from exchange.store.node import jobs, workers
from exchange.store.node.jobs import OF_SCANS, JobKind, JobState
from exchange.store.tables.columns import Base
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, ObjectRow, RecordRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.tables.webhook_tables import WebhookMessageRow
from exchange.store.tables.work_tables import JobRow
from schemas.errors import shown

STANDS_S: Final = 900
"""A job that is due is begun within seconds, or when those before it are done: two minutes for each at most."""
NEXT_JOB_S: Final = 0.5
"""Longer than a worker takes from the end of one job to the next."""
_NAMED = 10
"""So many numbers stand in a refusal."""


@dataclass(frozen=True)
class Job:
    """``subject``: what it is about, as other commands name it. ``next``: when it is tried; None of what runs, or was
    given up. ``last_error`` begins with the error's code."""

    number: int
    kind: str
    subject: str
    account_of: str
    state: str
    attempts: int
    last_error: str | None
    next: str | None


def promised_work(node: Node, *, dead_only: bool = False, limit: int) -> list[Job]:
    """The first of many: those that were given up before the others."""
    with node.store.read() as session:
        return [_told(session, row) for row in jobs.find_jobs(session, dead_only=dead_only, limit=limit)]


@dataclass(frozen=True)
class QueueLook:
    """``standing``: how many jobs are due for long although nobody is at any of their kind, and since when the first;
    None where the queue moves, however much is in it. ``known``: one look is not enough to tell, since between two jobs
    nobody is at one either."""

    standing: tuple[int, str] | None = None
    known: bool = True


_LAST_LOOKS: Final[dict[Path, tuple[float, str]]] = {}
"""Of each node that this process has open: when its first job that is due was first seen with nobody at any."""


def look_at_queue(node: Node, *, waits: bool = False) -> QueueLook:
    """Compare with the last look that this process had. A page that is not told asks again by itself; ``waits``: look a
    second time where one is not enough."""
    with node.store.read() as session:
        found = jobs.overdue(session, STANDS_S)
    home, at = node.settings.home, time.monotonic()
    if found is None:
        _LAST_LOOKS.pop(home, None)
        return QueueLook()
    before, first = _LAST_LOOKS.get(home, (at, None))
    if first == found[1] and at - before >= NEXT_JOB_S:
        return QueueLook(found)
    if first != found[1]:
        _LAST_LOOKS[home] = (at, found[1])
    known = first not in (None, found[1])
    if waits and not known:
        time.sleep(NEXT_JOB_S)
        return look_at_queue(node)
    return QueueLook(known=known)


def who_works(node: Node) -> str:
    """ "ok", or since when no worker has shown itself. A node without one takes what comes, signs nothing, and sends
    nothing."""
    with node.store.read() as session:
        living, seen = workers.alive(session), workers.last_seen(session)
    if living:
        return "ok"
    return f"No worker has shown itself since {seen}." if seen else "No worker has ever shown itself."


def work_findings(node: Node, queue: QueueLook | None) -> Iterator[Finding]:
    """Who works and what stands, of a node that is served; what was given up, and what waits for what is away.
    ``queue``: None of a node that is not."""
    works = "ok" if queue is None else who_works(node)
    if works != "ok":
        yield finding(Cause.NO_WORKER, f"{works} Nothing is signed, pulled, fetched or correlated.")
    elif queue is not None and queue.standing is not None:
        count, since = queue.standing
        what = f"The queue does not move: {count} jobs are due and not begun, the first since {since}."
        yield finding(Cause.QUEUE_STANDS, what)
    with node.store.read() as session:
        dead, waiting = jobs.dead(session), jobs.waiting_for_others(session)
    for kind, count in Counter(job.kind for job in dead).items():
        last = next(job for job in reversed(dead) if job.kind == kind)
        what = f"{count} jobs of the kind {kind} were given up, the last because: {shown(last.error or '', 300)}"
        yield finding(Cause.JOBS_DEAD, what)
    for kind, (count, said) in waiting.items():
        what = f"{count} jobs of the kind {kind} wait for what is away. One of them says: {shown(said, 300)}"
        yield finding(Cause.JOBS_WAIT, what)


def retry(node: Node, numbers: Collection[int]) -> list[Job]:
    """Have jobs that were given up tried again, as if they never had been: all of these, or none.

    Raises NotFound for a number that is no job's (any more), or of a control that is still to be drawn: nobody is told
    that there is one. Raises Conflict for a job that was not given up.
    """
    with node.store.write() as session:
        wanted = sorted(set(numbers))
        rows = [row for number in wanted if (row := session.get(JobRow, number)) and not _is_to_be_drawn(row)]
        gone = sorted({*wanted} - {row.job_id for row in rows})
        if gone:
            raise NotFound(f"There is no job {_listed(gone)}. What is done is a job no more. See: ffp job list")
        alive = [row.job_id for row in rows if row.state != JobState.DEAD]
        if alive:
            raise Conflict(f"Not given up, and tried by itself: job {_listed(alive)}. See: ffp job list")
        return _revived(session, rows)


def retry_all(node: Node) -> list[Job]:
    """As ``retry``, of all that were given up; none is no fault."""
    with node.store.write() as session:
        return _revived(session, list(jobs.dead(session)))


def _is_to_be_drawn(row: JobRow) -> bool:
    return row.kind == JobKind.DRAW_CONTROL and row.state != JobState.DEAD


def _revived(session: Session, rows: list[JobRow]) -> list[Job]:
    for row in rows:
        jobs.promise(session, JobKind(row.kind), int(row.subject))
        scan = session.get(AcquisitionRow, int(row.subject)) if row.kind in jobs.ON_SCANS else None
        if scan is not None:
            take_up(session, scan)
    if rows:
        names = tuple(f"{row.kind} {row.job_id}" for row in rows)
        add_deeds(session, [Deed(CONSOLE, Act.RETRY_WORK, len(rows), names)])
    return [_told(session, row) for row in rows]


def _told(session: Session, row: JobRow) -> Job:
    due = row.not_before if row.state == JobState.PENDING else None
    subject = _subject(session, JobKind(row.kind), int(row.subject))
    return Job(row.job_id, row.kind, subject, row.node_id, row.state, row.attempts, row.error, due)


_SUBJECTS: Final[Mapping[JobKind, tuple[type[Base], str]]] = {
    **dict.fromkeys(OF_SCANS, (AcquisitionRow, "scan {0.position} of the record {0.statement_id}")),
    JobKind.ERASE: (TombstoneRow, "record {0.record}"),
    **dict.fromkeys((JobKind.SEND_QUERY, JobKind.ANSWER_QUERY), (QueryRow, "query {0.statement_id}")),
    JobKind.STORE_OBJECT: (ObjectRow, "scan {0.sha256}"),
    JobKind.TELL_WEBHOOK: (WebhookMessageRow, "webhook {0.webhook_id}"),
}
"""The row that a job's number names, and what it is called; of a control nobody is told which."""


def _subject(session: Session, kind: JobKind, number: int) -> str:
    if kind is JobKind.DRAW_CONTROL:
        return "a control"
    table, words = _SUBJECTS.get(kind, (RecordRow, "record {0.statement_id}"))
    by_sequence = kind is JobKind.START_SEARCH
    row = record_by_sequence(session, number) if by_sequence else session.get(table, number)
    return "what is gone" if row is None else words.format(row)


def _listed(numbers: list[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"{', '.join(map(str, numbers[:_NAMED]))}{more}"
