"""The node's own work beside its answers: sign heads, pull from peers and cosign theirs, drain the outbox. One flow a
step. Any number of workers drain the outbox; one of them leads, and does the rest."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from exchange.errors import (
    ExchangeError,
    PeerBusy,
    PeerUnreachable,
    StoreUnavailable,
    TimeStampError,
)
from exchange.flows.blind.send import draw_control
from exchange.flows.entry.drafts import erase_outlived_drafts
from exchange.flows.hits.pairs import work_out_all
from exchange.flows.integrity.log_check import check_when_due
from exchange.flows.keys.restore_key_events import cosign_again
from exchange.flows.log.audit_rows import erase_outlived_rows, seal_audit
from exchange.flows.log.checkpoint import sign_head
from exchange.flows.log.mend import mend_log
from exchange.flows.log.objects import evict, promise_objects, settle_object, sweep_objects
from exchange.flows.log.objects import promise_again as promise_objects_again
from exchange.flows.log.stamping import note_stamp_failure, stamp_head
from exchange.flows.log.start import begin_log_start, may_sign
from exchange.flows.monitoring.hours import Hours
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import BEAT_S, LEASE_S, Presence, most_attempts, tell_on_scan
from exchange.flows.query.answer import answer_query
from exchange.flows.query.ask import send_query
from exchange.flows.review.mail import LetterWriter, send_letter
from exchange.flows.scan.correlate import correlate_acquisition, promise_again
from exchange.flows.scan.references import restore_galleries
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.sync.replay import read_again
from exchange.flows.sync.serve_lane import give_mended
from exchange.flows.terms.erase import erase
from exchange.flows.terms.withdraw import purge
from exchange.net.client import PeerClient
from exchange.net.request_id import FIELD, new_request_id
from exchange.net.time_authority import TimeAuthorityClient
from exchange.patience import Patience, is_away
from exchange.peer_rounds import PeerRounds
from exchange.store.node import jobs
from exchange.store.scan.deliveries import kept_scans
from exchange.store.sync.peers import ASKED, all_peers
from exchange.store.tables.work import JobRow
from exchange.store.witness.rebuild import lost_leaves

log = structlog.get_logger(__name__)

IDLE_S = 0.2  # how long an idle loop sleeps: below what a person notices, above what a laptop's battery does
FETCHERS = 16
"""At most one for each peer at a time: so many peers may be slow at once before another one's scan waits for them, and
each of their transfers has a least rate. They wait for the network most of the time."""
FETCHES_A_SECOND = 8
"""Of one peer, however small its scans are: each is read, stored and prepared beside those of others."""
ASKERS = 4
ANSWERERS = 2
STORERS = 2
AT_MOST: Final = {jobs.JobKind.FETCH_SCAN: 1, jobs.JobKind.SEND_QUERY: 1, jobs.JobKind.ANSWER_QUERY: 1}
"""How many jobs of a kind a worker does at once on the account of one node, so that it has a place left for others."""
GALLERIES_S = 60
SWEEP_S = 60  # how often it is looked whether the peers have returned what a sweep waits for
PURGE_S = 60  # how often it is looked whether any record's retention is over
LOG_CHECK_S = 60  # how often it is looked whether the check is due
OBJECTS_S = 60  # the same whether the disk holds more scans than it should
SWEEP_OBJECTS_S = 86_400
MAIL_S = 5  # how soon a letter leaves
STAMP_S = 60  # the same for a time stamp, and how soon an authority that was away is asked again
STORE_AGAIN_S = 1  # how soon a database that was away is tried again with what must be written down
STOP_S = 10  # how long the node's end waits for its work: well below the patience of service managers


class Worker:
    """Runs until ``stop``. Every step is one flow with its own transaction; a failed step is tried again."""

    def __init__(self, node: Node, write_letter: LetterWriter) -> None:
        self._node = node
        self._write_letter = write_letter
        self._client = PeerClient(
            node.keys.transport,
            guard=node.egress,
            timeout_s=node.settings.peer_timeout_s,
            certificate=node.settings.client_certificate,
            least_rate=node.settings.least_fetch_rate_bytes_per_s,
            most_rate=node.settings.most_fetch_rate_bytes_per_s,
            scans_a_second=FETCHES_A_SECOND,
        )
        self._time_authority = TimeAuthorityClient(guard=node.egress, timeout_s=node.settings.peer_timeout_s)
        self._chance = random.Random()
        self._patience = Patience(self._chance)
        self._hours = Hours(node)
        self._presence = Presence(node)
        self._term, self._taking_over = 0, threading.Lock()
        self._held: dict[int, int] = {}
        self._holding = threading.Lock()
        self._stopping = threading.Event()
        self._rounds = PeerRounds(node, self._client, self._hours, self._stopping)
        self._threads: list[threading.Thread] = []
        self._pulled: set[str] = set()
        self._swept = False
        self._objects_promised, self._objects_swept = False, float("-inf")
        self._due: frozenset[jobs.JobKind] = frozenset()
        self._at_most = {**AT_MOST, jobs.JobKind.CORRELATE: node.settings.workers}
        self._served: dict[jobs.JobKind, str] = {}
        self._looking, self._look_again = threading.Lock(), 0.0

    def start(self) -> None:
        """Show that it lives, lead where nobody does, and start. Raises ConfigurationError where it cannot work beside
        those that do."""
        self._presence.begin()
        self._show()
        self._run("presence", self._show, BEAT_S)
        self._may_lead()
        alone: list[tuple[str, Callable[[], bool], float]] = [
            ("sequencer", self._sequence, self._node.settings.checkpoint_interval_s),
            ("time stamps", self._stamp, min(STAMP_S, self._node.settings.timestamp_interval_s)),
            ("e-mail", self._send_letter, MAIL_S),
            ("watch on peers", self._watch_peers, IDLE_S),
            ("scans without a record", self._sweep, SWEEP_S),
            ("galleries", self._restore_galleries, GALLERIES_S),
            ("check of content at rest", self._check_at_rest, LOG_CHECK_S),
            ("end of retention", lambda: purge(self._node) > 0, PURGE_S),
            ("end of drafts", lambda: erase_outlived_drafts(self._node) > 0, PURGE_S),
            ("end of audit rows", lambda: erase_outlived_rows(self._node), PURGE_S),
        ]
        correlators = self._workers + 1  # of which all the work of one node leaves one to others
        together: list[tuple[str, Callable[[], bool], float]] = [
            *((f"correlator-{n}", lambda: self._drain(jobs.JobKind.CORRELATE), IDLE_S) for n in range(correlators)),
            ("eraser", lambda: self._drain(jobs.JobKind.ERASE), IDLE_S),
            ("drawer of controls", lambda: self._drain(jobs.JobKind.DRAW_CONTROL), IDLE_S),
            *((f"asker-{n}", lambda: self._drain(jobs.JobKind.SEND_QUERY), IDLE_S) for n in range(ASKERS)),
            *((f"answerer-{n}", lambda: self._drain(jobs.JobKind.ANSWER_QUERY), IDLE_S) for n in range(ANSWERERS)),
            *((f"fetcher-{n}", lambda: self._drain(jobs.JobKind.FETCH_SCAN), IDLE_S) for n in range(FETCHERS)),
        ]
        if self._node.objects is not None:
            alone += [
                ("scans for the object store", self._promise_objects, OBJECTS_S),
                ("scans that may leave the disk", lambda: evict(self._node) > 0, OBJECTS_S),
                ("objects without a record", self._sweep_objects, SWEEP_S),
            ]
            store = partial(self._drain, jobs.JobKind.STORE_OBJECT)
            together += [(f"storer-{n}", store, IDLE_S) for n in range(STORERS)]
        for name, step, pause_s in alone:
            self._run(name, partial(self._leading, step), pause_s)
        for name, step, pause_s in together:
            self._run(name, step, pause_s)

    def stop(self) -> None:
        """Start no more steps. Requests to peers are broken off, since they go on where they stopped. The other steps
        that run may end; what they wait for is stopped after ``STOP_S``, and the work is due again."""
        self._stopping.set()
        self._client.hang_up()
        self._time_authority.hang_up()
        deadline = time.monotonic() + STOP_S
        for thread in list(self._threads):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._node.compute.close()
        self._node.background.close()
        for thread in list(self._threads):
            thread.join(timeout=STOP_S)
        self._presence.end()
        self._client.close()
        self._time_authority.close()

    def _run(self, name: str, step: Callable[[], bool], pause_s: float) -> None:
        thread = threading.Thread(target=self._loop, args=(name, step, pause_s), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def _workers(self) -> int:
        return self._node.settings.workers

    def _show(self) -> bool:
        with self._holding:
            held = dict(self._held)
        self._presence.beat(held)
        self._node.galleries.share(with_others=not self._presence.alone)
        return False

    def _leading(self, step: Callable[[], bool]) -> bool:
        """A step that one worker of the node does, and no other."""
        return self._may_lead() and step()

    def _may_lead(self) -> bool:
        """Whether this worker leads; once it has begun to, what must come before everything else is done."""
        if not self._presence.leads:
            return False
        with self._taking_over:
            if self._term != self._presence.term:
                term = self._presence.term
                self._mend_log()
                begin_log_start(self._node)
                cosign_again(self._node)
                self._recover()
                self._term = term
        return self._presence.leads

    def _recover(self) -> None:
        self._swept = False
        self._sweep()
        taken = read_again(self._node)
        if taken:
            log.info("understood what an older release had set aside", count=taken)
        work_out_all(self._node)
        again = promise_again(self._node)
        if again:
            log.info("the matcher changed: scans are correlated anew", count=again)

    def _sweep(self) -> bool:
        """Remove the scans that no record keeps, once. Not before the peers have returned this node's heads: after a
        restore a scan may be that of a record which is still to come back."""
        if self._swept:
            return False
        with self._node.store.write() as session:  # scans are kept inside write transactions, with their records
            if not may_sign(session) or lost_leaves(session):
                return False
            swept, stayed = self._node.blobs.sweep(kept_scans(session))
        self._swept = True
        if swept:
            log.info("removed scans that no record keeps", count=swept)
        if stayed:
            log.warning("scans that no record keeps cannot be removed, tried again at the next start", count=stayed)
        return False

    def _promise_objects(self) -> bool:
        """Returns whether there is more to do at once, of what was there before the object store was."""
        if self._objects_promised:
            promise_objects_again(self._node)
            return False
        self._objects_promised = not promise_objects(self._node)
        return not self._objects_promised

    def _sweep_objects(self) -> bool:
        if time.monotonic() >= self._objects_swept + SWEEP_OBJECTS_S and sweep_objects(self._node):
            self._objects_swept = time.monotonic()
        return False

    def _loop(self, name: str, step: Callable[[], bool], pause_s: float) -> None:
        while not self._stopping.is_set():
            with bound_contextvars(**{FIELD: new_request_id()}):  # peers log it too, with what they answer to this step
                busy = self._try(name, step)
            if not busy:
                jitter = self._chance.uniform(0.75, 1.25)  # so that nodes do not move in step
                self._stopping.wait(pause_s * jitter)

    def _try(self, name: str, step: Callable[[], bool]) -> bool:
        try:
            return step()
        except ExchangeError as error:
            log.warning("step failed, tried again later", loop=name, code=error.code, detail=str(error))
        except Exception:
            log.exception("unforeseen error, tried again later", loop=name)
        return False

    def _sequence(self) -> bool:
        """Audit rows first, so that the head covers the leaf that vouches for them."""
        self._hours.note(self._node.node_id, answered=True)
        seal_audit(self._node)
        return sign_head(self._node)

    def _restore_galleries(self) -> bool:
        """Once after the start there may be much to do; later there is nothing, unless that failed."""
        restore_galleries(self._node)
        return False

    def _mend_log(self) -> None:
        """What cannot be mended is named by the check, by status and by readiness; the rest of the node goes on."""
        try:
            mend_log(self._node)
        except StoreUnavailable as error:
            log.warning("the tree of the own log cannot be made again", detail=str(error))

    def _check_at_rest(self) -> bool:
        self._mend_log()
        check = check_when_due(self._node)
        if check is not None and not check.good:
            for found in check.findings:
                log.error("content at rest is not what was signed", subject=found.subject, detail=found.what)
        if check is not None:
            give_mended(self._node)
        return False

    def _stamp(self) -> bool:
        try:
            if stamp_head(self._node, self._time_authority):
                log.info("a head of the log has a time stamp")
        except TimeStampError as error:
            if not self._stopping.is_set():  # else broken off here, no fault of the authority
                log.warning("no time stamp, asked again later", code=error.code, detail=str(error))
                note_stamp_failure(self._node, error)
        return False

    def _send_letter(self) -> bool:
        server = self._node.mail
        return server is not None and send_letter(self._node, server, self._write_letter)

    def _watch_peers(self) -> bool:
        """Give each enrolled peer a thread of its own: a slow or silent one keeps nobody else waiting."""
        with self._node.store.read() as session:
            peers = {peer.node_id for peer in all_peers(session) if peer.state in ASKED}
        for peer in sorted(peers - self._pulled):
            self._pulled.add(peer)
            step = partial(self._leading, partial(self._rounds.pull, peer))
            self._run(f"puller of {peer}", step, self._node.settings.pull_interval_s)
        return False

    def _drain(self, kind: jobs.JobKind) -> bool:
        """Take one due job of a kind, of the node whose turn it is, and do it; returns whether there was one."""
        if kind not in self._due_kinds():
            return False
        after, at_most = self._served.get(kind, ""), self._at_most.get(kind)
        with self._node.store.write() as session:
            job = jobs.take(
                session, kind, owner=self._presence.worker_id, lease_s=LEASE_S, after=after, at_most=at_most
            )
        if job is None:
            return False
        self._served[kind] = job.node_id
        with self._holding:
            self._held[job.job_id] = job.attempts
        try:
            self._do_taken(kind, job)
        finally:
            with self._holding:
                del self._held[job.job_id]
        return True

    def _do_taken(self, kind: jobs.JobKind, job: JobRow) -> None:
        try:
            with self._node.background.on_account_of(job.node_id):
                self._do(kind, int(job.subject), job.attempts)
        except Exception as error:
            if not isinstance(error, ExchangeError):
                log.exception("job failed", kind=kind, subject=job.subject)
            self._not_done(job, error)
        else:
            self._patience.over(job.job_id)
            self._written(lambda session: jobs.finish(session, job))

    def _due_kinds(self) -> frozenset[jobs.JobKind]:
        """Asked once for all loops, as often as one of them would ask."""
        with self._looking:
            if time.monotonic() >= self._look_again:
                with self._node.store.read() as session:
                    self._due = frozenset(kind for kind in jobs.due_kinds(session) if self._may_take(session, kind))
                self._look_again = time.monotonic() + IDLE_S / 2
            return self._due

    def _may_take(self, session: Session, kind: jobs.JobKind) -> bool:
        """Whether any node of which jobs are due has a place left."""
        owner, at_most = self._presence.worker_id, self._at_most.get(kind)
        return bool(jobs.waiting_nodes(session, kind, owner=owner, at_most=at_most))

    def _do(self, kind: jobs.JobKind, subject: int, attempt: int) -> None:
        match kind:
            case jobs.JobKind.CORRELATE:
                with self._node.meters.correlation_seconds.time():
                    added = correlate_acquisition(self._node, subject)
                log.info("correlated", acquisition=subject, candidates=added)
            case jobs.JobKind.FETCH_SCAN:
                fetch_scan(self._node, self._client, subject)
                log.info("scan fetched", acquisition=subject)
            case jobs.JobKind.ERASE:
                erase(self._node, subject)
            case jobs.JobKind.SEND_QUERY:
                send_query(self._node, self._client, subject)
            case jobs.JobKind.ANSWER_QUERY:
                answer_query(self._node, subject, give_up=attempt > self._node.settings.max_attempts)
            case jobs.JobKind.STORE_OBJECT:
                settle_object(self._node, subject)
            case jobs.JobKind.DRAW_CONTROL:
                draw_control(self._node, subject)

    def _not_done(self, job: JobRow, error: Exception) -> None:
        """It waits where it could not be tried, else that was an attempt."""
        told = f"{error.code}: {error}" if isinstance(error, ExchangeError) else f"unforeseen: {type(error).__name__}"
        if is_away(error):
            self._wait(job, told, self._patience.pause_s(job.job_id))
            return
        self._patience.over(job.job_id)
        asked_s = error.retry_after_s if isinstance(error, PeerUnreachable) else 0
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
