"""The picture of each scan, small and large: drawn once, when the scan is prepared, and kept beside it; else at first
look, and quietly where an earlier release drew it otherwise (``picture_upkeep``).

Of a topography it shows the mark that is compared, levelled, or all of the surface where none is; of a photograph the
photograph. It tells nothing of any pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matcher
from exchange.compute import Compute
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES, roles_of
from exchange.flows.node.region_masks import mask_digest, region_mask_of, topography_within
from exchange.flows.scan.heights import filtered_path
from exchange.flows.scan.inspect import PicturePaths, ThumbnailSize, levelled, thumbnail_of, write_whole
from exchange.flows.scan.picture_room import room_for_heights, room_for_pictures
from exchange.store.entry.record_rows import find_scan_of_record, may_be_compared
from exchange.store.tables.record_tables import AcquisitionRow
from matcher.draw import THUMBNAIL_VERSION
from schemas import RegionMask
from schemas.vocabulary import Modality

MEDIA_TYPE: Final = "image/webp"
PICTURES_IN_LISTS: Final = "pictures in lists"
"""On this account they are drawn; no node is named so."""
PICTURES_VERSION: Final = f"{THUMBNAIL_VERSION}-{hashlib.sha256(' '.join(sorted(PIPELINES)).encode()).hexdigest()[:8]}"
"""Of all pictures of this release: of one scan of one record, nothing else that they follow from ever changes."""


@dataclass(frozen=True)
class FoundScan:
    """A scan of a record that may be read, and where its picture of one size is kept, whether or not it is there.

    ``is_here``: its issuer delivered it, and the picture or the scan is on this node: not where the same bytes came by
    another record alone, nor where a restored node has yet to get it back.
    """

    acquisition: AcquisitionRow
    size: ThumbnailSize
    path: Path
    is_here: bool

    @property
    def statement_id(self) -> str:
        return self.acquisition.statement_id

    @property
    def position(self) -> int:
        return self.acquisition.position

    @property
    def sha256(self) -> str:
        return self.acquisition.sha256

    @property
    def tag(self) -> str:
        """The strong entity tag, without quotes: everything that the picture follows from."""
        return self.path.stem


@dataclass(frozen=True)
class _Drawn:
    """What the pictures are drawn from. ``pipeline``: whose mark they show, None where no mark is levelled."""

    scan: Path
    photograph: bool
    pipeline: matcher.Parameters | None
    region: RegionMask | None


_OF_THIS_RELEASE: Final = f"thumbnail-{THUMBNAIL_VERSION}"


def find_scan(node: Node, statement_id: str, position: int, size: ThumbnailSize = ThumbnailSize.SMALL) -> FoundScan:
    """A scan by its place in a record that may be read, delivered or not. Raises NotFound."""
    with node.store.read() as session:
        found = find_scan_of_record(session, statement_id, position)
    if found is None:
        raise NotFound("There is no such scan on this node.")
    path, delivered = thumbnail_paths(node, found)[size], found.delivered_at is not None
    return FoundScan(found, size, path, delivered and (path.is_file() or node.blobs.holds(found.sha256)))


def thumbnail_paths(node: Node, acquisition: AcquisitionRow) -> dict[ThumbnailSize, Path]:
    """Where a scan's pictures are kept, whether or not they are there. Their names begin with the scan's digest, so
    that they are erased with all that was prepared from the scan, and hold the rest that they follow from."""
    pipeline = _levelled_by(acquisition)
    form = "surface" if pipeline is None else pipeline.digest[:16]
    if acquisition.modality == Modality.REFLECTANCE:
        form = "photograph"
    elif pipeline is not None and (region := mask_digest(region_mask_of(acquisition))) is not None:
        form += f".region-{region[:32]}"
    name = f"{acquisition.sha256}.{_OF_THIS_RELEASE}.{form}"
    folder = node.settings.prepared / name[:2]
    return {size: folder / f"{name}.{size}.webp" for size in ThumbnailSize}


def picture_paths(node: Node, acquisition: AcquisitionRow) -> PicturePaths:
    """Where all pictures of a scan are kept that are made when it is prepared: those for which the disk has room."""
    thumbnails = thumbnail_paths(node, acquisition) if room_for_pictures(node) else {}
    return PicturePaths(thumbnails, filtered_path(node, acquisition) if room_for_heights(node) else None)


def kept_thumbnail(scan: FoundScan) -> bytes | None:
    """Of a scan that is here; None where it is still to be drawn, or a power cut left it empty."""
    try:
        return scan.path.read_bytes() or None
    except FileNotFoundError:
        return None


def drawn_thumbnail(node: Node, scan: FoundScan) -> bytes:
    """Drawn by a worker process with the scan's other size, and both kept where the disk takes them; such pictures
    never hold all of the processes.

    Raises NotFound when the scan is not here, or was withdrawn meanwhile; InvalidInput, code "not-usable", where the
    file cannot be read or shows nothing; ComputeFailed.
    """
    try:
        with node.compute.on_account_of(PICTURES_IN_LISTS):
            pictures = draw_and_keep(node, scan.acquisition, node.compute)
    except (matcher.ScanNotUsable, matcher.ScanRefused) as error:
        raise InvalidInput(f"The scan cannot be shown: {error}.", code="not-usable") from error
    return pictures[scan.size]


def draw_and_keep(node: Node, acquisition: AcquisitionRow, by: Compute) -> dict[ThumbnailSize, bytes]:
    """Both sizes, drawn by these processes. Those of earlier releases go.

    Raises NotFound, matcher.ScanNotUsable, matcher.ScanRefused, ComputeFailed.
    """
    pipeline = _levelled_by(acquisition)
    region = None if pipeline is None else region_mask_of(acquisition)
    photograph = acquisition.modality == Modality.REFLECTANCE
    drawn, paths = (
        _Drawn(delivered_scan(node, acquisition), photograph, pipeline, region),
        thumbnail_paths(node, acquisition),
    )
    kept = paths if room_for_pictures(node) else {}
    pictures = by.run(draw_thumbnails, drawn, kept, node.settings.prepared)
    with node.store.read() as session:  # erasure takes rows first, then files: what was made after it is seen here
        may_stay = may_be_compared(session, acquisition.acquisition_id)
    if not may_stay:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise NotFound("The scan was withdrawn while it was drawn.")
    return pictures


def draw_thumbnails(drawn: _Drawn, targets: Mapping[ThumbnailSize, Path], scratch: Path) -> dict[ThumbnailSize, bytes]:
    """What a worker process does. Raises matcher.ScanNotUsable, matcher.ScanRefused."""
    pictures = _pictures(drawn)
    with suppress(OSError):  # a full disk, which the doctor tells: they are seen nevertheless, and drawn again
        for size, path in targets.items():
            write_whole(pictures[size], path, scratch)
            for old in path.parent.glob(f"{path.name[:64]}.thumbnail-*"):
                if not old.name[65:].startswith(f"{_OF_THIS_RELEASE}."):
                    old.unlink(missing_ok=True)
    return pictures


def _pictures(drawn: _Drawn) -> dict[ThumbnailSize, bytes]:
    from matcher.draw.thumbnail import LARGE_SIDE, SMALL_SIDE, draw_photograph_thumbnail
    from matcher.read.image import decode_image, inspect_image
    from matcher.read.x3p import read_x3p

    if drawn.photograph:
        brightness = decode_image(drawn.scan, inspect_image(drawn.scan))
        sides = {ThumbnailSize.SMALL: SMALL_SIDE, ThumbnailSize.LARGE: LARGE_SIDE}
        return {size: draw_photograph_thumbnail(brightness, side) for size, side in sides.items()}
    topography, mark = read_x3p(drawn.scan), None
    if drawn.pipeline is not None:
        with suppress(matcher.ScanNotUsable):
            mark = levelled(topography_within(topography, drawn.region), drawn.pipeline)
    return {size: thumbnail_of(topography, mark, size) for size in ThumbnailSize}


def _levelled_by(acquisition: AcquisitionRow) -> matcher.Parameters | None:
    """The pipeline that levels an acquisition's mark; None of a photograph, of striae, and of what is not compared."""
    if acquisition.modality == Modality.REFLECTANCE:
        return None
    pipelines = [role.pipeline for role in roles_of(acquisition)]
    return next((one for one in pipelines if isinstance(one, matcher.Parameters)), None)
