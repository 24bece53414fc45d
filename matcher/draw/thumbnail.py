"""The picture of one scan by which it is known again, small in a list and larger on its own page: no label, no frame,
its valid points alone.

What was not measured is transparent, so that it takes the colour of whatever page it stands on.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark, averaged
from matcher.numeric.plane import Plane, ratio
from matcher.read.topography import Topography

SMALL_SIDE: Final = 160
LARGE_SIDE: Final = 480
"""Pixels of the longer side: twice the width at which lists show it and thrice that of other pages, for screens of
several points a pixel."""

_LIGHT_FROM: Final = (-0.5, -0.5, 0.7071)
"""(x, y, towards the eye): azimuth 315 degrees, which is the upper left, 45 degrees above the surface."""
_TYPICAL_SLOPE: Final = 0.3
"""Slopes are exaggerated until their median is this: marks of a few micrometres would look flat otherwise."""
_LEAST_SLOPE: Final = 1e-3
"""A nanometre on a micrometre: what is flatter still is not made to look rough."""
_DARKEST: Final = 0.08
_MEASURED: Final = 0.5
_QUALITY: Final = 55
"""Of lossy WebP: below it, fine ridges run together."""
_FASTEST: Final = 0
"""Of WebP's methods: the slowest saves a tenth of the bytes, and takes ten times as long."""


@dataclass(frozen=True)
class _Small:
    """``values``: float32 (rows, columns), 0 where nothing was measured; ``share``: how much of each was measured;
    ``pitch``: distance between neighbours, the same along y and x, in the unit of the spacing."""

    values: Plane
    share: Plane
    pitch: float


def draw_mark_thumbnail(mark: LevelledMark, side: int) -> bytes:
    """The mark that is compared, levelled, under light from the upper left, no side longer than ``side``; returns a
    WebP.

    Raises ``ScanNotUsable`` where the mark has no point.
    """
    return _written(*_lit(_shrunk(mark.heights, mark.weights, mark.spacing_um, side)))


def draw_surface_thumbnail(topography: Topography, side: int) -> bytes:
    """All of a scan on which no mark is looked for, or none was found. As ``draw_mark_thumbnail``."""
    sizes = (points * um for points, um in zip(topography.heights_um.shape, topography.spacing_um, strict=True))
    heights, weights, spacing, _ = averaged(topography, max(sizes) / (2 * side))
    return _written(*_lit(_shrunk(heights, weights, spacing, side)))


def draw_photograph_thumbnail(brightness: NDArray[np.float32], side: int) -> bytes:
    """A photograph, nothing but smaller; returns a WebP.

    ``brightness``: float32 (rows, columns), 0 black to 1 full scale, NaN where it is transparent. Raises
    ``ScanNotUsable`` where all of it is.
    """
    valid = np.isfinite(brightness)
    whole = bool(valid.all())
    small = _shrunk(brightness if whole else np.nan_to_num(brightness), valid.astype(np.float32), (1.0, 1.0), side)
    return _written(small.values, small.share)


def _shrunk(values: Plane, weights: Plane, spacing: tuple[float, float], side: int) -> _Small:
    """The bounding box of what was measured, in square pixels, no side longer than ``side``; never enlarged."""
    solid = (weights > 0).view(np.uint8)
    left, top, width, height = cv2.boundingRect(solid)
    if width == 0 or height == 0:
        raise ScanNotUsable("not usable: the scan has no valid point at all; check how it was exported")
    box = slice(top, top + height), slice(left, left + width)
    size = (height * spacing[0], width * spacing[1])
    pitch = max(max(size) / side, min(spacing))
    shape = (max(1, round(size[0] / pitch)), max(1, round(size[1] / pitch)))
    shown, there = values[box], weights[box]
    if shape == shown.shape:
        return _Small(shown * (there > 0), there, pitch)
    means = cv2.INTER_AREA if pitch >= max(spacing) else cv2.INTER_LINEAR
    total, share = (
        np.asarray(cv2.resize(plane, shape[::-1], interpolation=means), np.float32) for plane in (shown * there, there)
    )
    return _Small(ratio(total, share), share, pitch)


def _lit(small: _Small) -> tuple[Plane, Plane]:
    """How bright each point is under the light, 0 to 1, and how much of it was measured.

    Beside what is missing a slope is not known: there it counts as level, else every hole had a cliff around it.
    """
    solid = (small.share > _MEASURED).astype(np.uint8)
    inside = cv2.erode(solid, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    slopes = [np.zeros_like(small.values) for _ in range(2)]
    for axis, slope in enumerate(slopes):
        if small.values.shape[axis] > 1:
            slope[:] = np.gradient(small.values, small.pitch, axis=axis)
        if inside.any():
            slope -= np.median(slope[inside])  # tilt would darken all of it
        slope *= inside
    slope_y, slope_x = slopes
    steepness = np.hypot(slope_y, slope_x)
    typical = float(np.median(steepness[inside])) if inside.any() else _LEAST_SLOPE
    gain = _TYPICAL_SLOPE / max(typical, _LEAST_SLOPE)
    x, y, z = _LIGHT_FROM
    facing = (z - gain * (slope_x * x + slope_y * y)) / np.sqrt(1.0 + np.square(gain * steepness))
    return np.asarray(_DARKEST + (1.0 - _DARKEST) * facing, np.float32), small.share


def _written(brightness: Plane, share: Plane) -> bytes:
    grey, there = (
        np.rint(np.clip(plane, 0.0, 1.0) * 255.0).astype(np.uint8) for plane in (brightness, share / _MEASURED)
    )
    stream = io.BytesIO()
    Image.merge("RGBA", [*[Image.fromarray(grey)] * 3, Image.fromarray(there)]).save(
        stream, "WEBP", quality=_QUALITY, method=_FASTEST
    )
    return stream.getvalue()
