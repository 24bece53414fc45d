"""Write down in which hours the nodes were there: the worker asks every peer all day, and each hour is written once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import Final

from exchange.clock import stamp
from exchange.coordination.half_year.counted import note_days, note_hour
from exchange.flows.node.node import Node

ALL_DAY: Final = (1 << 24) - 1


class AvailableHours:
    """``note`` costs a transaction when a node is first asked in an hour, and when it first answers in it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._last: dict[str, tuple[str, bool]] = {}
        self._writing = threading.Lock()

    def note(self, node_id: str, *, answered: bool) -> None:
        """A node was asked just now, and answered or not; of this node itself, that it runs. Raises
        StoreUnavailable."""
        with self._writing:
            hour = stamp()[:13]
            if self._last.get(node_id) in ((hour, True), (hour, answered)):
                return
            with self._node.store.write() as session:
                note_hour(session, node_id, hour[:10], int(hour[11:]), answered=answered)
            self._last[node_id] = hour, answered


def write_down_days(node: Node, node_id: str, days: Iterable[str], *, silent: Collection[str]) -> None:
    """That a node was asked in each hour of these days, and answered but for those on which it was ``silent``: of a
    past that is simulated, in which no worker asks all day."""
    with node.store.write() as session:
        note_days(session, node_id, {day: (ALL_DAY, 0 if day in silent else ALL_DAY) for day in days})
