"""A scan that came in with a request, before anybody looked into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exchange.flows.node.node import Node
from exchange.store.scan.blobs import Arrival


@dataclass(frozen=True)
class ReceivedScan:
    """One file of a submission, received in full: where its bytes are, and their digest."""

    part: str
    arrival: Arrival
    sha256: str

    @property
    def path(self) -> Path:
        return self.arrival.path

    @property
    def size(self) -> int:
        return self.arrival.size

    def keep(self, node: Node) -> None:
        node.blobs.keep(self.arrival, self.sha256)
