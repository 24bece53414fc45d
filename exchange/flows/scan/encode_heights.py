"""What worker processes do for the comparison viewer: a scan's heights in the bytes that it draws from.

It loads little: a process that is begun because somebody opens a pair is waited for.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matcher
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.node.region_masks import topography_within
from matcher.draw import DISPLAY_VERSION
from schemas import RegionMask

if TYPE_CHECKING:
    from matcher.draw.display import Display
    from matcher.mark.level import LevelledMark

LEAST_DRAWN, MOST_DRAWN = 64, 1500
"""Bounds of the longest side, in values: a thumbnail, and what a screen shows and software rendering still turns."""

_LEVEL: Final = 4
"""Of gzip: the last bits of heights are noise, and more effort gains 1 %."""


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
        return f"{self.sha256}.{self._form}.{self.most}.{DISPLAY_VERSION}"

    @property
    def file_name(self) -> str:
        """By which they are kept: it begins with the scan's digest, so that they are erased with it."""
        return f"{self.sha256}.heights-{DISPLAY_VERSION}.{self._form}.{self.most}.gz"

    @property
    def _form(self) -> str:
        if self.photograph:
            form = "photograph" if self.um_per_pixel is None else f"photograph.{self.um_per_pixel[0]!r}"
            return form + (".mirrored" if self.mirrored else "")
        form = "raw" if self.pipeline is None else f"filtered.{self.pipeline[:16]}"
        return form + (f".region-{self.region.digest[:32]}" if self.region else "")


def encoded_heights(shown: ShownHeights) -> bytes:
    """As ``matcher.draw.display`` encodes them, gzipped. Raises matcher.ScanNotUsable, matcher.ScanRefused."""
    return _packed(_display(shown))


def heights_of_mark(mark: LevelledMark, parameters: matcher.Parameters) -> bytes:
    """The same bytes of a mark that is in the memory: the filtered form of its scan, as the viewer asks for it.

    Raises matcher.ScanNotUsable.
    """
    from matcher.draw.display import display_mark

    return _packed(display_mark(mark, parameters, MOST_DRAWN))


def _packed(display: Display) -> bytes:
    from matcher.draw.display import encode_display

    # no time in the header: the same heights are the same bytes
    return gzip.compress(encode_display(display), _LEVEL, mtime=0)


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
