"""Worker processes: bounded in time, replaced when they die, and nobody pays for another's work."""

from __future__ import annotations

import errno
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import matcher
from exchange.compute import LOWEST_PRIORITY, Compute
from exchange.errors import ComputeAway, ComputeFailed, InfrastructureAway

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two() -> Iterator[Compute]:
    made = Compute(2, timeout_s=60)
    yield made
    made.close()


@pytest.fixture
def compute(two: Compute) -> Compute:
    """Two processes, both running: what follows measures work, not how long a process takes to start."""
    at_once(two, *[(time.sleep, 0.1)] * 2)
    assert len(pids(two)) == 2
    return two


def at_once(compute: Compute, *calls: tuple[Any, ...]) -> list[Future[Any]]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [pool.submit(compute.run, *call) for call in calls]


def pids(compute: Compute) -> set[int]:
    return {pid for executor in compute._running for pid in executor._processes or ()}


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_work_is_done_elsewhere_by_as_many_as_there_are(compute: Compute) -> None:
    running = pids(compute)
    done = at_once(compute, *[(time.sleep, 0.01)] * 6, (os.getpid,))
    assert [future.exception() for future in done] == [None] * 7
    assert done[-1].result() in running
    assert pids(compute) == running
    assert os.getpid() not in running


def test_what_the_function_raises_is_raised(compute: Compute) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        compute.run(int, "x")
    with pytest.raises(matcher.ScanRefused) as caught:
        compute.run(matcher.read_topography, Path(__file__))
    assert caught.value.reason == "not-an-x3p"
    assert len(pids(compute)) == 2


def test_work_that_takes_too_long_is_stopped_and_its_process_replaced(compute: Compute) -> None:
    before = pids(compute)
    compute._timeout_s = 0.3
    begun = time.monotonic()
    with pytest.raises(ComputeFailed, match="longer than"):
        compute.run(time.sleep, 60)
    assert time.monotonic() - begun < 5
    compute._timeout_s = 60
    [stopped] = before - pids(compute)
    eventually(lambda: gone(stopped))
    at_once(compute, *[(time.sleep, 0.1)] * 2)
    assert len(pids(compute)) == 2


def test_waiting_in_line_is_not_counted(compute: Compute) -> None:
    compute._timeout_s = 0.5
    done = at_once(compute, *[(time.sleep, 0.2)] * 6)
    compute._timeout_s = 60
    assert [future.exception() for future in done] == [None] * 6


def test_one_that_dies_takes_no_other_along(compute: Compute) -> None:
    dies, lives = at_once(compute, (os._exit, 3), (time.sleep, 0.5))
    assert isinstance(dies.exception(), ComputeFailed)
    assert lives.exception() is None
    assert compute.run(os.getpid) in pids(compute)


def test_a_process_that_died_while_idle_costs_nobody_anything(compute: Compute) -> None:
    for pid in pids(compute):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: gone(pid))
    assert [future.exception() for future in at_once(compute, *[(time.sleep, 0.1)] * 2)] == [None, None]


def test_a_process_killed_at_work_is_replaced_and_the_work_done(compute: Compute) -> None:
    def kill_all() -> None:
        for pid in pids(compute):
            os.kill(pid, signal.SIGKILL)

    threading.Timer(0.2, kill_all).start()
    assert compute.run(time.sleep, 0.6) is None


LOADER = """
import pathlib, sys, time
own, before = pathlib.Path(__file__).parent, sys.path
sys.path = [str(own), *before]
(own / "begun").touch()
time.sleep(1)
sys.path = before
"""
DURING_AN_IMPORT = """
import importlib, os, pathlib, threading, time
from exchange.compute import Compute
threading.Thread(target=importlib.import_module, args=["cv2"]).start()
while not pathlib.Path("cv2/begun").exists():
    time.sleep(0.01)
print(Compute(1, timeout_s=60).run(os.getpid) != os.getpid())
"""


