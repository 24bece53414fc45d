"""What a worker repeats: beside each other, in bounds, and ended before the node is closed."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from anyio._backends._asyncio import WorkerThread
from structlog.testing import capture_logs

from exchange.errors import ExchangeError, StoreFull, StoreUnavailable
from exchange.worker import loops as worker_loops
from exchange.worker.loops import Loop, Loops


@pytest.fixture
def loops() -> Iterator[Loops]:
    made = Loops(random.Random(1))
    yield made
    made.stop()
    made.join(10)


def test_what_waits_has_no_thread(loops: Loops) -> None:
    before = threading.active_count()
    for number in range(50):
        looked = threading.Event()
        loops.start(Loop(f"loop {number}", lambda one=looked: bool(one.set()), 30))
        assert looked.wait(10)
    assert threading.active_count() - before < 10


def test_a_step_that_runs_is_waited_for_whoever_was_cancelled(loops: Loops) -> None:
    """Else it would go on with a database that is closed by then."""
    runs, ended = threading.Event(), threading.Event()

    def step() -> bool:
        runs.set()
        time.sleep(0.3)
        ended.set()
        return False

    loops.start(Loop("slow", step, 30))
    assert runs.wait(10)
    loops.stop()
    loops.join(10)
    assert ended.is_set()


def test_a_failed_step_is_tried_again(loops: Loops) -> None:
    tried = []

    def step() -> bool:
        tried.append(1)
        if len(tried) < 3:
            raise RuntimeError("unforeseen")
        done.set()
        return False

    done = threading.Event()
    loops.start(Loop("failing", step, 0.01))
    assert done.wait(10)


def test_what_fails_all_the_time_is_told_now_and_then(loops: Loops, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away for a weekend must not fill the disk with lines."""
    monkeypatch.setattr(worker_loops, "FAULT_TOLD_AGAIN_S", 0.5)
    errors: list[ExchangeError] = [StoreUnavailable("gone")] * 200 + [StoreFull("no room")] * 5
    tries, done = iter(errors), threading.Event()

    def step() -> bool:
        if (error := next(tries, None)) is not None:
            raise error
        done.set()
        return False

    with capture_logs() as said:
        loops.start(Loop("failing", step, 0.01))
        assert done.wait(30)
        time.sleep(0.1)
    lines = [line for line in said if line["event"] == "step failed, tried again later"]
    codes = [line["code"] for line in lines]
    assert codes[0] == StoreUnavailable.code
    assert codes[-1] == StoreFull.code
    assert codes.count(StoreFull.code) == 1, "another fault is told at once"
    assert 2 < len(lines) < 40
    assert sum(line.get("times", 0) for line in lines) > 100


def test_a_step_that_finds_no_thread_is_tried_again(loops: Loops, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a service may have no more of them: else the loop, and all rounds with peers, would end for good."""
    refused, done = [], threading.Event()
    start = WorkerThread.start

    def no_thread(self: WorkerThread) -> None:
        if len(refused) < 2:
            refused.append(1)
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(WorkerThread, "start", no_thread)
    loops.start(Loop("starved", lambda: bool(done.set()), 0.01))
    assert done.wait(10)
    assert refused == [1, 1]


def test_of_a_loop_that_ends_by_an_error_the_log_tells(loops: Loops) -> None:
    async def broken() -> None:
        raise RuntimeError("unforeseen")

    with capture_logs() as said:
        loops.begin(broken())
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [line["event"] for line in said] == ["a loop ended, restart the node"]


def test_as_much_is_done_at_once_as_there_are_places_and_no_more(loops: Loops) -> None:
    waiting, at_once, most = list(range(9)), 0, 0
    lock = threading.Lock()

    def take_one(found: Callable[[], object]) -> bool:
        nonlocal at_once, most
        with lock:
            if not waiting:
                return False
            waiting.pop()
            at_once += 1
            most = max(most, at_once)
        found()
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return True

    async def work() -> None:
        await loops.drain("all", take_one, asyncio.Semaphore(3))
        drained.set()

    drained = threading.Event()
    loops.begin(work())
    assert drained.wait(10)
    assert (waiting, most) == ([], 3)
