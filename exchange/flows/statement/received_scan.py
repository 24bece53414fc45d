"""A scan that comes in with a request, before anybody looks into it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from exchange.flows.node.node import Node
from exchange.store.scan.blobs import Arrival

ArrivingScan: TypeAlias = Arrival
"""A file that is still coming, bounded and hashed as it is written. What was not kept is gone when its block ends."""


def arriving_scan(node: Node) -> ArrivingScan:
    return node.blobs.arrival(secrets.token_hex(16), node.settings.max_scan_bytes)


@dataclass(frozen=True)
class ReceivedScan:
    """One file of a submission, received in full: where its bytes are, and their digest."""

    part: str
    arrival: ArrivingScan
    sha256: str

    @property
    def path(self) -> Path:
        return self.arrival.path

    @property
    def size(self) -> int:
        return self.arrival.size

    def keep(self, node: Node) -> None:
        node.blobs.keep(self.arrival, self.sha256)
