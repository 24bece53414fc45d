"""Time and chance of a trial: both are its own, so that two worlds differ in nothing but their secret.

Time stands still within a step, also while nodes work, however many requests that takes: how long things take is not
compared. Chance begins anew with each step and each request: one more in one of the worlds shifts nothing that comes
later. What neither can reach, the padding of ML-DSA signatures, is given names when it is read.
"""

from __future__ import annotations

import base64
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo

import pytest

BEGIN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
REQUEST_S = 0.1
"""How far time moves with a request."""


class Steps:
    """The steps of one world. ``seed`` is the same for both worlds of a trial."""

    def __init__(self, seed: str, moment: float | None = None) -> None:
        self._seed = seed
        self._moment, self._step = BEGIN.timestamp() if moment is None else moment, 0
        self._working, self._requests = False, 0
        self._chance = random.Random(f"{seed}/0")
        self._lock = threading.Lock()

    def step(self, seconds: float = REQUEST_S, *, working: bool = False) -> None:
        """Time moves on, and chance begins anew. ``working``: until the next step it stands still."""
        with self._lock:
            self._step += 1
            self._working, self._requests = working, 0
            self._moment = round(self._moment + seconds, 3)
            self._chance = random.Random(f"{self._seed}/{self._step}")

    def request(self) -> None:
        """A request is a step, but for those between nodes that work."""
        if not self._working:
            self.step()
            return
        with self._lock:
            self._requests += 1
            self._chance = random.Random(f"{self._seed}/{self._step}/{self._requests}")

    def time(self) -> float:
        return self._moment

    def token_bytes(self, count: int | None = None) -> bytes:
        with self._lock:
            return self._chance.randbytes(32 if count is None else count)

    def token_hex(self, count: int | None = None) -> str:
        return self.token_bytes(count).hex()

    def token_urlsafe(self, count: int | None = None) -> str:
        return base64.urlsafe_b64encode(self.token_bytes(count)).rstrip(b"=").decode()

    def randbelow(self, limit: int) -> int:
        with self._lock:
            return self._chance.randrange(limit)


@contextmanager
def fixed(steps: Steps) -> Iterator[None]:
    """While the block runs, whatever asks for the time or for a secret token is answered by these steps."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp(steps.time(), tz)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.clock.datetime", Clock)
        patched.setattr(time, "time", steps.time)
        for name in ("token_bytes", "token_hex", "token_urlsafe", "randbelow"):
            patched.setattr(secrets, name, getattr(steps, name))
        yield
