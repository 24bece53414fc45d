"""The threads of a worker. Each repeats one step, and pauses when the step had nothing to do."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
from structlog.contextvars import bound_contextvars

from exchange.errors import ExchangeError
from exchange.net.request_id import FIELD, new_request_id

log = structlog.get_logger(__name__)

IDLE_S = 0.2  # how long an idle loop sleeps: below what a person notices, above what a laptop's battery does

Step = Callable[[], bool]
"""Returns whether there is more to do at once."""


class Loop(NamedTuple):
    """What one thread repeats. A failed step is tried again after the pause."""

    name: str
    step: Step
    pause_s: float


class Loops:
    """The threads of one worker. Once ``stopping`` is set, no step begins."""

    def __init__(self, chance: random.Random) -> None:
        self.stopping = threading.Event()
        self._chance = chance
        self._threads: list[threading.Thread] = []

    def start(self, loop: Loop) -> None:
        thread = threading.Thread(target=self._repeat, args=(loop,), name=loop.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join_all(self, within_s: float) -> None:
        """Wait for all threads together, at most so long."""
        deadline = time.monotonic() + within_s
        for thread in list(self._threads):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def join_each(self, within_s: float) -> None:
        """Wait for one thread after the other, at most so long for each."""
        for thread in list(self._threads):
            thread.join(timeout=within_s)

    def _repeat(self, loop: Loop) -> None:
        while not self.stopping.is_set():
            with bound_contextvars(**{FIELD: new_request_id()}):  # peers log it too, with what they answer to this step
                busy = _tried(loop)
            if not busy:
                jitter = self._chance.uniform(0.75, 1.25)  # so that nodes do not move in step
                self.stopping.wait(loop.pause_s * jitter)


def _tried(loop: Loop) -> bool:
    try:
        return loop.step()
    except ExchangeError as error:
        log.warning("step failed, tried again later", loop=loop.name, code=error.code, detail=str(error))
    except Exception:
        log.exception("unforeseen error, tried again later", loop=loop.name)
    return False
