"""Do the jobs of a node's outbox: take a due job under a lease, do it, and record its result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from exchange.errors import ExchangeError, PeerBusy, PeerUnreachable, StoreUnavailable, WebhookFailed
from exchange.flows.alerts.webhooks import tell_webhook
from exchange.flows.log.log_objects import settle_object
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import LEASE_S, most_attempts, tell_on_scan
from exchange.flows.query.answer import answer_query
from exchange.flows.query.ask import send_query
from exchange.flows.query.start_search import start_search
from exchange.flows.review.partners import draw_control_here_or_at_partner
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.scan.instrument_probe import probe_instrument
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.terms.erase import erase
from exchange.flows.truth.known_pairs import score_test_fire
from exchange.net.client import PeerClient
from exchange.patience import Patience, is_away, told_as_away
from exchange.store.entry.record_rows import record_and_issuer
from exchange.store.node import jobs
from exchange.store.node.jobs import OF_SCANS, JobKind
from exchange.store.tables.work_tables import JobRow
from exchange.worker.loops import IDLE_S


def do_job(node: Node, client: PeerClient, kind: JobKind, subject: int, attempt: int) -> None:
    """Do one job. ``subject`` is the number of an acquisition, a tombstone, a query, an object, a task, a message or a
    record, depending on the kind. Errors of the flow are raised; the job is then not done."""
    about = _about(node, kind, subject)
    with (
        bound_contextvars(**about),
        node.tracing.span(kind.value, {**about, "attempt": attempt}, record=about.get("record")),
    ):
        _do(node, client, kind, subject, attempt)


def _about(node: Node, kind: JobKind, subject: int) -> dict[str, str]:
    """Return the record of a job and the peer that sent it, for log lines and the trace."""
    if kind not in OF_SCANS:
        return {}
    with node.store.read() as session:
        found = record_and_issuer(session, subject)
    if found is None:
        return {}
    record, issuer = found
    return {"record": record} if issuer == node.node_id else {"record": record, "peer": issuer}


def _do(node: Node, client: PeerClient, kind: JobKind, subject: int, attempt: int) -> None:
    match kind:
        case JobKind.CORRELATE:
            with node.meters.correlation_seconds.time():
                added = correlate_acquisition(node, subject)
            log.info("correlated", acquisition=subject, candidates=added)
        case JobKind.PROBE:
            turned = probe_instrument(node, subject)
            log.info("instrument probed", acquisition=subject, turned=turned and turned.name)
        case JobKind.KNOWN_PAIRS:
            scored = score_test_fire(node, subject)
            log.info("a test fire was scored with the others", acquisition=subject, pairs=scored)
        case JobKind.FETCH_SCAN:
            fetch_scan(node, client, subject)
            log.info("scan fetched", acquisition=subject)
        case JobKind.ERASE:
            erase(node, subject)
        case JobKind.SEND_QUERY:
            send_query(node, client, subject)
        case JobKind.ANSWER_QUERY:
            answer_query(node, subject, give_up=attempt > node.settings.max_attempts)
        case JobKind.STORE_OBJECT:
            settle_object(node, subject)
        case JobKind.DRAW_CONTROL:
            draw_control_here_or_at_partner(node, subject)
        case JobKind.TELL_WEBHOOK:
            tell_webhook(node, subject, attempt)
        case JobKind.START_SEARCH:
            start_search(node, subject)


log = structlog.get_logger(__name__)

AT_MOST: Final = {
    jobs.JobKind.FETCH_SCAN: 1,
    jobs.JobKind.SEND_QUERY: 1,
    jobs.JobKind.ANSWER_QUERY: 1,
    jobs.JobKind.TELL_WEBHOOK: 1,
}
"""The most jobs of a kind that a worker does at once for one node, so that other nodes are not blocked."""
STORE_AGAIN_S = 1  # the pause before the result of a job is written again after the database was unavailable


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
        """Return the jobs that this worker is doing: number -> attempt."""
        with self._holding:
            return dict(self._held)

    def drain(self, kind: jobs.JobKind, found: Callable[[], object] | None = None) -> bool:
        """Take one due job of a kind, from the node whose turn it is, and do it. Call ``found`` when the job is taken.
        Return whether there was one."""
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
        """Return the kinds with due jobs. The database is asked once for all loops."""
        with self._looking:
            if time.monotonic() >= self._look_again:
                with self._node.store.read() as session:
                    self._due = frozenset(kind for kind in jobs.due_kinds(session) if self._may_take(session, kind))
                self._look_again = time.monotonic() + IDLE_S / 2
            return self._due

    def _may_take(self, session: Session, kind: jobs.JobKind) -> bool:
        """Return whether a node with due jobs is below its limit, and no other kind has priority."""
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
        """Let the job wait if the infrastructure was unavailable; otherwise count a failed attempt."""
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
        """Record the result of a job; retry while the database is unavailable. Otherwise the job would be blocked until
        its lease ends."""
        while True:
            try:
                with self._node.store.write() as session:
                    end(session)
                    return
            except StoreUnavailable:
                if self._stopping.wait(STORE_AGAIN_S):
                    raise
