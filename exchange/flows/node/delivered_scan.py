"""Where the bytes of one acquisition lie: by its own delivery alone, whatever lies here by another record."""

from __future__ import annotations

from pathlib import Path

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.store.tables.records import AcquisitionRow


def delivered_scan(node: Node, acquisition: AcquisitionRow) -> Path:
    """The file of an acquisition's scan, for whoever reads, draws, prepares or sends it. Raises NotFound."""
    check_delivered(acquisition)
    return node.blobs.path(acquisition.sha256)


def check_delivered(acquisition: AcquisitionRow) -> None:
    """Raises NotFound, as where no such bytes are here, when its issuer did not deliver them."""
    if acquisition.delivered_at is None:
        raise NotFound(f"The scan {acquisition.sha256} is not on this node.")
