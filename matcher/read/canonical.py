"""From heights as a file stores them to the one canonical form, and what is possible on a cartridge case at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import MIB

SPACING_RANGE_UM = (0.05, 50.0)
"""From the finest interferometer objective to the coarsest sampling on which striae could still show."""
RELIEF_UM = (0.01, 5_000.0)
"""Between the 5 % and the 95 % highest points: from the noise floor of an instrument to a whole cartridge head."""
ANISOTROPY = 10.0
"""Between the spacings in y and x; real files reach 2.5."""
_SAMPLE_POINTS = 4_096
_ROWS_AT_ONCE = 64
"""Few enough for their float64 intermediates to stay in the processor's cache."""
_LARGE_BYTES = 30 * MIB
"""Just below the largest block whose release moves glibc's dynamic thresholds (mallopt(3), M_MMAP_THRESHOLD)."""
_DEPTH_UM = 50_000.0
"""A point farther than this from the middle of the surface is a sentinel, not a height: no cartridge is so deep."""

Stored = NDArray[Any]
"""Integers or floats as the file holds them, possibly a strided view."""


def sample_heights(z: Stored, invalid: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Up to 4,096 valid heights of a matrix, evenly taken in reading order, as stored.

    Raises ScanRefused: "no-valid-points".
    """
    usable = np.isfinite(z)
    if invalid is not None:
        usable &= ~invalid
    valid = np.flatnonzero(usable)
    if not valid.size:
        raise ScanRefused("no-valid-points", "The file holds no valid point: measure the exhibit again.")
    rows, columns = np.unravel_index(valid[:: -(-valid.size // _SAMPLE_POINTS)], usable.shape)
    return z[rows, columns].astype(np.float64)


def canonical_heights(
    z: Stored, invalid: NDArray[np.bool_] | None, middle: float, factor_um: float, warnings: list[str]
) -> NDArray[np.float32]:
    """Micrometres above ``middle``, float32, shape (rows, columns), read-only, NaN where a point is missing.

    The middle, given as stored, is subtracted in float64: absolute offsets of millimetres would otherwise eat the
    nanometres of a float32. Missing are NaN of any kind, infinities, points that ``invalid`` rules out, and points
    more than 50 mm away.
    """
    _keep_freed_memory()
    heights = np.empty(z.shape, np.float32)
    beyond = 0
    for start in range(0, len(heights), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        block = heights[rows]
        # with a float64 of numpy's the difference of float32 heights is float64; with a float of Python's it is not
        np.multiply(z[rows] - np.float64(middle), factor_um, out=block, casting="same_kind")
        if invalid is not None:
            block[invalid[rows]] = np.nan
        missing = ~(np.abs(block) <= _DEPTH_UM)
        beyond += int(np.count_nonzero(missing)) - int(np.count_nonzero(np.isnan(block)))
        # also where it is NaN already: a NaN may carry bits that a file brought
        block[missing] = np.nan
    if beyond:
        warnings.append(f"{beyond} points infinite or farther than 50 mm from the rest were read as missing.")
    heights.flags.writeable = False
    return heights


def _keep_freed_memory() -> None:
    """Release a large block that was never touched, which takes microseconds.

    Until a process has done so once, glibc hands every freed matrix back to the system, and the next one is given to
    it page by page: a fifth of the time that reading and cleaning a scan takes. Other C libraries do not mind.
    """
    np.empty(_LARGE_BYTES, np.uint8)


def relief(sample: NDArray[np.float64]) -> float:
    """How far the 95 % highest points lie above the 5 % highest, in the unit of the sample."""
    low, high = np.quantile(sample, (0.05, 0.95))
    return float(high - low)
