"""The node's own work: recovered after a crash, tried again, set aside where everybody can see it."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.config import load_settings
from exchange.errors import ComputeAway, StoreUnavailable
from exchange.flows.node.node import Node, store_of
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.log import merkle
from exchange.store.log.statement_rows import latest_checkpoint, log_size, node_reader
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind, JobState, promise
from exchange.store.tables.log import LogNodeRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.work_tables import JobRow
from schemas import open_envelope
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode
from tests.exchange.served import Served, eventually, serving
from tests.exchange.web.conftest import problem, stored, tiny_scan

pytestmark = pytest.mark.slow


def test_nothing_acknowledged_is_lost_when_the_node_is_killed(tmp_path: Path, scans: dict[str, Path]) -> None:
    """kill -9 while some are submitted and others correlated; then the same home is served again."""
    some = ("1-1", "2-1", "1-2", "3-1")
    to_send = {f"RS-{name}": scans[name].read_bytes() for name in some}
    to_send |= {f"RS-tiny-{number}": tiny_scan() for number in range(14)}
    with serving(tmp_path / "node", Jurisdiction.RS) as node:
        acknowledged = _submit_until_killed(node, to_send, after=5)
        assert len(acknowledged) < len(to_send), "the node was killed after the work was done"
        eventually(lambda: node.processes() == [])
        (node.home / "incoming" / "half-arrived").write_bytes(b"half")

        node.start()
        for case, receipt in acknowledged.items():
            record = node.get(f"/v1/records/{receipt['statement_id']}")
            assert (record["case_reference"], record["log_index"]) == (case, receipt["log_index"])
        for case, scan in to_send.items():
            again = node.submit(scan, case)
            assert again is not None
            assert again.status_code in {200, 201}
            if case in acknowledged:
                assert (again.status_code, again.json()["statement_id"]) == (200, acknowledged[case]["statement_id"])
        status = node.wait_idle()
        assert status["records"] == len(to_send)
        assert status["acquisitions"] == {"correlated": len(some), "not-usable": len(to_send) - len(some)}
        assert status["candidates"] == len(some) * (len(some) - 1) // 2

        node.process.terminate()
        assert node.process.wait(30) == 0
        eventually(lambda: node.processes() == [])
        _assert_whole(node.home, records=len(to_send))


def _submit_until_killed(node: Served, to_send: dict[str, bytes], *, after: int) -> dict[str, dict[str, Any]]:
    """Submit with several senders, kill the node when some were acknowledged, and return the receipts by case."""
    receipts: dict[str, dict[str, Any]] = {}
    enough = threading.Event()

    def send(case: str) -> None:
        response = node.submit(to_send[case], case)
        if response is not None and response.status_code == 201:
            receipts[case] = response.json()
        if len(receipts) >= after:
            enough.set()

    with ThreadPoolExecutor(6) as pool:
        sending = [pool.submit(send, case) for case in to_send]
        assert enough.wait(60)
        node.process.kill()
        for future in sending:
            future.result()
    node.process.wait(10)
    return receipts


def _assert_whole(home: Path, *, records: int) -> None:
    """The log has no gap and its head is the root over all envelopes; folders hold what records name, no more."""
    store = store_of(load_settings(home))
    with store.read() as session:
        statements = session.scalars(select(StatementRow).order_by(StatementRow.log_index)).all()
        assert [row.log_index for row in statements] == list(range(records + 1))
        assert log_size(session) == records + 1
        for row in statements:
            leaf = merkle.leaf_hash(open_envelope(row.envelope).leaf_data)
            assert session.get_one(LogNodeRow, (0, row.log_index)).hash == leaf
        head = latest_checkpoint(session)
        assert head
        assert (head.size, head.root) == (records + 1, merkle.root(records + 1, node_reader(session)))
        named = set(session.scalars(select(AcquisitionRow.sha256)))
    store.close()
    assert {path.name for path in (home / "blobs").glob("??/*")} == named
    assert list((home / "incoming").iterdir()) == []
    assert not list((home / "prepared").rglob("*.part"))


def test_a_worker_process_killed_at_work_is_replaced_and_the_work_done(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    node = start_node(Jurisdiction.RS, workers=1)
    for name in ("1-1", "1-2"):
        assert node.submit(scans[name], case_reference=f"RS-{name}").status_code == 201
    eventually(lambda: _jobs(node, JobState.RUNNING) > 0)
    for executor in list(node.node.background._running):
        for pid in list(executor._processes or ()):
            os.kill(pid, signal.SIGKILL)
    node.wait_correlated(2)
    eventually(lambda: _jobs(node) == 0)


def test_work_that_fails_for_ever_is_set_aside_in_sight_and_lives_again_when_promised(
    start_node: Callable[..., RunningNode],
) -> None:
    node = start_node(Jurisdiction.RS, max_attempts=1)
    receipt = node.submit(tiny_scan()).json()
    path = f"/v1/records/{receipt['statement_id']}"
    node.wait_for(lambda _: node.get(path).json()["acquisitions"][0]["state"] == "not-usable", 20)
    blob = node.node.blobs.path(node.get(path).json()["acquisitions"][0]["sha256"])
    away = blob.rename(blob.with_suffix(".away"))

    _promise_all(node)
    status = node.wait_for(lambda status: status["jobs"] == {"dead": 1}, 20)
    assert status["acquisitions"] == {"failed": 1}
    assert "not on this node" in node.get(path).json()["acquisitions"][0]["detail"]
    with node.node.store.read() as session:
        job = session.scalars(select(JobRow)).one()
        assert (job.state, job.attempts) == (JobState.DEAD, 1)
        assert "not on this node" in (job.error or "")

    away.rename(blob)
    _promise_all(node)
    node.wait_for(lambda status: status["jobs"] == {} and status["acquisitions"] == {"not-usable": 1}, 20)


def test_work_that_kills_the_processes_is_set_aside_and_others_is_done(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes die as often as it is tried: that is no infrastructure that is away."""
    node = start_node(Jurisdiction.RS, max_attempts=2)
    real = correlate_acquisition

    def correlate(working: Node, acquisition: int) -> int:
        if acquisition == 1:
            working.background.run(os._exit, 3)
        return real(working, acquisition)

    monkeypatch.setattr("exchange.worker.job_runner.correlate_acquisition", correlate)
    for _ in range(2):
        assert node.submit(tiny_scan()).status_code == 201
    node.wait_for(lambda status: status["acquisitions"] == {"failed": 1, "not-usable": 1}, 60)
    with node.node.store.read() as session:
        job = session.scalars(select(JobRow)).one()
    assert (job.state, job.attempts) == (JobState.DEAD, 2)
    assert "died twice" in (job.error or "")


