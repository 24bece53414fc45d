"""Pictures of scans follow the release, and take no more of the disk than they may.

After a start each delivered scan is looked at once, in bounded steps: where its pictures are missing, or are those of
an earlier release, they are drawn anew at the lowest priority, one at a time. The heights that are kept for the
comparison viewer stay within ``heights_kept_bytes``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import structlog

import matcher
from exchange.errors import ComputeFailed, NotFound
from exchange.flows.node.node import Node
from exchange.flows.scan.picture_room import lacking_for_heights, room_for_pictures
from exchange.flows.scan.scan_thumbnail import PICTURES_IN_LISTS, draw_and_keep, thumbnail_paths
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.scan.listed import delivered_after
from exchange.store.tables.record_tables import AcquisitionRow
from matcher.draw import DISPLAY_VERSION

log = structlog.get_logger(__name__)

LOOKED_AT_ONCE: Final = 256
DRAWN_AT_ONCE: Final = 8
"""In one step: some seconds. Then whoever stops the node is heard."""


class PictureUpkeep:
    """Of one worker that leads; it begins anew with each start."""

    def __init__(self, node: Node) -> None:
        self._node, self._after, self._drawn = node, 0, 0

    def step(self) -> bool:
        """Draw the next few that are missing. Returns whether there is more to look at; on a disk without room for them
        later."""
        drawn = 0
        with self._node.store.read() as session:
            rows = delivered_after(session, self._after, LOOKED_AT_ONCE)
        for row in rows:
            if drawn == DRAWN_AT_ONCE:
                return True
            if not room_for_pictures(self._node):
                return False
            drawn += self._drew(row)
            self._after = row.acquisition_id
        if not rows and self._drawn:
            log.info("pictures of scans were drawn anew", count=self._drawn)
            self._drawn = 0
        return bool(rows)

    def _drew(self, row: AcquisitionRow) -> bool:
        if row.state == AcquisitionState.QUEUED and row.parameters is None:
            return False  # drawn when it is prepared
        if all(path.is_file() for path in thumbnail_paths(self._node, row).values()):
            return False
        if not self._node.blobs.holds(row.sha256):
            return False  # at first look, when it is here again
        try:
            with self._node.background.on_account_of(PICTURES_IN_LISTS):
                draw_and_keep(self._node, row, self._node.background)
        except (matcher.ScanNotUsable, matcher.ScanRefused, NotFound, ComputeFailed) as error:
            log.info("a scan has no picture", acquisition=row.acquisition_id, detail=str(error))
        self._drawn += 1
        return True


class _Kept(NamedTuple):
    looked_at: float
    size: int
    path: Path


def clear_heights(node: Node) -> int:
    """Remove kept heights of another form, and those that were not looked at for longest, beyond the bound or where the
    disk is short of room; returns how many. What is given at this moment is read whole."""
    every, cleared = sorted(_kept_heights(node), reverse=True), 0
    left = min(node.settings.heights_kept_bytes, sum(kept.size for kept in every) - lacking_for_heights(node))
    for kept in every:
        left -= kept.size
        if left < 0 or f".heights-{DISPLAY_VERSION}." not in kept.path.name:
            kept.path.unlink(missing_ok=True)
            cleared += 1
    return cleared


def _kept_heights(node: Node) -> Iterator[_Kept]:
    for folder in node.settings.prepared.glob("??"):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[64:].startswith(".heights-"):
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:  # erased meanwhile
                        continue
                    yield _Kept(stat.st_mtime, stat.st_size, Path(entry.path))
