"""So many requests of one peer at once and no more: a peer in a hurry must not take the places of the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from exchange.errors import TooMany

AT_ONCE = 8
"""Of one peer: a lane that waits for news, a report, and the scans of two fetchers, twice over."""


class Turns:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    @contextmanager
    def turn(self, node_id: str) -> Iterator[None]:
        """Raises TooMany, which says when to come again."""
        with self._lock:
            if self._running[node_id] >= AT_ONCE:
                raise TooMany(f"{node_id} has {AT_ONCE} requests running here; wait for one to end.")
            self._running[node_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[node_id] -= 1
                if not self._running[node_id]:
                    del self._running[node_id]
