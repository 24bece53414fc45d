"""Whether there is news for a peer that waits: the size of the last signed head, known without asking the database."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

LOOK_AGAIN_S: Final = 1.0
"""So often the database is asked what another process of the node signed, however many peers wait."""


class HeadNotifier:
    """Told by the sequencer, and tells whoever answers peers. ``size`` only grows."""

    def __init__(self, size: int) -> None:
        self._lock = threading.RLock()  # a signal may close it in the middle
        self._size, self._closed = size, False
        self._waiting: set[Callable[[], object]] = set()
        self._look_again = 0.0

    @property
    def size(self) -> int:
        return self._size

    def grown(self, size: int) -> None:
        with self._lock:
            if size <= self._size:
                return
            self._size = size
            waiting = list(self._waiting)
        for wake in waiting:
            wake()

    def is_news(self, known_size: int) -> bool:
        """Whether a peer that knows the log up to ``known_size`` need wait no longer."""
        return self._closed or self._size > known_size

    @property
    def closed(self) -> bool:
        return self._closed

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """While the block runs, ``wake`` is called by any thread, without waiting, each time that there may be news."""
        with self._lock:
            self._waiting.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.discard(wake)

    def may_look(self) -> bool:
        """Whether it is the caller who asks the database now: once in ``LOOK_AGAIN_S``, of all who wait here."""
        with self._lock:
            if time.monotonic() < self._look_again:
                return False
            self._look_again = time.monotonic() + LOOK_AGAIN_S
            return True

    def close(self) -> None:
        """The node stops: nobody need wait any more."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
        for wake in waiting:
            wake()
