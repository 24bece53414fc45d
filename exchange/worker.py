"""The node's own work beside its answers: sign heads, pull from peers and cosign theirs, drain the outbox. One flow a
step."""

from __future__ import annotations

import contextlib
import random
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy.orm import Session

from exchange.errors import ExchangeError, PeerError
from exchange.flows.checkpoint import sign_head
from exchange.flows.correlate import correlate_acquisition, promise_again
from exchange.flows.log_check import check_when_due
from exchange.flows.log_start import begin_log_start, may_sign
from exchange.flows.node import Node
from exchange.flows.pull import fetch_scan, note_alarm, pull
from exchange.flows.references import restore_galleries
from exchange.flows.witness import cosign_head, meet
from exchange.net.client import PeerClient
from exchange.store import jobs
from exchange.store.peers import PeerState, all_peers
from exchange.store.records import AcquisitionState, referenced_blobs
from exchange.store.tables import AcquisitionRow, JobRow

log = structlog.get_logger(__name__)

IDLE_S = 0.2  # how long an idle loop sleeps: below what a person notices, above what a laptop's battery does
FETCHERS = 2
GALLERIES_S = 60
LOG_CHECK_S = 60  # how often it is looked whether the check is due
STOP_S = 10  # how long the node's end waits for its work: well below the patience of service managers


