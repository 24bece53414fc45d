"""The small picture of each scan: drawn once, when the scan is prepared, and kept beside it; else at first look.

Of a topography it shows the mark that is compared, levelled, or all of the surface where none is; of a photograph the
photograph. It tells nothing of any pair.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matcher
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of
from exchange.flows.node.region_masks import mask_digest, region_mask_of, topography_within
from exchange.flows.scan.inspect import levelled, thumbnail_of, write_whole
from exchange.flows.scan.pair_picture import PICTURES_IN_LISTS
from exchange.store.entry.records import acquisitions_of, find_record, may_be_compared
from exchange.store.tables.records import AcquisitionRow
from matcher.draw import THUMBNAIL_VERSION
from schemas import RegionMask
from schemas.vocabulary import Modality

MEDIA_TYPE: Final = "image/webp"


@dataclass(frozen=True)
class FoundScan:
    """A scan of a record that may be read, and where its small picture is kept, whether or not it is there.

    ``is_here``: its issuer delivered it, and the picture or the scan is on this node: not where the same bytes came by
    another record alone, nor where a restored node has yet to get it back.
    """

    acquisition: AcquisitionRow
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
    """What a small picture is drawn from. ``pipeline``: whose mark it shows, None where no mark is levelled."""

    scan: Path
    photograph: bool
    pipeline: matcher.Parameters | None
    region: RegionMask | None


def find_scan(node: Node, statement_id: str, position: int) -> FoundScan:
    """A scan by its place in a record that may be read, delivered or not. Raises NotFound."""
    with node.store.read() as session:
        readable = find_record(session, statement_id) is not None
        scans = acquisitions_of(session, statement_id) if readable else []
    found = next((scan for scan in scans if scan.position == position), None)
    if found is None:
        raise NotFound("There is no such scan on this node.")
    path, delivered = thumbnail_path(node, found), found.delivered_at is not None
    return FoundScan(found, path, delivered and (path.is_file() or node.blobs.holds(found.sha256)))


def thumbnail_path(node: Node, acquisition: AcquisitionRow) -> Path:
    """Where a scan's small picture is kept, whether or not it is there. Its name begins with the scan's digest, so that
    it is erased with all that was prepared from the scan, and holds the rest that it follows from."""
    pipeline, region = _levelled_by(acquisition), mask_digest(region_mask_of(acquisition))
    form = "surface" if pipeline is None else pipeline.digest[:16]
    if acquisition.modality == Modality.REFLECTANCE:
        form = "photograph"
    elif pipeline is not None and region is not None:
        form += f".region-{region[:32]}"
    name = f"{acquisition.sha256}.thumbnail-{THUMBNAIL_VERSION}.{form}.webp"
    return node.settings.prepared / name[:2] / name


def kept_thumbnail(scan: FoundScan) -> bytes | None:
    """Of a scan that is here; None where it is still to be drawn, or a power cut left it empty."""
    try:
        return scan.path.read_bytes() or None
    except FileNotFoundError:
        return None


def drawn_thumbnail(node: Node, scan: FoundScan) -> bytes:
    """Drawn by a worker process, and kept where the disk takes it; such pictures never hold all of the processes.

    Raises NotFound when the scan is not here, or was withdrawn meanwhile; InvalidInput, code "not-usable", where the
    file cannot be read or shows nothing; ComputeFailed.
    """
    acquisition, pipeline = scan.acquisition, _levelled_by(scan.acquisition)
    region = None if pipeline is None else region_mask_of(acquisition)
    photograph = acquisition.modality == Modality.REFLECTANCE
    drawn = _Drawn(delivered_scan(node, acquisition), photograph, pipeline, region)
    try:
        with node.compute.on_account_of(PICTURES_IN_LISTS):
            picture = node.compute.run(draw_thumbnail, drawn, scan.path, node.settings.prepared)
    except (matcher.ScanNotUsable, matcher.ScanRefused) as error:
        raise InvalidInput(f"The scan cannot be shown: {error}.", code="not-usable") from error
    with node.store.read() as session:  # erasure takes rows first, then files: what was made after it is seen here
        may_stay = may_be_compared(session, acquisition.acquisition_id)
    if not may_stay:
        scan.path.unlink(missing_ok=True)
        raise NotFound("The scan was withdrawn while it was drawn.")
    return picture


def draw_thumbnail(drawn: _Drawn, target: Path, scratch: Path) -> bytes:
    """What a worker process does. Raises matcher.ScanNotUsable, matcher.ScanRefused."""
    picture = _picture(drawn)
    with suppress(OSError):  # a full disk, which the doctor tells: it is seen nevertheless, and drawn again
        write_whole(picture, target, scratch)
    return picture


def _picture(drawn: _Drawn) -> bytes:
    from matcher.draw.thumbnail import draw_photograph_thumbnail
    from matcher.read.image import decode_image, inspect_image
    from matcher.read.x3p import read_x3p

    if drawn.photograph:
        return draw_photograph_thumbnail(decode_image(drawn.scan, inspect_image(drawn.scan)))
    topography = read_x3p(drawn.scan)
    if drawn.pipeline is None:
        return thumbnail_of(topography, None)
    try:
        mark = levelled(topography_within(topography, drawn.region), drawn.pipeline)
    except matcher.ScanNotUsable:
        mark = None
    return thumbnail_of(topography, mark)


def _levelled_by(acquisition: AcquisitionRow) -> matcher.Parameters | None:
    """The pipeline that levels an acquisition's mark; None of a photograph, of striae, and of what is not compared."""
    if acquisition.modality == Modality.REFLECTANCE:
        return None
    pipelines = [role.pipeline for role in roles_of(acquisition)]
    return next((one for one in pipelines if isinstance(one, matcher.Parameters)), None)
