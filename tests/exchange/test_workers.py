"""``ffp worker`` beside ``ffp serve --no-worker``: killed in the middle, its work is done once, by another, soon."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.conformance.guest.peer_simulator import PeerSimulator, SimulatedRequest, blob_answer
from exchange.flows.node.node import create_node, open_node
from exchange.flows.node.worker_lease import LEASE_S
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from exchange.store.tables.work_tables import JobRow, WorkerRow
from schemas.vocabulary import Jurisdiction
from tests.chaos.nodes.processes import Process
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.conftest import enrol_with, simulated
from tests.exchange.running_nodes import free_port, metadata
from tests.exchange.served import command

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", "postgresql")
DONE_S = 90
"""On a machine that is busy with other things; what is due is due after a lease."""


class Apart:
    """A node whose work is done apart from its answers."""

    def __init__(self, home: Path, port: int, stack: ExitStack) -> None:
        self.served = Process(home, port, options=("--no-worker",))
        self.node = open_node(home)
        self._stack = stack
        self._logs: list[Path] = []
        stack.callback(self.node.close)
        stack.enter_context(self.served.running())

    def start_worker(self) -> None:
        path = self.served.home / f"worker-{len(self._logs)}.log"
        self._logs.append(path)
        with path.open("ab") as log:
            process = subprocess.Popen(command("worker", "--home", self.served.home), stdout=log, stderr=log)
        self._stack.callback(_end, process)

    def wait_workers(self, count: int) -> None:
        _eventually(lambda: self.served.http.get("/readyz").json()["worker"] == "ok")
        _eventually(lambda: len(self._alive()) == count)

    def kill_who_does(self, kind: JobKind, *, once: Callable[[], bool] = lambda: True) -> None:
        """The worker that is at a job of that kind, in the middle of it."""
        found: list[WorkerRow] = []

        def at_it() -> bool:
            with self.node.store.read() as session:
                chosen = select(JobRow).where(JobRow.kind == kind, JobRow.state == JobState.RUNNING)
                job = session.scalars(chosen).first()
                if job is not None and once():
                    found.append(session.get_one(WorkerRow, job.owner))
            return bool(found)

        _eventually(at_it, look_s=0.002)
        named = re.search(r"process (\d+)", found[0].place)
        assert named
        os.kill(int(named[1]), signal.SIGKILL)

    def submit(self, scan: Path) -> None:
        files = {"metadata": (None, json.dumps(metadata())), "scan": ("scan.x3p", scan.read_bytes())}
        answer = self.served.http.post("/v1/records", headers=self.served.examiner, files=files)
        assert answer.status_code == 201, answer.text

    def logged(self, event: str) -> Counter[int]:
        """How often workers said so of which acquisition."""
        lines = [json.loads(line) for path in self._logs for line in path.read_text().splitlines() if event in line]
        return Counter(line["acquisition"] for line in lines if line["event"] == event)

    def wait_states(self, states: dict[str, int]) -> None:
        self.served.wait_for(lambda status: status["acquisitions"] == states and status["jobs"] == {}, DONE_S)

    def _alive(self) -> set[str]:
        with self.node.store.read() as session:
            rows = session.scalars(select(WorkerRow)).all()
        return {row.worker_id for row in rows if (self.served.home / "workers" / row.worker_id).exists()}


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[PeerSimulator]:
    with simulated(tmp_path / "rs") as simulator:
        yield simulator


@pytest.fixture
def apart(tmp_path: Path, databases: Databases, peer: PeerSimulator) -> Iterator[Apart]:
    """North Macedonia's node, which two workers serve; it reads from the peer."""
    port, home = free_port(), tmp_path / "mk"
    url = f"http://127.0.0.1:{port}"
    create_node(home, jurisdiction=Jurisdiction.MK, url=url, port=port, database_url=databases.new())
    with (home / "config.toml").open("a") as settings:
        settings.write("workers = 1\npull_interval_s = 0.2\nlane_wait_s = 1\n")
    with ExitStack() as stack:
        found = Apart(home, port, stack)
        enrol_with(peer, found.node)
        for _ in range(2):
            found.start_worker()
        found.wait_workers(2)
        yield found


def test_a_worker_killed_in_the_middle_loses_nothing_and_nothing_is_done_twice(
    apart: Apart, peer: PeerSimulator, scans: dict[str, Path]
) -> None:
    # in the middle of a fetch
    whole, half, going_on = scans["1-1"].read_bytes(), 100_000, threading.Event()

    def half_of_it(asked: SimulatedRequest) -> Iterator[bytes]:
        pieces = blob_answer(asked.offset, whole[asked.offset :], whole)
        sent = 0
        while sent < half or going_on.is_set():
            piece = next(pieces, b"")
            if not piece:
                return
            sent += len(piece)
            yield piece
        peer.closing.wait(2 * LEASE_S)

    peer.blob = half_of_it
    peer.owner.publish(blob=whole)
    incoming = apart.served.home / "incoming"
    apart.kill_who_does(JobKind.FETCH_SCAN, once=lambda: any(part.stat().st_size for part in incoming.glob("*.part")))
    killed = time.monotonic()
    going_on.set()
    _eventually(lambda: len(_fetches(peer)) == 2)
    assert time.monotonic() - killed < LEASE_S + 6
    apart.wait_states({"correlated": 1})
    assert (_fetches(peer)[0], _fetches(peer)[1] > 0) == (0, True), "it went on where the dead one stopped"

    # in the middle of correlations, the leader and those that lead after it included
    apart.start_worker()
    apart.wait_workers(2)
    for name in ("1-2", "2-1", "2-2"):
        apart.submit(scans[name])
    apart.kill_who_does(JobKind.CORRELATE)
    apart.wait_states({"correlated": 4})
    status = apart.served.get("/v1/status")
    assert status["candidates"] == 6
    with apart.node.store.read() as session:
        pairs = session.scalars(select(CandidateRow.pair)).all()
        ids = session.scalars(select(AcquisitionRow.acquisition_id)).all()
    assert len(set(pairs)) == 6
    assert apart.logged("correlated") == Counter(ids)
    assert sum(apart.logged("scan fetched").values()) == 1
    apart.served.wait_for(lambda status: status["signed_size"] == status["log_size"], DONE_S)


def _fetches(peer: PeerSimulator) -> list[int]:
    return [asked.offset for asked in peer.asked if "/blobs/" in asked.path]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Those that were not killed end cleanly when they are told to."""
    if process.poll() is None:
        process.terminate()
        assert process.wait(60) == 0
    assert process.returncode in (0, -signal.SIGKILL)


def _eventually(condition: Callable[[], bool], look_s: float = 0.05) -> None:
    deadline = time.monotonic() + DONE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(look_s)
