"""Work that was promised and is not done, for the operator: what it is, why it waits, and to have it tried again."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Deed
from exchange.store.entry.records import record_by_sequence, take_up
from exchange.store.log.audit import add_deeds
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.tables.queries import QueryRow
from exchange.store.tables.records import AcquisitionRow, ObjectRow
from exchange.store.tables.terms import TombstoneRow
from exchange.store.tables.webhooks import WebhookMessageRow
from exchange.store.tables.work import JobRow

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


def standing_work(node: Node) -> tuple[int, str] | None:
    """How many jobs are due for long although nobody is at any of their kind, and since when the first; None where the
    queue moves, however much is in it. It is looked at twice: between two jobs nobody is at one either."""
    with node.store.read() as session:
        before = jobs.overdue(session, STANDS_S)
    if before is None:
        return None
    time.sleep(NEXT_JOB_S)
    with node.store.read() as session:
        now = jobs.overdue(session, STANDS_S)
    return now if now is not None and now[1] == before[1] else None


class QueueLook(StrEnum):
    """What a page knows of a queue without waiting: it moves, it stands, or one look is not enough to tell."""

    MOVES = "moves"
    STANDS = "stands"
    NOT_KNOWN = "not-known"


@dataclass(frozen=True)
class LookedAt:
    """``overdue``: how many jobs, and since when the first; None where none is."""

    look: QueueLook
    overdue: tuple[int, str] | None


def look_at_queue(node: Node) -> LookedAt:
    """As ``standing_work``, without waiting for the second look: held against the last look that this process had. A
    page that is not told asks again by itself."""
    with node.store.read() as session:
        found = jobs.overdue(session, STANDS_S)
    home, at = node.settings.home, time.monotonic()
    if found is None:
        _LAST_LOOKS.pop(home, None)
        return LookedAt(QueueLook.MOVES, None)
    before = _LAST_LOOKS.get(home)
    if before is None or before.first != found[1]:
        _LAST_LOOKS[home] = _Look(at, found[1])
        return LookedAt(QueueLook.NOT_KNOWN if before is None else QueueLook.MOVES, found)
    return LookedAt(QueueLook.STANDS if at - before.at >= NEXT_JOB_S else QueueLook.NOT_KNOWN, found)


@dataclass(frozen=True)
class _Look:
    at: float
    first: str


_LAST_LOOKS: Final[dict[Path, _Look]] = {}
"""Of each node that this process has open: when its first job that is due was first seen with nobody at any."""


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


def _subject(session: Session, kind: JobKind, number: int) -> str:
    match kind:
        case JobKind.FETCH_SCAN | JobKind.CORRELATE | JobKind.PROBE | JobKind.KNOWN_PAIRS:
            if scan := session.get(AcquisitionRow, number):
                return f"scan {scan.position} of the record {scan.statement_id}"
        case JobKind.ERASE:
            if tombstone := session.get(TombstoneRow, number):
                return f"record {tombstone.record}"
        case JobKind.SEND_QUERY | JobKind.ANSWER_QUERY:
            if query := session.get(QueryRow, number):
                return f"query {query.statement_id}"
        case JobKind.STORE_OBJECT:
            if stored := session.get(ObjectRow, number):
                return f"scan {stored.sha256}"
        case JobKind.DRAW_CONTROL:
            return "a control"
        case JobKind.START_SEARCH:
            if record := record_by_sequence(session, number):
                return f"record {record.statement_id}"
        case JobKind.TELL_WEBHOOK:
            if message := session.get(WebhookMessageRow, number):
                return f"webhook {message.webhook_id}"
    return "what is gone"


def _listed(numbers: list[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"{', '.join(map(str, numbers[:_NAMED]))}{more}"
