"""Surfaces for the eye: a scan's heights as a viewer draws and measures them, in few bytes.

The bytes: the length of the head (4 bytes, little-endian), the head (JSON in UTF-8, padded with blanks, so that what
follows starts at a multiple of 4), then the rows, uint16, little-endian. Value 0 is a missing point; any other value v
stands for ``offset_um`` + v ``scale_um`` micrometres.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matcher.draw.panels import SHOWN_BAND_POINTS
from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark
from matcher.mark.regions import level_region
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import low_pass
from matcher.read.topography import Topography

_STEPS = 65534
"""Between the lowest height, value 1, and the highest, value 65535."""
_LEAST_SCALE_UM = 1e-6
"""A flat surface has no range; a thousandth of a nanometre is finer than any instrument."""
_GREY_LEVELS = 255
_MEASURED = 0.5


@dataclass(frozen=True)
class Display:
    """What is drawn of one scan: the bounding box of its valid points, thinned to a bounded size.

    ``values``: float32 (rows, columns), NaN where nothing was measured: micrometres, or for a photograph grey levels,
    0 to 255; ``pitch_um``: (y, x) distance between neighbouring values, None where nobody noted a photograph's;
    ``first_um``: (y, x) of the first value from the scan's first point; in pixels where ``pitch_um`` is None.
    """

    values: NDArray[np.float32]
    pitch_um: tuple[float, float] | None
    first_um: tuple[float, float]
    kind: Literal["topography", "photograph"] = "topography"


def display_heights(topography: Topography, most: int) -> Display:
    """A topography as it was measured. Raises ``ScanNotUsable`` where no point is valid."""
    return _thinned(topography.heights_um, topography.spacing_um, (0.0, 0.0), most)


def display_filtered(topography: Topography, parameters: Parameters, most: int) -> Display:
    """The mark as the picture of a candidate shades it: levelled, in the band that an examiner is shown.

    1. Find the mark and level it (``level_region``).
    2. Keep the waves of ``SHOWN_BAND_POINTS``, in micrometres; what is no mark is missing.

    Raises ``ScanNotUsable`` where there is no mark.
    """
    # 1.
    mark = level_region(topography, parameters)

    # 2.
    return display_mark(mark, parameters, most)


def display_mark(mark: LevelledMark, parameters: Parameters, most: int) -> Display:
    """As ``display_filtered``, of a mark that was found and levelled with the same parameters."""
    short, long = (
        tuple(points * parameters.fine_spacing_um / spacing for spacing in mark.spacing_um)
        for points in SHOWN_BAND_POINTS
    )
    smooth, share = low_pass(mark.heights, mark.weights, (short[0], short[1]))
    waves, _ = low_pass(mark.heights, mark.weights, (long[0], long[1]))
    shown = (share >= _MEASURED) & (mark.weights > 0)
    band = np.where(shown, smooth - waves, np.float32(np.nan))
    return _thinned(band, mark.spacing_um, mark.origin_um, most)


def display_photograph(brightness: NDArray[np.float32], um_per_pixel: tuple[float, float] | None, most: int) -> Display:
    """A photograph in 8-bit grey. ``brightness``: float32 (rows, columns), 0 to 1, NaN where it is transparent.

    Raises ``ScanNotUsable`` where all of it is transparent.
    """
    found = _thinned(brightness * np.float32(_GREY_LEVELS), um_per_pixel or (1.0, 1.0), (0.0, 0.0), most)
    grey = np.rint(np.clip(found.values, 0, _GREY_LEVELS)).astype(np.float32)
    return Display(grey, um_per_pixel and found.pitch_um, found.first_um, "photograph")


def _thinned(
    values: NDArray[np.float32], spacing_um: tuple[float, float], first_um: tuple[float, float], most: int
) -> Display:
    """The bounding box of the valid points, in block means of these: no side longer than ``most``.

    A block with any valid point has a value. Blocks at the lower and right end may hold fewer points.
    """
    valid = np.isfinite(values)
    rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    if not rows.size:
        raise ScanNotUsable("not usable: the scan has no valid point at all; check how it was exported")
    top, left = int(rows[0]), int(columns[0])
    box = slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
    block = -(-max(values[box].shape) // most)
    shown = values[box] if block == 1 else _block_means(values[box], valid[box], block)
    first = (
        first_um[0] + (top + (block - 1) / 2) * spacing_um[0],
        first_um[1] + (left + (block - 1) / 2) * spacing_um[1],
    )
    return Display(np.ascontiguousarray(shown, np.float32), (spacing_um[0] * block, spacing_um[1] * block), first)


def _block_means(values: NDArray[np.float32], valid: NDArray[np.bool_], block: int) -> NDArray[np.float32]:
    starts = [np.arange(0, size, block) for size in values.shape]

    def summed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        by_rows = np.add.reduceat(plane, starts[0], axis=0)
        return np.asarray(np.add.reduceat(by_rows, starts[1], axis=1), np.float64)

    total = summed(np.where(valid, values, 0.0).astype(np.float64))
    count = summed(valid.astype(np.float64))
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means.astype(np.float32)


def encode_display(display: Display) -> bytes:
    """The bytes that the module's docstring describes. Every value is off by half a ``scale_um`` at most."""
    if display.kind == "photograph":
        scale, offset = 1.0, -1.0
    else:
        low, high = float(np.nanmin(display.values)), float(np.nanmax(display.values))
        scale = max((high - low) / _STEPS, _LEAST_SCALE_UM)
        offset = low - scale
    missing = np.isnan(display.values)
    steps = np.rint((np.where(missing, offset, display.values).astype(np.float64) - offset) / scale)
    coded = np.where(missing, 0, np.clip(steps, 1, _STEPS + 1)).astype("<u2")
    head = json.dumps(_head(display, scale, offset), allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    return struct.pack("<I", len(head)) + head + coded.tobytes()


def _head(display: Display, scale: float, offset: float) -> dict[str, Any]:
    """``pitch_um`` is along x, ``pitch_y_um`` along y; ``left_um``, ``top_um``: see ``Display.first_um``."""
    height, width = display.values.shape
    pitch_y, pitch_x = display.pitch_um or (None, None)
    return {
        "kind": display.kind,
        "width": width,
        "height": height,
        "pitch_um": pitch_x,
        "pitch_y_um": pitch_y,
        "scale_um": scale,
        "offset_um": offset,
        "left_um": display.first_um[1],
        "top_um": display.first_um[0],
        "missing": 0,
    }
