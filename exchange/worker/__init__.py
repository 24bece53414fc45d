"""The node's own work beside its answers. Any number of workers of a node drain its outbox (`job_runner`); one of them
leads (`leadership`), does the leader's duties (`leader_duties`) and goes the rounds with peers (`peer_rounds`)."""

from __future__ import annotations

import random
from functools import partial

from exchange.flows.monitoring.hours import AvailableHours
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import BEAT_S, Presence
from exchange.flows.review.mail import LetterWriter
from exchange.net.client import PeerClient
from exchange.net.time_authority import TimeAuthorityClient
from exchange.patience import Patience
from exchange.store.node.jobs import JobKind
from exchange.store.sync.peers import ASKED, all_peers
from exchange.worker.job_runner import JobRunner
from exchange.worker.leader_duties import LeaderDuties
from exchange.worker.leadership import Leadership
from exchange.worker.loops import IDLE_S, Loop, Loops
from exchange.worker.peer_rounds import PeerRounds

FETCHERS = 16
"""At most one for each peer at a time: so many peers may be slow at once before another one's scan waits for them, and
each of their transfers has a least rate. They wait for the network most of the time."""
FETCHES_A_SECOND = 8
"""Of one peer, however small its scans are: each is read, stored and prepared beside those of others."""
ASKERS = 4
ANSWERERS = 2
STORERS = 2
STOP_S = 10  # how long the node's end waits for its work: well below the patience of service managers


class Worker:
    """Runs until ``stop``. Every step is one flow with its own transaction; a failed step is tried again."""

    def __init__(self, node: Node, write_letter: LetterWriter) -> None:
        self._node = node
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
        chance, hours = random.Random(), AvailableHours(node)
        self._loops = Loops(chance)
        stopping = self._loops.stopping
        self._presence = Presence(node)
        self._jobs = JobRunner(node, self._client, self._presence.worker_id, Patience(chance), stopping)
        self._duties = LeaderDuties(node, write_letter, self._time_authority, hours, stopping)
        self._leadership = Leadership(node, self._presence, self._jobs.held, self._duties.take_over)
        self._rounds = PeerRounds(node, self._client, hours, stopping)
        self._pulled: set[str] = set()

    def start(self) -> None:
        """Show that it lives, lead where nobody does, and start. Raises ConfigurationError where it cannot work beside
        those that do."""
        self._leadership.begin()
        self._loops.start(Loop("presence", self._leadership.show, BEAT_S))
        self._leadership.may_lead()
        for loop in (*self._duties.loops(), Loop("watch on peers", self._watch_peers, IDLE_S)):
            self._start_leading(loop)
        for name, kind, threads in self._outbox():
            for number in range(threads):
                numbered = name if threads == 1 else f"{name}-{number}"
                self._loops.start(Loop(numbered, partial(self._jobs.drain, kind), IDLE_S))

    def stop(self) -> None:
        """Start no more steps. Requests to peers are broken off, since they go on where they stopped. The other steps
        that run may end; what they wait for is stopped after ``STOP_S``, and the work is due again."""
        self._loops.stopping.set()
        self._client.hang_up()
        self._time_authority.hang_up()
        self._loops.join_all(STOP_S)
        self._node.compute.close()
        self._node.background.close()
        self._loops.join_each(STOP_S)
        self._leadership.end()
        self._client.close()
        self._time_authority.close()

    def _outbox(self) -> list[tuple[str, JobKind, int]]:
        """Who drains which kind of jobs, and in how many threads."""
        return [
            ("correlator", JobKind.CORRELATE, self._node.settings.workers + 1),  # one node's work leaves one to others
            ("prober", JobKind.PROBE, 1),
            ("eraser", JobKind.ERASE, 1),
            ("drawer of controls", JobKind.DRAW_CONTROL, 1),
            ("asker", JobKind.SEND_QUERY, ASKERS),
            ("answerer", JobKind.ANSWER_QUERY, ANSWERERS),
            ("fetcher", JobKind.FETCH_SCAN, FETCHERS),
            ("storer", JobKind.STORE_OBJECT, STORERS if self._node.objects is not None else 0),
        ]

    def _start_leading(self, loop: Loop) -> None:
        self._loops.start(loop._replace(step=partial(self._leadership.run, loop.step)))

    def _watch_peers(self) -> bool:
        """Give each enrolled peer a thread of its own: a slow or silent one keeps nobody else waiting."""
        with self._node.store.read() as session:
            peers = {peer.node_id for peer in all_peers(session) if peer.state in ASKED}
        for peer in sorted(peers - self._pulled):
            self._pulled.add(peer)
            step = partial(self._rounds.pull, peer)
            self._start_leading(Loop(f"puller of {peer}", step, self._node.settings.pull_interval_s))
        return False
