"""The background work of a node. Each worker does jobs of the outbox (`job_runner`). One worker is the leader: it also
does the leader's duties (`leader_duties`) and exchanges with each peer in rounds (`peer_rounds`)."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from functools import partial

import structlog
from anyio import CapacityLimiter

from exchange.flows.alerts.mail import LetterWriter
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import BEAT_S, Presence
from exchange.flows.sync.available_hours import AvailableHours
from exchange.net.client import PeerClient
from exchange.net.keep_alive import QUIET_LINE_S
from exchange.net.news_lines import NewsLines
from exchange.net.time_authority import TimeAuthorityClient
from exchange.patience import Patience
from exchange.store.node.jobs import JobKind
from exchange.store.sync.peers import asked_peers
from exchange.worker.job_runner import JobRunner
from exchange.worker.leader_duties import LeaderDuties
from exchange.worker.loops import IDLE_S, Loop, Loops, Step
from exchange.worker.peer_news import PeerNews
from exchange.worker.peer_rounds import PeerRounds

log = structlog.get_logger(__name__)

FETCHERS = 16
"""Threads that fetch scans, at most one for each peer. When this many peers are slow, the next peer waits, at most for
a transfer at the lowest rate. The threads mostly wait for the network."""
FETCHES_A_SECOND = 8
"""The most scans fetched from one peer in a second: each must also be read, stored and prepared."""
ASKERS = 4
ANSWERERS = 2
STORERS = 2
TELLERS = 4
"""Threads that send webhooks, at most one for each receiver. Each may be slow for 15 seconds."""
ROUNDS_AT_ONCE = 24
"""The most rounds at once. When this many peers are slow, the next peer waits until a round times out. A peer without
news occupies no thread."""
TELL_S = 60
"""How often cosigned tree heads are sent to witnesses with which there is no round meanwhile."""
STOP_S = 10  # how long the node's end waits for its work: well below the patience of service managers


class Worker:
    """A worker, which runs until ``stop``. Each step has its own transaction, and is retried after a failure."""

    def __init__(self, node: Node, write_letter: LetterWriter) -> None:
        self._node = node
        self._client = PeerClient(
            node.node_id,
            node.keys.transport,
            guard=node.egress,
            timeout_s=node.settings.peer_timeout_s,
            certificate=node.settings.client_certificate,
            least_rate=node.settings.least_fetch_rate_bytes_per_s,
            most_rate=node.settings.most_fetch_rate_bytes_per_s,
            scans_a_second=FETCHES_A_SECOND,
        )
        self._time_authority = TimeAuthorityClient(guard=node.egress, timeout_s=node.settings.peer_timeout_s)
        chance, hours = random.Random(), AvailableHours(node)
        self._loops = Loops(chance)
        stopping = self._loops.stopping
        self._presence = Presence(node)
        self._jobs = JobRunner(node, self._client, self._presence.worker_id, Patience(chance), stopping)
        self._duties = LeaderDuties(node, write_letter, self._time_authority, hours, stopping)
        self._term, self._taking_over = 0, threading.Lock()
        self._rounds = PeerRounds(node, self._client, hours, stopping)
        self._news = PeerNews(node, self._client, hours)
        self._asked = frozenset[str]()

    def start(self) -> None:
        """Register this worker, become the leader if there is none, and start. Raises ConfigurationError if it cannot
        work together with the other workers."""
        self._presence.begin()
        self.show()
        self._loops.start(Loop("presence", self.show, BEAT_S))
        self._may_lead()
        for loop in (*self._duties.loops(), *self._rounds_beside()):
            self._loops.start(loop._replace(step=partial(self._lead, loop.step)))
        self._loops.begin(self._attend_peers())
        self._loops.begin(self._work_off())

    def stop(self) -> None:
        """Start no more steps. Abort requests to peers, which can be resumed. Let other running steps finish within
        ``STOP_S``, then stop their tasks; their jobs are due again."""
        self._loops.stop()
        self._client.hang_up()
        self._time_authority.hang_up()
        self._loops.join(STOP_S)
        self._node.compute.close()
        self._node.background.close()
        self._loops.join(STOP_S)
        self._presence.end()
        self._client.close()
        self._time_authority.close()

    def show(self) -> None:
        """Send one heartbeat, and note whether this worker shares the galleries with others."""
        self._presence.beat(self._jobs.held())
        self._node.galleries.share(with_others=not self._presence.alone)

    def _may_lead(self) -> bool:
        """Return whether this worker leads. At the start of each term, take over first."""
        if not self._presence.leads:
            return False
        with self._taking_over:
            if self._term != self._presence.term:
                term = self._presence.term
                self._duties.take_over()
                self._term = term
        return self._presence.leads

    def _lead(self, step: Step) -> object:
        """Do the step if this worker leads."""
        return self._may_lead() and step()

    async def _work_off(self) -> None:
        """Look regularly for due jobs, and do jobs of different kinds concurrently."""
        places = {kind: asyncio.Semaphore(at_once) for kind, at_once in self._at_once().items()}
        drained = dict[JobKind, asyncio.Task[None]]()
        while not self._loops.stopping.is_set():
            for kind in await self._loops.step("outbox", self._jobs.due_kinds) or ():
                if kind in places and (kind not in drained or drained[kind].done()):
                    drained[kind] = self._loops.add(
                        self._loops.drain(f"outbox: {kind}", partial(self._jobs.drain, kind), places[kind])
                    )
            await self._loops.pause(IDLE_S)

    def _at_once(self) -> dict[JobKind, int]:
        """Return for each kind how many jobs are done at once."""
        found = {
            JobKind.CORRELATE: self._node.settings.workers + 1,  # one node's work leaves one to others
            JobKind.PROBE: 1,
            JobKind.KNOWN_PAIRS: 1,
            JobKind.ERASE: 1,
            JobKind.DRAW_CONTROL: 1,
            JobKind.START_SEARCH: 1,
            JobKind.TELL_WEBHOOK: TELLERS,
            JobKind.SEND_QUERY: ASKERS,
            JobKind.ANSWER_QUERY: ANSWERERS,
            JobKind.FETCH_SCAN: FETCHERS,
        }
        return found if self._node.objects is None else {**found, JobKind.STORE_OBJECT: STORERS}

    def _rounds_beside(self) -> list[Loop]:
        return [
            Loop("heads for witnesses", self._rounds.tell_witnesses, TELL_S),
            Loop("open lines", self._news.note_standing, QUIET_LINE_S),
        ]

    async def _attend_peers(self) -> None:
        """Run separate rounds for each enrolled peer, so that a slow peer does not delay the others."""
        limiter, attended = CapacityLimiter(ROUNDS_AT_ONCE), dict[str, asyncio.Task[None]]()
        async with self._news.lines() as lines, asyncio.TaskGroup() as rounds:
            while not self._loops.stopping.is_set():
                found = await self._loops.step("watch on peers", self._peers)
                self._asked = self._asked if found is None else found
                for peer in sorted(self._asked):
                    if peer not in attended or attended[peer].done():
                        attended[peer] = rounds.create_task(self._attend(peer, lines, limiter))
                await self._loops.pause(IDLE_S)

    async def _attend(self, peer: str, lines: NewsLines, limiter: CapacityLimiter) -> None:
        """Repeat rounds with a peer until it is no longer a peer. Between two rounds wait until the peer has news, and
        at least for the usual pause."""
        name = f"rounds with {peer}"
        pull = partial(self._lead, partial(self._rounds.pull, peer))
        while not self._loops.stopping.is_set() and peer in self._asked:
            begun = time.monotonic()
            if await self._loops.step(name, pull, limiter=limiter):
                continue
            if self._rounds.is_up_to_date(peer):
                try:
                    await self._news.wait(peer, lines, self._loops)
                except Exception:  # else it would end the rounds with all others
                    log.exception("unforeseen error, tried again later", loop=name)
            took_s = time.monotonic() - begun
            await self._loops.pause(max(0.0, self._node.settings.pull_interval_s - took_s))

    def _peers(self) -> frozenset[str]:
        with self._node.store.read() as session:
            return frozenset(asked_peers(session))
