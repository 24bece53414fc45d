"""A scan's heights for the comparison viewer: what is asked for, and where they are kept once they were made.

The filtered form of a scan is made when it is prepared, whatever else at first look. What is kept is given without a
process; it lies beside the prepared scan, goes with it, and all of it together takes no more than
``heights_kept_bytes``: what was not looked at for longest goes first (``picture_upkeep``).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import matcher
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of
from exchange.flows.node.region_masks import mask_digest, region_mask_of
from exchange.flows.scan.encode_heights import MOST_DRAWN, ShownHeights, encoded_heights
from exchange.flows.scan.inspect import write_whole
from exchange.flows.scan.picture_room import room_for_heights
from exchange.store.scan.deliveries import records_showing
from exchange.store.tables.record_tables import AcquisitionRow
from schemas.vocabulary import Modality

LOOKED_AT_S: Final = 24 * 3600.0
"""So seldom it is noted on the disk that kept heights were looked at."""


class Form(StrEnum):
    """As measured, or levelled and in the band that the picture of a candidate shows."""

    RAW = "raw"
    FILTERED = "filtered"


@dataclass(frozen=True)
class Wanted:
    """What is asked for. ``mirrored``: upside down, as the matcher compared a photograph in the variants that say so;
    the registration of such a pair holds for this picture. ``region``: the digest of the region that an examiner
    marked, of which the filtered form is to be; None: of the region that the matcher finds."""

    form: Form = Form.RAW
    most: int = MOST_DRAWN
    mirrored: bool = False
    region: str | None = None

    def __str__(self) -> str:
        return f"{self.form}, {self.most} at most" + (", mirrored" if self.mirrored else "")


def shown_of(node: Node, acquisition: AcquisitionRow, wanted: Wanted) -> ShownHeights:
    """What to show of an acquisition.

    Raises NotFound when its scan is not here, or no such region was marked on it; InvalidInput, code
    "no-filtered-form", where the matcher levels no mark of its region, "not-mirrored" for a topography, which never is.
    """
    photograph, size = acquisition.modality == Modality.REFLECTANCE, acquisition.lateral_resolution_um
    pipeline = None
    if wanted.mirrored and not photograph:
        raise InvalidInput("A topography is never compared mirrored; leave mirrored out.", code="not-mirrored")
    if wanted.form is Form.FILTERED and not photograph:
        pipeline = next((role.pipeline.digest for role in roles_of(acquisition) if _levels(role.pipeline)), None)
        if pipeline is None:
            message = f"Of the region {acquisition.roi} there is no filtered form; ask for form=raw."
            raise InvalidInput(message, code="no-filtered-form")
    spacing = (size, size) if photograph and size is not None else None
    path = delivered_scan(node, acquisition)
    region = None if wanted.region is None else region_mask_of(acquisition)
    if mask_digest(region) != wanted.region:
        raise NotFound("No such region was marked on this scan.")
    region = None if pipeline is None else region
    return ShownHeights(path, acquisition.sha256, wanted.most, photograph, spacing, pipeline, wanted.mirrored, region)


def _levels(pipeline: object) -> bool:
    return isinstance(pipeline, matcher.Parameters)


def heights_path(node: Node, shown: ShownHeights) -> Path | None:
    """Where they are kept, whether or not they are there; None for a size that the viewer never asks for: of these
    there are too many."""
    if shown.most != MOST_DRAWN or not node.settings.heights_kept_bytes:
        return None
    return node.settings.prepared / shown.sha256[:2] / shown.file_name


def filtered_path(node: Node, acquisition: AcquisitionRow) -> Path | None:
    """Where the form is kept that the viewer of a pair asks for first; None of a photograph, of striae, of what is not
    compared, and of a scan that is not here."""
    if acquisition.modality == Modality.REFLECTANCE:
        return None
    wanted = Wanted(Form.FILTERED, region=mask_digest(region_mask_of(acquisition)))
    try:
        return heights_path(node, shown_of(node, acquisition, wanted))
    except (InvalidInput, NotFound):
        return None


def kept_heights(node: Node, shown: ShownHeights) -> bytes | None:
    """Those that were made before, gzipped; None where they are still to be made, or a power cut left them empty."""
    path = heights_path(node, shown)
    if path is None:
        return None
    with suppress(OSError):
        content = path.read_bytes()
        if content and path.stat().st_mtime < time.time() - LOOKED_AT_S:
            os.utime(path)
        return content or None
    return None


def heights(node: Node, shown: ShownHeights) -> bytes:
    """The heights as ``matcher.draw.display`` encodes them, gzipped, and kept for the next look. To be called where one
    may wait for a process.

    Raises InvalidInput, code "not-usable", where there is no mark to show; NotFound when the scan was withdrawn
    meanwhile; ComputeFailed.
    """
    try:
        content = node.compute.run(encoded_heights, shown)
    except (matcher.ScanNotUsable, matcher.ScanRefused) as error:
        raise InvalidInput(f"This form of the scan cannot be shown: {error}.", code="not-usable") from error
    path = heights_path(node, shown)
    if path is not None:
        _keep(node, shown, content, path)
    return content


def _keep(node: Node, shown: ShownHeights, content: bytes, path: Path) -> None:
    with suppress(OSError):  # a full disk, which the doctor tells: they are made again
        if room_for_heights(node):
            write_whole(content, path, node.settings.prepared)
    with node.store.read() as session:  # erasure takes rows first, then files: what was made after it is seen here
        may_stay = bool(records_showing(session, shown.sha256))
    if not may_stay:
        path.unlink(missing_ok=True)
        raise NotFound(f"The scan {shown.sha256} was withdrawn while it was drawn.")
