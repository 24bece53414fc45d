"""On whose account worker processes are busy: no node holds all of them, nor do the pictures of lists; who used much
lets others go first."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator

HALF_S = 60.0
"""After so long half of what a node used is forgotten."""
TOLERANCE_S = 3.0
"""Nodes that used them alike, to so many seconds, work side by side."""
GIVES_WAY_S = 2.0
"""The longest that a piece of work is put off for that of a node that used less."""


class Accounts:
    """``at_most`` pieces of work are done at once on the account of one node; empty is nobody's, and never waits."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._changed = threading.Condition()
        self._busy: Counter[str] = Counter()
        self._used: dict[str, tuple[float, float]] = {}

    @contextlib.contextmanager
    def working(self, node_id: str) -> Iterator[None]:
        """Begins when the node may work."""
        if not node_id:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._gives_way(node_id), timeout=GIVES_WAY_S)
            self._changed.wait_for(lambda: self._busy[node_id] < self._at_most)
            self._busy[node_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= Counter([node_id])  # keeps those alone that are at work
                self._changed.notify_all()

    @contextlib.contextmanager
    def counted(self, node_id: str) -> Iterator[None]:
        """How long the block takes counts as used by the node."""
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._used[node_id] = self._recently(node_id) + time.monotonic() - begun, time.monotonic()

    def _gives_way(self, node_id: str) -> bool:
        """Whether a node is at work that used less of late."""
        mine = self._recently(node_id) - TOLERANCE_S
        return any(self._recently(other) < mine for other in self._busy if other != node_id)

    def _recently(self, node_id: str) -> float:
        """Seconds that it used, the less the longer ago."""
        seconds, at = self._used.get(node_id, (0.0, 0.0))
        return float(seconds * 0.5 ** ((time.monotonic() - at) / HALF_S))