def test_what_all_work_stands_on_is_waited_for_and_no_attempt_counted(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, as the system tells of it, and then no process that can be started."""
    node = start_node(Jurisdiction.RS, max_attempts=1)
    away: list[Exception] = [ComputeAway("No worker process can be started."), OSError(errno.ENOSPC, "No space left")]
    real = correlate_acquisition

    def correlate(working: Node, acquisition: int) -> int:
        if away:
            raise away.pop()
        return real(working, acquisition)

    monkeypatch.setattr("exchange.worker.job_runner.correlate_acquisition", correlate)
    assert node.submit(tiny_scan()).status_code == 201
    node.wait_for(lambda status: status["jobs"] == {} and status["acquisitions"] == {"not-usable": 1}, 60)
    assert away == []


def test_how_a_job_ended_is_written_down_when_the_database_is_back(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not when its lease is over, minutes later."""
    node = start_node(Jurisdiction.RS)
    away = [True, True]

    def finish(session: Session, job: JobRow) -> bool:
        if away:
            away.pop()
            raise StoreUnavailable("The database is away for a moment.")
        return real(session, job)

    real = jobs.finish
    monkeypatch.setattr(jobs, "finish", finish)
    assert node.submit(tiny_scan()).status_code == 201
    node.wait_for(lambda status: status["jobs"] == {} and status["acquisitions"] != {"queued": 1}, 20)
    assert away == []


def test_a_start_mends_what_a_crash_left(start_node: Callable[..., RunningNode]) -> None:
    """Files that nobody was told of are gone, files to go on from stay; work that took the node down every time it
    was tried is set aside instead of doing so again."""
    node = start_node(Jurisdiction.RS)
    scan = tiny_scan()
    receipt = node.submit(scan).json()
    node.wait_for(lambda status: status["jobs"] == {}, 20)
    node.stop()
    settings = node.node.settings
    (settings.incoming / "half-a-submission").write_bytes(b"half")
    (settings.incoming / "folder-of-a-library").mkdir()
    (settings.incoming / "folder-of-a-library" / "listener").write_bytes(b"")
    (settings.incoming / "of-a-peer.7.part").write_bytes(b"to go on from")
    (settings.prepared / "x.123.part").write_bytes(b"half")
    (settings.blobs / "ab").mkdir(exist_ok=True)
    (settings.blobs / "ab" / ("ab" * 32)).write_bytes(b"no record names this")
    _promise_all(node)
    with node.node.store.write() as session:
        job = session.scalars(select(JobRow)).one()
        job.state, job.ended = JobState.RUNNING, settings.max_attempts - 1

    node = start_node(Jurisdiction.RS)
    assert [path.name for path in settings.incoming.iterdir()] == ["of-a-peer.7.part"]
    assert not list(settings.prepared.glob("*.part"))
    assert [path.name for path in settings.blobs.glob("??/*")] == [hashlib.sha256(scan).hexdigest()]
    assert node.get("/v1/status").json()["jobs"] == {"dead": 1}
    [acquisition] = node.get(f"/v1/records/{receipt['statement_id']}").json()["acquisitions"]
    assert acquisition["state"] == "failed"
    assert "ended during this work" in acquisition["detail"]


def test_a_node_starts_and_serves_although_what_a_crash_left_cannot_be_removed(
    start_node: Callable[..., RunningNode],
) -> None:
    node = start_node(Jurisdiction.RS)
    node.stop()
    settings = node.node.settings
    elsewhere = settings.home / "elsewhere"
    elsewhere.mkdir()
    stuck = [settings.incoming / "link", settings.prepared / "x.part", settings.blobs / "ab" / ("ab" * 32)]
    stuck[0].symlink_to(elsewhere)  # a tree is not removed through a link, and a folder is not unlinked
    for folder in stuck[1:]:
        folder.mkdir(parents=True)
    (settings.incoming / "half-a-submission").write_bytes(b"half")

    node = start_node(Jurisdiction.RS)
    assert not (settings.incoming / "half-a-submission").exists(), "the rest is cleared away all the same"
    assert all(path.is_dir() for path in stuck)
    assert node.submit(tiny_scan()).status_code == 201
    node.wait_for(lambda status: status["acquisitions"] == {"not-usable": 1} and status["jobs"] == {}, 20)


def test_a_scan_that_takes_too_long_to_read_is_refused_for_now(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    node = start_node(Jurisdiction.RS, compute_timeout_s=1e-6)
    before = stored(node)
    # a whole scan: a tiny one is sometimes read before the node looks at its clock
    response = node.submit(scans["1-1"].read_bytes())
    problem(response, 503, "compute-failed")
    assert int(response.headers["retry-after"]) > 0
    assert stored(node) == before


def _promise_all(node: RunningNode) -> None:
    with node.node.store.write() as session:
        for acquisition in session.scalars(select(AcquisitionRow.acquisition_id)):
            promise(session, JobKind.CORRELATE, acquisition)


def _jobs(node: RunningNode, *states: JobState) -> int:
    with node.node.store.read() as session:
        return sum(1 for job in session.scalars(select(JobRow)) if not states or job.state in states)