def test_a_process_starts_while_another_thread_imports_opencv(tmp_path: Path) -> None:
    """Its loader puts a folder that has a ``typing`` first into the path; here it takes its time over that."""
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2/typing.py").write_text("raise ImportError('not the one of Python')")
    (tmp_path / "cv2/__init__.py").write_text(LOADER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    script = [sys.executable, "-c", DURING_AN_IMPORT]
    told = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert told.stdout == "True\n", told.stderr


def test_closing_stops_all_at_once() -> None:
    compute = Compute(1, timeout_s=60)
    running = {compute.run(os.getpid)}
    threading.Timer(0.2, compute.close).start()
    begun = time.monotonic()
    done = at_once(compute, *[(time.sleep, 60)] * 4)
    assert time.monotonic() - begun < 10
    assert all(isinstance(future.exception(), ComputeAway) for future in done)
    eventually(lambda: all(map(gone, running)))
    with pytest.raises(ComputeAway, match="stopping"):
        compute.run(os.getpid)


def test_when_it_is_closed_no_thread_of_it_is_left() -> None:
    """Else the end of the interpreter, a moment later, now and then ended in the trace of an OSError."""
    before = set(threading.enumerate())
    compute = Compute(2, timeout_s=60)
    at_once(compute, *[(time.sleep, 0.1)] * 2)
    assert set(threading.enumerate()) - before
    compute.close()
    assert [thread.name for thread in set(threading.enumerate()) - before if "Executor" in type(thread).__name__] == []


def _dies_at_the_start(_niceness: int, _memory_bytes: int) -> None:
    os._exit(1)


def test_processes_that_cannot_be_started_are_no_fault_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Compute(1, timeout_s=60)
    try:
        with monkeypatch.context() as broken:
            broken.setattr("exchange.compute._begin_worker", _dies_at_the_start)
            for _ in range(2):
                with pytest.raises(ComputeAway, match="No worker process can be started"):
                    compute.run(os.getpid)
                with pytest.raises(ComputeAway):
                    compute.check()
        compute.check()
        assert compute.run(os.getpid) in pids(compute)
    finally:
        compute.close()


def test_a_machine_without_room_for_a_process_is_no_fault_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    compute = Compute(1, timeout_s=60)
    try:
        with monkeypatch.context() as broken:
            broken.setattr("multiprocessing.process.BaseProcess.start", refuse)
            with pytest.raises(ComputeAway, match="Resource temporarily unavailable"):
                compute.run(os.getpid)
        assert compute.run(os.getpid) in pids(compute)
    finally:
        compute.close()


def test_work_that_kills_its_process_twice_is_to_blame(compute: Compute) -> None:
    with pytest.raises(ComputeFailed, match="died twice") as caught:
        compute.run(os._exit, 3)
    assert not isinstance(caught.value, InfrastructureAway)


def test_nothing_starts_before_it_is_needed() -> None:
    before = set(multiprocessing.active_children())
    compute = Compute(4, timeout_s=60)
    assert set(multiprocessing.active_children()) == before
    compute.close()


def test_background_work_leaves_the_cores_to_others() -> None:
    waited_for, background = Compute(1, timeout_s=60), Compute(1, timeout_s=60, background=True)
    try:
        assert waited_for.run(os.nice, 0) == os.nice(0)
        assert background.run(os.nice, 0) == LOWEST_PRIORITY
    finally:
        waited_for.close()
        background.close()


def test_memory_is_bounded_and_the_next_work_is_done() -> None:
    """What it maps of files is not its own: a gallery may be larger than the bound."""
    compute = Compute(1, timeout_s=60, memory_bytes=512 * 1024**2)
    try:
        assert compute.run(_length_of, 100 * 1024**2) == 100 * 1024**2
        with pytest.raises(ComputeFailed, match="more than 512 MB of memory"):
            compute.run(_length_of, 600 * 1024**2)
        assert compute.run(_length_of, 100) == 100
    finally:
        compute.close()


def test_what_is_mapped_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "gallery"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    compute = Compute(1, timeout_s=60, memory_bytes=512 * 1024**2)
    try:
        assert compute.run(_mapped, path) == 2 * 1024**3
    finally:
        compute.close()


def test_the_work_of_one_node_leaves_a_process_to_others(compute: Compute) -> None:
    """A peer's hostile scans take as long as they may; another peer's scan is read meanwhile."""
    done: list[str] = []

    def work(node_id: str, seconds: float) -> None:
        with compute.on_account_of(node_id):
            compute.run(time.sleep, seconds)
        done.append(node_id)

    with ThreadPoolExecutor(5) as pool:
        hostile = [pool.submit(work, "ffp-rs", 1.0) for _ in range(4)]
        eventually(lambda: compute._idle.qsize() == 1)
        begun = time.monotonic()
        pool.submit(work, "ffp-al", 0.01).result()
        assert time.monotonic() - begun < 0.9, "it waited for no hostile scan"
        for future in hostile:
            future.result()
    assert done == ["ffp-al", *["ffp-rs"] * 4]


def _length_of(size: int) -> int:
    return len(bytearray(size))


def _mapped(path: Path) -> int:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return len(mapped)


def test_what_nobody_asks_for_ends_and_is_started_again() -> None:
    compute = Compute(2, timeout_s=60, rest_s=0.5)
    try:
        at_once(compute, *[(time.sleep, 0.1)] * 2)
        before = pids(compute)
        begun = time.monotonic()
        while time.monotonic() < begun + 1:
            compute.run(os.getpid)
        assert pids(compute) & before, "not while it is asked"
        assert compute.run(time.sleep, 1) is None, "nor what is at work"
        eventually(lambda: pids(compute) == set() and all(map(gone, before)))
        assert compute.run(os.getpid) not in before
    finally:
        compute.close()


def test_one_stays_warm_while_somebody_may_ask_soon() -> None:
    compute = Compute(2, timeout_s=60, rest_s=0.3)
    try:
        begun = time.monotonic()
        compute.stay_warm(8.0, os.getpid)
        compute.stay_warm(8.0, os.getpid)
        assert time.monotonic() - begun < 0.1, "nobody waits for it"
        eventually(lambda: len(pids(compute)) == 1)
        warm = pids(compute)
        at_once(compute, *[(time.sleep, 0.1)] * 2)
        eventually(lambda: len(pids(compute)) == 1)
        assert time.monotonic() - begun > 0.3
        assert compute.run(os.getpid) in pids(compute)
        assert len(pids(compute)) == 1
        eventually(lambda: pids(compute) == set() and all(map(gone, warm)), seconds=20)
    finally:
        compute.close()
    compute.stay_warm(60, os.getpid)
    assert pids(compute) == set(), "of what is closed none is begun"


def test_a_warm_one_that_was_killed_keeps_nobody_waiting() -> None:
    compute = Compute(1, timeout_s=60)
    try:
        compute.stay_warm(60, os.getpid)
        eventually(lambda: compute._running != set() and compute._idle.qsize() == 1)
        for process in pids(compute):
            os.kill(process, signal.SIGKILL)
        assert compute.run(os.getpid) in pids(compute)
    finally:
        compute.close()
