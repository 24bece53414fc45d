"""What is kept of a reference specimen's first scan: the heights around its mark, in a bounded number of bytes."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from matcher.errors import ScanNotUsable, ScanRefused
from matcher.mark.level import averaged, require_sampling
from matcher.mark.regions import level_region
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane
from matcher.read.topography import Topography

FINEST_UM: Final = 6.25
"""Finer points are averaged in whole blocks: as every mark is that the matcher compares, and a quarter of the shortest
wave that a check looks at."""
_MAGIC: Final = b"FFPspec1"
_HEADER: Final = struct.Struct("<8s2I3d")
"""Magic, rows, columns, spacing (y, x), micrometres of one step of the heights."""
_MISSING: Final = -32768
_HIGHEST: Final = 32767
_MOST_SIDE: Final = 2048
"""Points along a side: 5 mm in points of 3.125 um are 1600, and blocks of them are never finer."""
_MARGIN_UM: Final = 400.0
"""Kept around the region's aperture: the mark is found on it again, with the edge by which it is found."""
_FARTHEST_UM: Final = 500.0
"""From the median: what lies farther is no part of a mark, and would make the steps of all heights coarse."""


@dataclass(frozen=True, eq=False)
class ReferenceMap:
    """Heights around the mark of a specimen, as they are kept and compared.

    ``topography``: points between 3.1 and 6.25 um apart where the scan had them so fine, NaN where none was measured,
    from the field's median. ``to_bytes`` and ``from_bytes`` lose nothing: heights are rounded to steps of 16 bits
    (a few nanometres) when the map is made.
    """

    topography: Topography
    step_um: float

    def to_bytes(self) -> bytes:
        heights = self.topography.heights_um
        missing = np.isnan(heights)
        steps = np.rint(np.where(missing, np.float32(0), heights) / np.float32(self.step_um)).astype("<i2")
        steps[missing] = _MISSING
        header = _HEADER.pack(_MAGIC, *heights.shape, *self.topography.spacing_um, self.step_um)
        return header + zlib.compress(steps.tobytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> ReferenceMap:
        """Raises ``ScanRefused``, "reference-damaged", for anything but what ``to_bytes`` wrote."""
        if len(data) < _HEADER.size or data[: len(_MAGIC)] != _MAGIC:
            raise _damaged("is none of this version")
        _, rows, columns, *spacing, step = _HEADER.unpack_from(data)
        positive = all(math.isfinite(value) and value > 0.0 for value in (*spacing, step))
        if not (0 < rows <= _MOST_SIDE and 0 < columns <= _MOST_SIDE and positive):
            raise _damaged("states a size that none has")
        unpack = zlib.decompressobj()
        try:
            content = unpack.decompress(data[_HEADER.size :], 2 * rows * columns + 1)
        except zlib.error as error:
            raise _damaged("cannot be unpacked") from error
        if len(content) != 2 * rows * columns or not unpack.eof:
            raise _damaged("is not as long as it states")
        steps = np.frombuffer(content, "<i2").reshape(rows, columns)
        return cls(_topography(steps, (spacing[0], spacing[1]), step), step)


def map_of(topography: Topography, parameters: Parameters) -> ReferenceMap:
    """The part of a scan that a check looks at.

    1. Average to points no finer than ``FINEST_UM``; find the mark of the region.
    2. Keep a square around the mark's centre, a little wider than the region's aperture.
    3. Round the heights to steps of 16 bits.
    Raises ``ScanNotUsable`` where no mark of this region is found.
    """
    # 1.
    require_sampling(topography, parameters.coarsest_usable_um)
    heights, weights, spacing, origin = averaged(topography, FINEST_UM)
    mark = level_region(topography, parameters)
    centre = [a + b - c for a, b, c in zip(mark.origin_um, mark.centre_um, origin, strict=True)]

    # 2.
    half = parameters.aperture_diameter_um / 2.0 + _MARGIN_UM
    window = tuple(
        slice(max(0, round((middle - half) / step)), max(0, round((middle + half) / step)) + 1)
        for middle, step in zip(centre, spacing, strict=True)
    )
    kept, measured = heights[window], weights[window] > 0.5
    if not measured.any():
        raise ScanNotUsable("not usable: nothing was measured around the mark; scan the whole mark")

    # 3.
    above = kept - np.float32(np.median(kept[measured]))
    measured &= np.abs(above) <= _FARTHEST_UM
    step = max(float(np.abs(above[measured]).max()) / _HIGHEST, 1e-6) if measured.any() else 1e-6
    steps = np.where(measured, np.rint(above / np.float32(step)), np.float32(_MISSING)).astype("<i2")
    return ReferenceMap(_topography(steps, spacing, step), step)


def _topography(
    steps: np.ndarray[tuple[int, int], np.dtype[np.int16]], spacing: tuple[float, float], step: float
) -> Topography:
    heights: Plane = np.where(steps == _MISSING, np.float32(np.nan), steps.astype(np.float32) * np.float32(step))
    heights.flags.writeable = False
    return Topography(heights, spacing)


def _damaged(why: str) -> ScanRefused:
    return ScanRefused("reference-damaged", f"The kept reference {why}: check the backup, or begin a new series.")
