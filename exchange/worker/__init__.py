"""The node's own work beside its answers. Any number of workers of a node drain its outbox (`job_runner`); one of them
leads, does the leader's duties (`leader_duties`) and goes the rounds with peers (`peer_rounds`)."""

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
"""At most one for each peer at a time: so many peers may be slow at once before another one's scan waits for them, and
each of their transfers has a least rate. They wait for the network most of the time."""
FETCHES_A_SECOND = 8
"""Of one peer, however small its scans are: each is read, stored and prepared beside those of others."""
ASKERS = 4
ANSWERERS = 2
STORERS = 2
TELLERS = 4
"""One for each program at a time: so many may be slow at once, each for 15 seconds, before another one waits."""
ROUNDS_AT_ONCE = 24
"""So many peers may be slow at once in a round, up to their timeouts, before another one's news waits for them. Who has
no news has no thread."""
TELL_S = 60
"""How soon other witnesses learn of a head that was cosigned here, where there is no round with them before."""
STOP_S = 10  # how long the node's end waits for its work: well below the patience of service managers


class Worker:
    """Runs until ``stop``. Every step is one flow with its own transaction; a failed step is tried again."""

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
        """Show that it lives, lead where nobody does, and start. Raises ConfigurationError where it cannot work beside
        those that do."""
        self._presence.begin()
        self.show()
        self._loops.start(Loop("presence", self.show, BEAT_S))
        self._may_lead()
        for loop in (*self._duties.loops(), *self._rounds_beside()):
            self._loops.start(loop._replace(step=partial(self._lead, loop.step)))
        self._loops.begin(self._attend_peers())
        self._loops.begin(self._work_off())

    def stop(self) -> None:
        """Start no more steps. Requests to peers are broken off, since they go on where they stopped. The other steps
        that run may end; what they wait for is stopped after ``STOP_S``, and the work is due again."""
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
        """One beat; it says too whether this worker has the galleries for itself."""
        self._presence.beat(self._jobs.held())
        self._node.galleries.share(with_others=not self._presence.alone)

    def _may_lead(self) -> bool:
        """Whether this worker leads, after it has taken over, once at the begin of each term."""
        if not self._presence.leads:
            return False
        with self._taking_over:
            if self._term != self._presence.term:
                term = self._presence.term
                self._duties.take_over()
                self._term = term
        return self._presence.leads

    def _lead(self, step: Step) -> object:
        """Do a step of the leader, where this worker leads."""
        return self._may_lead() and step()

    async def _work_off(self) -> None:
        """Look now and then what is due, and drain each kind of it beside the others."""
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
        """How many jobs of a kind are done beside each other."""
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
        """Give each enrolled peer rounds of its own: a slow or silent one keeps nobody else waiting."""
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
        """A round with a peer; then wait until it has news, and for no less than the pause between two rounds. Until it
        is no peer any more."""
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
