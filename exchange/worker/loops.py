"""A worker's loops. Each repeats one step, and pauses when the step had nothing to do. One thread schedules all loops;
a step has a thread of its own only while it runs."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from structlog.contextvars import bound_contextvars

from exchange.errors import ExchangeError
from exchange.net.request_id import FIELD, new_request_id

log = structlog.get_logger(__name__)

IDLE_S = 0.2  # how long an idle loop sleeps: below what a person notices, above what a laptop's battery does

FAULT_TOLD_AGAIN_S = 60.0
"""The shortest time between two log lines on the same failure of a step: some steps run five times a second."""

Step = Callable[[], object]
"""A function that returns a true value if there is more to do at once."""
T = TypeVar("T")


class Loop(NamedTuple):
    """A step that is repeated. A failed step is retried after the pause."""

    name: str
    step: Step
    pause_s: float


class _Failing(NamedTuple):
    """The current failure of a step: the error code, when it was last logged, and how often it occurred since."""

    code: str
    told_at: float
    times: int


class Loops:
    """The loops of one worker. Once ``stopping`` is set, no step starts."""

    def __init__(self, chance: random.Random) -> None:
        self.stopping = threading.Event()
        self._chance = chance
        self._tasks: set[asyncio.Task[Any]] = set()
        self._steps: set[asyncio.Task[Any]] = set()
        self._failing: dict[str, _Failing] = {}
        self._telling = threading.Lock()
        self._runs = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="loops", daemon=True)

    def start(self, loop: Loop) -> None:
        self.begin(self._repeat(loop))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine on the scheduling thread, from any other thread. ``stop`` cancels it; a step for which it
        waits finishes first."""
        if not self._thread.is_alive():
            self._thread.start()
            self._runs.wait()
        self._loop.call_soon_threadsafe(self.add, work)

    def stop(self) -> None:
        """Start no more steps, and cancel all waiting."""
        already = self.stopping.is_set()
        self.stopping.set()
        if self._runs.is_set() and not already:
            self._loop.call_soon_threadsafe(self._stopped.set)

    def join(self, within_s: float) -> None:
        """Wait for running steps, at most ``within_s`` seconds."""
        if self._runs.is_set():
            self._thread.join(timeout=within_s)

    async def step(self, name: str, work: Callable[[], T], *, limiter: CapacityLimiter | None = None) -> T | None:
        """Run ``work`` in a thread and return its result. Return None if it failed or no thread could be started, which
        is logged, or if the loops are stopping."""
        if self.stopping.is_set():
            return None
        with bound_contextvars(**{FIELD: new_request_id()}):  # peers log it too, with what they answer to this step
            done = self._loop.create_task(to_thread.run_sync(self._tried, name, work, limiter=limiter or self._threads))
        self._steps.add(done)
        done.add_done_callback(self._steps.discard)
        try:
            return await asyncio.shield(done)  # the caller may be cancelled; a thread cannot
        except Exception:  # no thread could be started; the calling loop must go on
            log.exception("a step did not begin, tried again later", loop=name)
            return None

    async def drain(
        self, name: str, take_one: Callable[[Callable[[], object]], bool], places: asyncio.Semaphore
    ) -> None:
        """Call ``take_one`` until it finds nothing, with at most ``places`` calls at once. ``take_one`` takes one job,
        calls its argument as soon as it has the job, and then does the job."""
        while not self.stopping.is_set():
            await places.acquire()
            found: asyncio.Future[bool] = self._loop.create_future()
            taking = partial(take_one, partial(self._loop.call_soon_threadsafe, _settle, found, True))
            self.add(self.step(name, taking)).add_done_callback(partial(_settle_end, places, found))
            if not await found:
                return

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._chance.uniform(0.75, 1.25))  # so that nodes do not move in step

    async def _repeat(self, loop: Loop) -> None:
        while not self.stopping.is_set():
            if not await self.step(loop.name, loop.step):
                await self.pause(loop.pause_s)

    def add(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """As ``begin``, but from the scheduling thread."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._stopped.is_set():
            task.cancel()
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Log a coroutine that ended with an error: it is not started again."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a loop ended, restart the node", loop=task.get_name(), exc_info=error)

    async def _run(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._threads = CapacityLimiter(math.inf)  # there are as many steps as loops
        self._runs.set()
        await self._stopped.wait()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._steps, return_exceptions=True)

    def _tried(self, name: str, work: Callable[[], T]) -> T | None:
        if self.stopping.is_set():  # it waited for its turn
            return None
        try:
            done = work()
        except ExchangeError as error:
            self._tell_failed(name, error)
        except Exception:
            log.exception("unforeseen error, tried again later", loop=name)
        else:
            self._failing.pop(name, None)
            return done
        return None

    def _tell_failed(self, name: str, error: ExchangeError) -> None:
        """Log the first failure at once, repeated failures rarely and with their count. If a database is unavailable
        for a weekend, a line for each attempt would fill the disk."""
        now = time.monotonic()
        with self._telling:
            known = self._failing.get(name, _Failing("", -math.inf, 0))
            same = known.code == error.code
            if same and now < known.told_at + FAULT_TOLD_AGAIN_S:
                self._failing[name] = known._replace(times=known.times + 1)
                return
            self._failing[name] = _Failing(error.code, now, 0)
        times = {"times": known.times + 1} if same else {}
        log.warning("step failed, tried again later", loop=name, code=error.code, detail=str(error), **times)


def _settle(found: asyncio.Future[bool], whether: bool) -> None:
    if not found.done():
        found.set_result(whether)


def _settle_end(places: asyncio.Semaphore, found: asyncio.Future[bool], _: object) -> None:
    places.release()
    _settle(found, False)
