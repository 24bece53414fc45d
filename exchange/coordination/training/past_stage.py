"""The nodes of a region while their past is made: open in this process, each answering its peers at its own address.

    with PastStage(homes, clock) as stage:
        ...                     # what people do, through the flows of stage.nodes["RS"]
        stage.settle()          # sign heads, do what is due, pull and sign for it, until nothing is left

What the nodes say to each other goes over HTTP as ever. Each lane is pulled only where something was put on it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, Self, TypeVar

import structlog
import uvicorn

from exchange.clock import clock_of_the_past
from exchange.compute import Compute
from exchange.errors import ConfigurationError
from exchange.flows.log.audit_rows import seal_audit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, open_node
from exchange.flows.sync.available_hours import AvailableHours
from exchange.flows.sync.pull import pull
from exchange.flows.sync.receipts import give_receipt
from exchange.net.client import PeerClient
from exchange.patience import Patience
from exchange.store.node.jobs import JobKind
from exchange.web.app import create_peer_app
from exchange.worker.job_runner import JobRunner
from exchange.worker.peer_rounds import PeerRounds

WORKED_OFF: Final = (JobKind.FETCH_SCAN, JobKind.CORRELATE, JobKind.ERASE, JobKind.SEND_QUERY)
"""What an exchange waits for. Controls of blind verification, probes and messages come when the node runs."""


def work_off(node: Node, client: PeerClient, *, answers: bool) -> int:
    """Do all jobs of these kinds that are due by the clock, with ``answers`` to peers' queries or without; returns how
    many were taken. What fails is logged, and due again later."""
    runner = JobRunner(node, client, "nobody-serves", Patience(random.Random()), threading.Event())
    taken = 0
    for kind in (*WORKED_OFF, JobKind.ANSWER_QUERY) if answers else WORKED_OFF:
        while runner.drain(kind):
            taken += 1
    return taken


class PastClock:
    """What ``exchange.clock`` shows while the past is made."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def to(self, moment: datetime) -> None:
        """Set the clock forward to a moment. If the clock already shows a later one, nothing changes."""
        self.moment = max(self.moment, moment)

    def on(self, *, hours: float = 0, minutes: float = 0) -> datetime:
        self.moment += timedelta(hours=hours, minutes=minutes)
        return self.moment


_P = ParamSpec("_P")
_T = TypeVar("_T")

COMPUTE_S: Final = 300
SERVED_WITHIN_S: Final = 60
ROUND_MIN: Final = 5
"""Minutes of the past from one round to the next: receipts of one lane are a minute apart at least."""
MOST_ROUNDS: Final = 12


@dataclass(frozen=True)
class LaneRead:
    """One lane was read up to its end, and signed for where a receipt was due."""

    owner: str
    reader: str
    at: datetime
    signed: bool


class ComputeHere(Compute):
    """Does the work in the thread that asks for it: the scans are drawn by this very program, none is a stranger's. So
    no process is started, of which each would take seconds of imports."""

    def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return function(*args, **kwargs)


class PastStage:
    """Nodes by the code of their jurisdiction."""

    def __init__(self, homes: Mapping[str, Path], clock: PastClock) -> None:
        self.clock, self.nodes = clock, dict[str, Node]()
        self._homes, self._codes = homes, dict[str, str]()
        self._clients: dict[str, PeerClient] = {}
        self._waiting: set[tuple[str, str]] = set()
        self._stack = ExitStack()
        self._computing = ComputeHere(1, COMPUTE_S)
        self._pool = ThreadPoolExecutor(len(homes))

    def __enter__(self) -> Self:
        self._stack.enter_context(self._pool)
        self._stack.callback(self._computing.close)
        self._stack.callback(_quiet())
        self._stack.enter_context(clock_of_the_past(self.clock))
        try:
            for code, home in self._homes.items():
                self._open(code, home)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def told(self, owner: str, readers: Iterable[str]) -> None:
        """Something was put on the lanes to these."""
        self._waiting |= {(owner, reader) for reader in readers if reader != owner}

    def settle(
        self, done: Callable[[str], object], read: Callable[[LaneRead], object], *, answers: bool = True
    ) -> None:
        """Until nothing is left: each node signs its head and does what is due, told to ``done``; then each lane with
        something on it is read, told to ``read``. The clock goes on by some minutes from round to round. ``answers``:
        peers' questions are answered too."""
        for _ in range(MOST_ROUNDS):
            worked = list(self._pool.map(partial(self._work, answers=answers), self.nodes))
            for code in self.nodes:
                done(code)
            waiting, self._waiting = sorted(self._waiting), set()
            for owner, reader in waiting:
                read(self._read(owner, reader))
            self.clock.on(minutes=ROUND_MIN)
            if not waiting and not any(worked):
                return
        raise ConfigurationError("The made-up past does not settle: something is due again and again.")

    def close_half(self) -> None:
        """Seal the audit rows, and let each node go one whole round with each peer: mirrors and cosignatures too."""
        for node in self.nodes.values():
            seal_audit(node)
            sign_head(node)
        for code, node in self.nodes.items():
            rounds = PeerRounds(node, self._clients[code], AvailableHours(node), threading.Event())
            for other in self.nodes.values():
                if other is not node:
                    rounds.pull(other.node_id)

    def _open(self, code: str, home: Path) -> None:
        opened = open_node(home)
        self._stack.callback(opened.close)
        node = replace(opened, compute=self._computing, background=self._computing)
        client = PeerClient(node.node_id, node.keys.transport, guard=node.egress, timeout_s=60)
        self._stack.callback(client.close)
        self._stack.callback(_served(node))
        self.nodes[code], self._clients[code], self._codes[node.node_id] = node, client, code

    def _work(self, code: str, *, answers: bool) -> int:
        node = self.nodes[code]
        sign_head(node)
        taken = work_off(node, self._clients[code], answers=answers)
        sign_head(node)  # what was answered goes along in the same round
        return taken

    def _read(self, owner: str, reader: str) -> LaneRead:
        node, peer = self.nodes[reader], self.nodes[owner].node_id
        while pull(node, self._clients[reader], peer):
            pass
        signed = give_receipt(node, peer)
        if signed:
            self.told(reader, [owner])
        return LaneRead(owner, reader, self.clock(), signed)


def _served(node: Node) -> Callable[[], None]:
    """Serve a node to its peers; returns what ends that. Raises ConfigurationError."""
    app = create_peer_app(node)
    config = uvicorn.Config(
        app,
        host=node.settings.host,
        port=node.settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name=f"past of {node.node_id}", daemon=True)
    thread.start()
    deadline = time.monotonic() + SERVED_WITHIN_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ConfigurationError(f"{node.settings.url} cannot be had: is something else at that port?")
        time.sleep(0.01)

    def end() -> None:
        server.should_exit = True
        thread.join()

    return end


def _quiet() -> Callable[[], None]:
    """Of what the nodes do in the past, errors alone are told; returns what ends that."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return lambda: structlog.configure(**before)
