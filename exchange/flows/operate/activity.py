"""What a node does at this moment: its queue, its workers, its peers, and how much it did in the last minute.

Reads settings and database alone, in one transaction that writes nothing: no key is needed, and the node may run or
not. Where it runs it is asked once for a sign of life; and with ``metrics_port``, how many requests it has answered.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.addresses import near
from exchange.clock import now, stamp, stamp_in
from exchange.config import Settings
from exchange.errors import PeerUnreachable
from exchange.flows.sync.clocks import judge
from exchange.net.egress import Typed
from exchange.net.probe import reach
from exchange.store.database.engine import Store
from exchange.store.node import activity_rows as activity
from exchange.store.node import workers
from exchange.store.node.jobs import JobState
from exchange.store.sync.peers import all_peers, lane_of
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.work_tables import WorkerRow

WINDOW_S: Final = 60
"""Rates are counts of the last minute."""
_HERE_S: Final = 1.0
_MOST_METRICS_BYTES: Final = 4 * 1024**2
_REQUESTS: Final = "ffp_http_requests_total"


@dataclass(frozen=True)
class QueueActivity:
    """Jobs of one kind. ``oldest_s``: for how long the one that waits longest is due; None when none is due."""

    kind: str
    waiting: int
    running: int
    dead: int
    oldest_s: float | None


@dataclass(frozen=True)
class WorkerActivity:
    """One process that does the node's work. ``doing``: how many jobs of each kind it is at."""

    place: str
    since: str
    seen_s: float
    leads: bool
    doing: dict[str, int]


@dataclass(frozen=True)
class PeerActivity:
    """One peer. ``answered_s``: since when it has not answered, None when it never did. ``behind``: statements on its
    lane that it has not read. ``clock_ahead_s``: how far its clock was ahead; ``clock_off``: more than is allowed."""

    node_id: str
    state: str
    answered_s: float | None
    behind: int
    received: int
    clock_ahead_s: float | None
    clock_off: bool
    alarm: bool


@dataclass(frozen=True)
class Activity:
    """One moment. ``requests``: a minute, since the look before; None without ``metrics_port``, at the first look, and
    while the node does not run. ``cost_ms``: what this look took."""

    at: str
    node_id: str
    answers: bool
    queue: list[QueueActivity]
    workers: list[WorkerActivity]
    peers: list[PeerActivity]
    records: int
    correlations: int
    queries: int
    requests: float | None
    disk_free_bytes: int
    disk_reserve_bytes: int
    cost_ms: float


class Watch:
    """Looks at one node again and again."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._counted: tuple[float, float] | None = None

    def look(self) -> Activity:
        """Raises StoreUnavailable, OSError when the home is gone."""
        began = time.perf_counter()
        moment = stamp_in(-WINDOW_S)
        with self._store.read() as session:
            queue, working = _queue(session), _workers(session)
            peers = _peers(session, self._settings.request_skew_s)
            records, queries = activity.records_since(session, moment), activity.queries_since(session, moment)
            correlations = activity.correlated_since(session, moment)
        answers = self._answers()
        return Activity(
            at=stamp(),
            node_id=self._settings.node_id,
            answers=answers,
            queue=queue,
            workers=working,
            peers=peers,
            records=records,
            correlations=correlations,
            queries=queries,
            requests=self._requests() if answers else None,
            disk_free_bytes=shutil.disk_usage(self._settings.home).free,
            disk_reserve_bytes=self._settings.min_free_bytes,
            cost_ms=round((time.perf_counter() - began) * 1e3, 1),
        )

    def _answers(self) -> bool:
        url = f"http://{near(self._settings.host)}:{self._settings.port}/healthz"
        try:
            return reach(url, guard=Typed(url), timeout_s=_HERE_S).status == 200
        except PeerUnreachable:
            return False

    def _requests(self) -> float | None:
        """A minute, since the look before."""
        if self._settings.metrics_port is None:
            return None
        url = f"http://127.0.0.1:{self._settings.metrics_port}/metrics"
        try:
            told = reach(url, guard=Typed(url), timeout_s=_HERE_S, most_bytes=_MOST_METRICS_BYTES)
        except PeerUnreachable:
            return None
        lines = told.body.decode("utf-8", "replace").splitlines()
        total = sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{_REQUESTS}{{"))
        before, self._counted = self._counted, (time.monotonic(), total)
        if before is None or total < before[1]:  # it was started anew
            return None
        return round((total - before[1]) * 60 / max(self._counted[0] - before[0], 1e-3), 1)


def _queue(session: Session) -> list[QueueActivity]:
    counts, due = activity.counts_of_jobs(session), activity.due_since(session)
    return [
        QueueActivity(
            kind=kind,
            waiting=counts.get((kind, JobState.PENDING), 0),
            running=counts.get((kind, JobState.RUNNING), 0),
            dead=counts.get((kind, JobState.DEAD), 0),
            oldest_s=_age_s(due[kind]) if kind in due else None,
        )
        for kind in sorted({kind for kind, _ in counts})
    ]


def _workers(session: Session) -> list[WorkerActivity]:
    doing = activity.running_of(session)
    return [_worker(row, doing.get(row.worker_id, {})) for row in workers.alive(session)]


def _worker(row: WorkerRow, doing: dict[str, int]) -> WorkerActivity:
    return WorkerActivity(row.place, row.since, _age_s(row.seen_at), row.leads, doing)


def _peers(session: Session, skew_s: float) -> list[PeerActivity]:
    rows = [row for row in all_peers(session) if row.state != PeerState.REVOKED]
    ahead = {row.node_id: row.clock_ahead_s for row in rows if row.clock_ahead_s is not None}
    off = judge(ahead, skew_s).peers
    lanes = {row.node_id: lane_of(session, row.node_id) for row in rows}
    return [
        PeerActivity(
            node_id=row.node_id,
            state=row.state,
            answered_s=_age_s(row.pulled_at) if row.pulled_at else None,
            behind=lanes[row.node_id].count - lanes[row.node_id].acknowledged_count,
            received=row.cursor_count,
            clock_ahead_s=ahead.get(row.node_id),
            clock_off=row.node_id in off,
            alarm=row.alarm is not None,
        )
        for row in rows
    ]


def _age_s(moment: str) -> float:
    return round(max(0.0, (now() - datetime.fromisoformat(moment)).total_seconds()), 1)
