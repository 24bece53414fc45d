"""A scan's heights for the comparison viewer: what is asked for, how it is named, and the work of a worker process."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import matcher
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES, roles_of
from exchange.flows.node.region_masks import mask_digest, region_mask_of, topography_within
from exchange.store.tables.records import AcquisitionRow
from matcher.draw import DISPLAY_VERSION
from schemas import RegionMask
from schemas.vocabulary import Modality

if TYPE_CHECKING:
    from matcher.draw.display import Display

LEAST_DRAWN, MOST_DRAWN = 64, 1500
"""Bounds of the longest side, in values: a thumbnail, and what a screen shows and software rendering still turns."""

_LEVEL = 4
"""Of gzip: the last bits of heights are noise, and more effort gains 1 %."""


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


@dataclass(frozen=True)
class ShownHeights:
    """Which heights of a scan. A photograph has one form: its ``pipeline`` is None, as of raw heights."""

    scan: Path
    sha256: str
    most: int
    photograph: bool
    um_per_pixel: tuple[float, float] | None
    pipeline: str | None
    mirrored: bool = False
    region: RegionMask | None = None

    @property
    def tag(self) -> str:
        """The strong entity tag, without quotes: everything that the bytes follow from."""
        form = "raw" if self.pipeline is None else f"filtered.{self.pipeline[:16]}"
        form += f".region-{self.region.digest[:32]}" if self.region else ""
        if self.photograph:
            form = "photograph" if self.um_per_pixel is None else f"photograph.{self.um_per_pixel[0]!r}"
            form += ".mirrored" if self.mirrored else ""
        return f"{self.sha256}.{form}.{self.most}.{DISPLAY_VERSION}"


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


def heights(node: Node, shown: ShownHeights) -> bytes:
    """The heights as ``matcher.draw.display`` encodes them, gzipped. To be called where one may wait for a process.

    Raises InvalidInput, code "not-usable", where there is no mark to show; ComputeFailed.
    """
    try:
        return node.compute.run(encoded_heights, shown)
    except (matcher.ScanNotUsable, matcher.ScanRefused) as error:
        raise InvalidInput(f"This form of the scan cannot be shown: {error}.", code="not-usable") from error


def encoded_heights(shown: ShownHeights) -> bytes:
    """What a worker process does. Raises matcher.ScanNotUsable, matcher.ScanRefused."""
    from matcher.draw.display import encode_display

    # no time in the header: the same heights are the same bytes
    return gzip.compress(encode_display(_display(shown)), _LEVEL, mtime=0)


def _display(shown: ShownHeights) -> Display:
    from matcher.draw.display import display_filtered, display_heights, display_photograph
    from matcher.read.image import decode_image, inspect_image
    from matcher.read.x3p import read_x3p

    if shown.photograph:
        brightness = decode_image(shown.scan, inspect_image(shown.scan))
        brightness = brightness[::-1] if shown.mirrored else brightness
        return display_photograph(brightness, shown.um_per_pixel, shown.most)
    topography = read_x3p(shown.scan)
    parameters = None if shown.pipeline is None else PIPELINES[shown.pipeline]
    if isinstance(parameters, matcher.Parameters):
        return display_filtered(topography_within(topography, shown.region), parameters, shown.most)
    return display_heights(topography, shown.most)
