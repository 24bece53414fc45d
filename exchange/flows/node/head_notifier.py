"""Whether there is news for a peer that waits: the size of the last signed head, known without asking the database."""

from __future__ import annotations

import threading


class HeadNotifier:
    """Told by the sequencer, watched by whoever answers peers. ``size`` only grows."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._size = size
        self._closed = False

    @property
    def size(self) -> int:
        return self._size

    def grown(self, size: int) -> None:
        with self._lock:
            self._size = max(self._size, size)

    def is_news(self, known_size: int) -> bool:
        """Whether a peer that knows the log up to ``known_size`` need wait no longer."""
        return self._closed or self._size > known_size

    def close(self) -> None:
        """The node stops: nobody need wait any more."""
        self._closed = True
