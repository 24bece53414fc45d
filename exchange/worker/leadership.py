"""Which worker leads. Of all workers of a node one does the leader's steps, and no other does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import Presence
from exchange.worker.loops import Step


class Leadership:
    """``held`` tells the jobs that this worker is at, each with its attempt. ``take_over`` is run once at the begin of
    each term, before any step of the leader."""

    def __init__(
        self, node: Node, presence: Presence, held: Callable[[], Mapping[int, int]], take_over: Callable[[], None]
    ) -> None:
        self._node, self._presence = node, presence
        self._held, self._take_over = held, take_over
        self._term, self._taking_over = 0, threading.Lock()

    def begin(self) -> None:
        """Show that this worker lives, and lead where nobody does. Raises ConfigurationError where it cannot work
        beside those that do."""
        self._presence.begin()
        self.show()

    def show(self) -> bool:
        """One beat; it says too whether this worker has the galleries for itself."""
        self._presence.beat(self._held())
        self._node.galleries.share(with_others=not self._presence.alone)
        return False

    def may_lead(self) -> bool:
        """Whether this worker leads, after it has taken over."""
        if not self._presence.leads:
            return False
        with self._taking_over:
            if self._term != self._presence.term:
                term = self._presence.term
                self._take_over()
                self._term = term
        return self._presence.leads

    def run(self, step: Step) -> bool:
        """Do a step of the leader, where this worker leads."""
        return self.may_lead() and step()

    def end(self) -> None:
        """Another worker may lead from now on."""
        self._presence.end()
