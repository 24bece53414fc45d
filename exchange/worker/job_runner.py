"""The outbox of a node is drained: a worker takes a due job under a lease, does it, and writes down how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.orm import Session

from exchange.errors import ExchangeError, PeerBusy, PeerUnreachable, StoreUnavailable, WebhookFailed
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import LEASE_S, most_attempts, tell_on_scan
from exchange.net.client import PeerClient
from exchange.patience import Patience, is_away, told_as_away
from exchange.store.node import jobs
from exchange.store.tables.work import JobRow
from exchange.worker.job_kinds import do_job
from exchange.worker.loops import IDLE_S

log = structlog.get_logger(__name__)

AT_MOST: Final = {
    jobs.JobKind.FETCH_SCAN: 1,
    jobs.JobKind.SEND_QUERY: 1,
    jobs.JobKind.ANSWER_QUERY: 1,
    jobs.JobKind.TELL_WEBHOOK: 1,
}
"""How many jobs of a kind a worker does at once on the account of one node, so that it has a place left for others."""
STORE_AGAIN_S = 1  # how soon a database that was away is tried again with what must be written down


class JobRunner:
    """The jobs of one worker. Any number of its threads call ``drain``."""

    def __init__(
        self, node: Node, client: PeerClient, worker_id: str, patience: Patience, stopping: threading.Event
    ) -> None:
        self._node, self._client, self._worker_id = node, client, worker_id
        self._patience, self._stopping = patience, stopping
        self._at_most = {**AT_MOST, jobs.JobKind.CORRELATE: node.settings.workers}
        self._served: dict[jobs.JobKind, str] = {}
        self._held: dict[int, int] = {}
        self._holding = threading.Lock()
        self._due: frozenset[jobs.JobKind] = frozenset()
        self._looking, self._look_again = threading.Lock(), 0.0

    def held(self) -> dict[int, int]:
        """The jobs that this worker is at: number -> attempt."""
        with self._holding:
            return dict(self._held)

    def drain(self, kind: jobs.JobKind, found: Callable[[], object] | None = None) -> bool:
        """Take one due job of a kind, of the node whose turn it is, and do it; returns whether there was one. ``found``
        is called as soon as there is."""
        if kind not in self.due_kinds():
            return False
        after, at_most = self._served.get(kind, ""), self._at_most.get(kind)
        with self._node.store.write() as session:
            job = jobs.take(session, kind, owner=self._worker_id, lease_s=LEASE_S, after=after, at_most=at_most)
        if job is None:
            return False
        self._served[kind] = job.node_id
        with self._holding:
            self._held[job.job_id] = job.attempts
        if found is not None:
            found()
        try:
            self._do(kind, job)
        finally:
            with self._holding:
                del self._held[job.job_id]
        return True

    def due_kinds(self) -> frozenset[jobs.JobKind]:
        """Asked once for all loops, as often as one of them would ask."""
        with self._looking:
            if time.monotonic() >= self._look_again:
                with self._node.store.read() as session:
                    self._due = frozenset(kind for kind in jobs.due_kinds(session) if self._may_take(session, kind))
                self._look_again = time.monotonic() + IDLE_S / 2
            return self._due

    def _may_take(self, session: Session, kind: jobs.JobKind) -> bool:
        """Whether any node of which jobs are due has a place left, and nothing goes before them."""
        if kind is jobs.JobKind.PROBE and self._gives_way(session, kind):
            return False
        return bool(jobs.waiting_nodes(session, kind, owner=self._worker_id, at_most=self._at_most.get(kind)))

    def _gives_way(self, session: Session, kind: jobs.JobKind) -> bool:
        return jobs.gives_way(session, kind, to=jobs.JobKind.CORRELATE, for_s=jobs.PROBES_WAIT_S)

    def _do(self, kind: jobs.JobKind, job: JobRow) -> None:
        try:
            with self._node.background.on_account_of(job.node_id):
                do_job(self._node, self._client, kind, int(job.subject), job.attempts)
        except Exception as caught:
            error = told_as_away(caught)
            if not isinstance(error, ExchangeError):
                log.exception("job failed", kind=kind, subject=job.subject)
            self._not_done(job, error)
        else:
            self._patience.over(job.job_id)
            self._written(lambda session: jobs.finish(session, job))

    def _not_done(self, job: JobRow, error: Exception) -> None:
        """It waits where it could not be tried, else that was an attempt."""
        told = f"{error.code}: {error}" if isinstance(error, ExchangeError) else f"unforeseen: {type(error).__name__}"
        if is_away(error):
            self._wait(job, told, self._patience.pause_s(job.job_id))
            return
        self._patience.over(job.job_id)
        asked_s = error.retry_after_s if isinstance(error, PeerUnreachable | WebhookFailed) else 0
        if isinstance(error, PeerBusy):
            self._wait(job, told, max(jobs.FIRST_DELAY_S, asked_s))
        else:
            self._failed(job, told, at_least_s=asked_s)

    def _wait(self, job: JobRow, message: str, pause_s: float) -> None:
        log.warning("job waits", kind=job.kind, subject=job.subject, pause_s=round(pause_s, 1), detail=message)

        def put_back(session: Session) -> None:
            jobs.wait(session, job, message, pause_s=pause_s)
            tell_on_scan(session, job, message, aside=False)

        self._written(put_back)

    def _failed(self, job: JobRow, message: str, *, at_least_s: float) -> None:
        log.warning("job failed", kind=job.kind, subject=job.subject, attempt=job.attempts, detail=message)

        def put_back(session: Session) -> None:
            most = most_attempts(job, self._node.settings.max_attempts)
            aside = jobs.fail(session, job, message, max_attempts=most, at_least_s=at_least_s)
            tell_on_scan(session, job, message, aside)

        self._written(put_back)

    def _written(self, end: Callable[[Session], object]) -> None:
        """Write down how a job ended, as soon as the database takes it: else nobody would do the job before its lease
        is over, long after the database is back."""
        while True:
            try:
                with self._node.store.write() as session:
                    end(session)
                    return
            except StoreUnavailable:
                if self._stopping.wait(STORE_AGAIN_S):
                    raise