class Worker:
    """Runs until ``stop``. Every step is one flow with its own transaction; a failed step is tried again."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._client = PeerClient(node.keys.transport, timeout_s=node.settings.peer_timeout_s)
        self._chance = random.Random()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pulled: set[str] = set()
        self._told: dict[str, bytes | None] = {}

    def start(self) -> None:
        """Clear what a crash left behind, then start. One worker at a time runs on a SQLite node."""
        self._recover()
        begin_log_start(self._node)
        loops: list[tuple[str, Callable[[], bool], float]] = [
            ("sequencer", lambda: sign_head(self._node), self._node.settings.checkpoint_interval_s),
            ("watch on peers", self._watch_peers, IDLE_S),
            ("galleries", self._restore_galleries, GALLERIES_S),
            ("check of content at rest", self._check_at_rest, LOG_CHECK_S),
            *((f"correlator-{n}", lambda: self._drain(jobs.JobKind.CORRELATE), IDLE_S) for n in range(self._workers)),
            *((f"fetcher-{n}", lambda: self._drain(jobs.JobKind.FETCH_SCAN), IDLE_S) for n in range(FETCHERS)),
        ]
        for name, step, pause_s in loops:
            self._run(name, step, pause_s)

    def stop(self) -> None:
        """Start no more steps. Requests to peers are broken off, since they go on where they stopped. The other steps
        that run may end; what they wait for is stopped after ``STOP_S``, and the work is due again at the next
        start."""
        self._stopping.set()
        self._client.hang_up()
        deadline = time.monotonic() + STOP_S
        for thread in list(self._threads):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._node.compute.close()
        for thread in list(self._threads):
            thread.join(timeout=STOP_S)
        self._client.close()

    def _run(self, name: str, step: Callable[[], bool], pause_s: float) -> None:
        thread = threading.Thread(target=self._loop, args=(name, step, pause_s), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def _workers(self) -> int:
        return self._node.settings.workers

    def _recover(self) -> None:
        for leftover in self._node.settings.incoming.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            elif leftover.suffix != ".part":  # parts are resumed, the rest was never acknowledged
                leftover.unlink()
        for leftover in self._node.settings.prepared.glob("*.part"):
            leftover.unlink()
        with self._node.store.write() as session:
            for job in jobs.abandoned(session):
                # counted as a failure: work that takes the whole node down must not do so for ever
                self._count_failure(session, job, "The node ended during this work; it is done again.")
            referenced = referenced_blobs(session)
        swept = self._node.blobs.sweep(referenced)
        if swept:
            log.info("removed scans that no record names", count=swept)
        again = promise_again(self._node)
        if again:
            log.info("the matcher changed: scans are correlated anew", count=again)

    def _loop(self, name: str, step: Callable[[], bool], pause_s: float) -> None:
        while not self._stopping.is_set():
            try:
                busy = step()
            except ExchangeError as error:
                log.warning("step failed, tried again later", loop=name, code=error.code, detail=str(error))
                busy = False
            except Exception:
                log.exception("unforeseen error, tried again later", loop=name)
                busy = False
            if not busy:
                jitter = self._chance.uniform(0.75, 1.25)  # so that nodes do not move in step
                self._stopping.wait(pause_s * jitter)

    def _restore_galleries(self) -> bool:
        """Once after the start there may be much to do; later there is nothing, unless that failed."""
        restore_galleries(self._node)
        return False

    def _check_at_rest(self) -> bool:
        check = check_when_due(self._node)
        if check is not None and not check.good:
            for found in check.findings:
                log.error("content at rest is not what was signed", subject=found.subject, detail=found.what)
        return False

    def _watch_peers(self) -> bool:
        """Give each enrolled peer a thread of its own: a slow or silent one keeps nobody else waiting."""
        with self._node.store.read() as session:
            peers = {peer.node_id for peer in all_peers(session) if peer.state == PeerState.ENROLLED}
        for peer in sorted(peers - self._pulled):
            self._pulled.add(peer)
            self._run(f"puller of {peer}", partial(self._pull, peer), self._node.settings.pull_interval_s)
        return False

    def _pull(self, peer: str) -> bool:
        try:
            with self._node.store.read() as session:
                waits = not may_sign(session)
            if waits:  # whatever else is wrong between the two: the peer may hold this node's heads
                with contextlib.suppress(PeerError):  # met again below, where it is an alarm
                    self._meet(peer)
            more = pull(self._node, self._client, peer)
            cosign_head(self._node, peer)
            if not more:
                self._meet(peer)
                if cosign_head(self._node, peer):  # the proofs that it waited for came with that answer
                    self._meet(peer)
        except PeerError as error:
            if not self._stopping.is_set():  # else broken off here, no fault of the peer
                log.warning("pull failed", peer=peer, code=error.code, detail=str(error))
                note_alarm(self._node, peer, str(error))
            return False
        return more

    def _meet(self, peer: str) -> None:
        self._told[peer] = meet(self._node, self._client, peer, self._told.get(peer))

    def _drain(self, kind: jobs.JobKind) -> bool:
        """Take one due job of a kind and do it; returns whether there was one."""
        with self._node.store.read() as session:
            if not jobs.any_due(session, kind):
                return False
        with self._node.store.write() as session:
            job = jobs.take(session, kind, lease_s=3 * self._node.settings.compute_timeout_s)
        if job is None:
            return False
        try:
            self._do(kind, int(job.subject))
        except ExchangeError as error:
            self._failed(job, f"{error.code}: {error}")
        except Exception as error:
            log.exception("job failed", kind=kind, subject=job.subject)
            self._failed(job, f"unforeseen: {type(error).__name__}")
        else:
            with self._node.store.write() as session:
                jobs.finish(session, job.job_id)
        return True

    def _do(self, kind: jobs.JobKind, acquisition_id: int) -> None:
        match kind:
            case jobs.JobKind.CORRELATE:
                added = correlate_acquisition(self._node, acquisition_id)
                log.info("correlated", acquisition=acquisition_id, candidates=added)
            case jobs.JobKind.FETCH_SCAN:
                fetch_scan(self._node, self._client, acquisition_id)
                log.info("scan fetched", acquisition=acquisition_id)

    def _failed(self, job: JobRow, message: str) -> None:
        log.warning("job failed", kind=job.kind, subject=job.subject, attempt=job.attempts, detail=message)
        with self._node.store.write() as session:
            self._count_failure(session, job, message)

    def _count_failure(self, session: Session, job: JobRow, message: str) -> None:
        aside = jobs.fail(session, job.job_id, message, max_attempts=self._node.settings.max_attempts)
        row = session.get_one(AcquisitionRow, int(job.subject))
        row.detail = message[:500]
        if aside:
            row.state = AcquisitionState.FAILED
