"""Write down in which hours the nodes were there: the worker asks every peer all day, and each hour is written once."""

from __future__ import annotations

import threading

from exchange.clock import stamp
from exchange.flows.node.node import Node
from exchange.store.sync.node_hours import note_hour


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
