"""The file of a scan, for an acquisition whose issuer delivered it; and the records by which a scan is here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.store.scan.deliveries import records_showing
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow

Entitling: TypeAlias = tuple[AcquisitionRow, StatementRow]
"""An acquisition by which the bytes of a scan are here, and the statement of its record."""


def delivered_scan(node: Node, acquisition: AcquisitionRow) -> Path:
    """The file of an acquisition's scan, for whoever reads, draws, prepares or sends it. Raises NotFound."""
    check_delivered(acquisition)
    return node.blobs.path(acquisition.sha256)


def check_delivered(acquisition: AcquisitionRow) -> None:
    """Raises NotFound, as where no such bytes are here, when its issuer did not deliver them."""
    if acquisition.delivered_at is None:
        raise NotFound(f"The scan {acquisition.sha256} is not on this node.")


def records_with_scan(node: Node, sha256: str) -> Sequence[Entitling]:
    """The records by which the bytes of a scan are here and may be shown to people of this node. Raises NotFound."""
    with node.store.read() as session:
        showing = records_showing(session, sha256)
    if not showing:
        raise NotFound(f"The scan {sha256} is not on this node.")
    return showing
