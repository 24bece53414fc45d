"""Which scan stands for an exhibit where it is listed, and whether its small picture can be shown yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Protocol

from exchange.flows.node.node import Node
from exchange.flows.node.regions import COMPARED
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.scan.listed import ListedRow, scans_listed
from schemas import Pair


class PicturedRecord(Protocol):
    """What is shown of a record, whatever it is."""

    @property
    def statement_id(self) -> str: ...


class ShownScan(Protocol):
    """What is known of a scan, whether all of its row or a part was read."""

    @property
    def statement_id(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def roi(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def delivered_at(self) -> str | None: ...
    @property
    def parameters(self) -> str | None: ...


class PictureStanding(StrEnum):
    SHOWN = "shown"
    BEING_MADE = "being-made"
    """The scan is here, and will be prepared."""
    NOT_HERE = "not-here"
    """Its issuer has not delivered it yet."""


@dataclass(frozen=True)
class ListedScan:
    """A scan by its place in its record, as ``find_scan`` finds it."""

    statement_id: str
    position: int
    roi: str
    picture: PictureStanding


def listed_scan(scan: ShownScan) -> ListedScan:
    """What was prepared by an earlier release has a picture too: it is drawn at first look."""
    standing = PictureStanding.SHOWN
    if scan.delivered_at is None:
        standing = PictureStanding.NOT_HERE
    elif scan.state == AcquisitionState.QUEUED and scan.parameters is None:
        standing = PictureStanding.BEING_MADE
    return ListedScan(scan.statement_id, scan.position, scan.roi, standing)


def pictured_scans(
    node: Node, records: Iterable[PicturedRecord | None], scans: Collection[str] = ()
) -> dict[str, ListedScan]:
    """Of each of these records, some of which may be gone, the scan that stands for it: one of ``scans``, by digest,
    else the first that is here of a region that is compared, else the first. One SQL statement for all of them."""
    found = _scans_of(node, {record.statement_id for record in records if record is not None})
    return {name: _standing_for(rows, scans) for name, rows in found.items()}


def pictures_of_pairs(node: Node, pairs: Mapping[str, Pair]) -> dict[str, dict[str, ListedScan]]:
    """Of each pair, by whatever name, both specimens by their records: the very scans that are compared."""
    found = _scans_of(node, {side.record for pair in pairs.values() for side in (pair.a, pair.b)})
    return {
        name: {side.record: _standing_for(found[side.record], (side.scan,)) for side in sides if side.record in found}
        for name, sides in ((name, (pair.a, pair.b)) for name, pair in pairs.items())
    }


def _scans_of(node: Node, statement_ids: Collection[str]) -> dict[str, list[ListedRow]]:
    with node.store.read() as session:
        rows = scans_listed(session, statement_ids)
    return {name: list(of) for name, of in groupby(rows, lambda row: row.statement_id)}


def _standing_for(rows: Sequence[ListedRow], scans: Collection[str]) -> ListedScan:
    def rank(row: ListedRow) -> tuple[bool, bool, bool, int]:
        return row.sha256 not in scans, row.delivered_at is None, row.roi not in COMPARED, row.position

    return listed_scan(min(rows, key=rank))
