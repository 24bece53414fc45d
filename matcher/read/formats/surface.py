"""What the readers of instrument formats share: bounds on the matrix, plausible units, the canonical form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.canonical import (
    ANISOTROPY,
    RELIEF_UM,
    SPACING_RANGE_UM,
    Stored,
    canonical_heights,
    relief,
    sample_heights,
)
from matcher.read.origin import Origin
from matcher.read.topography import Topography

Y_DIRECTION = (
    "This format does not say which way y runs: rows were taken in the order of the file, as in x3p. Check it once "
    "for each instrument by comparing a scan with its own export as x3p: a mirrored scan agrees with none."
)


def check_shape(rows: int, columns: int, limits: Limits) -> None:
    """Raises ScanRefused: "dimensions-out-of-range", "profile-not-surface"; call it before anything is allocated."""
    sides_fit = all(0 < side <= limits.side_points for side in (rows, columns))
    if not sides_fit or rows * columns > limits.points:
        raise ScanRefused(
            "dimensions-out-of-range",
            f"The file states {columns} x {rows} points; sides from 1 to {limits.side_points} and {limits.points} "
            "points in all are read.",
        )
    if min(rows, columns) < 2:
        raise ScanRefused("profile-not-surface", "The file holds a single line: send the scan of the whole surface.")


# signalling NaN and sentinels like 1e38 raise floating-point flags; what comes of them is judged by its value
@np.errstate(invalid="ignore", over="ignore")
def to_topography(
    z: Stored,
    invalid: NDArray[np.bool_] | None,
    factor_um: float,
    spacing_um: tuple[float, float],
    warnings: list[str],
    origin: Origin,
    *,
    y_direction: str = Y_DIRECTION,
    or_micrometres: bool = False,
) -> Topography:
    """The canonical surface of a matrix of stored heights, shape (rows, columns), the smallest y first as far as known.

    1. Refuse spacings and reliefs that cannot be on a cartridge case: the unit, then, is not what the file says.
    2. Bring the heights to their canonical form, relative to their median.
    3. Say on what the direction of y rests, by default that the format leaves it open.

    ``invalid`` is True where a point is missing, None where NaN alone says so. ``factor_um`` makes micrometres of
    stored heights; ``spacing_um`` is (y, x). ``or_micrometres``: some programs write micrometres instead, and the
    relief tells which.

    Raises ScanRefused: "spacing-out-of-range", "implausible-units", "no-valid-points".
    """
    _check_spacing(spacing_um)
    sample = sample_heights(z, invalid)
    stored_relief = relief(sample)
    if or_micrometres and not _is_relief(stored_relief * factor_um) and _is_relief(stored_relief):
        factor_um = 1.0
        warnings.append("Heights are read as micrometres: as metres their relief is impossible.")
    relief_um = stored_relief * factor_um
    if not _is_relief(relief_um):
        raise ScanRefused(
            "implausible-units",
            f"By the units of the file its heights range over {relief_um:g} um, which is no possible relief: export "
            "the scan with its real height scale.",
        )
    heights = canonical_heights(z, invalid, float(np.median(sample)), factor_um, warnings)
    warnings.append(y_direction)
    return Topography(heights, spacing_um, tuple(dict.fromkeys(warnings)), origin.instrument, origin=origin)


def _is_relief(relief_um: float) -> bool:
    return RELIEF_UM[0] <= relief_um <= RELIEF_UM[1]


def _check_spacing(spacing_um: tuple[float, float]) -> None:
    if not all(0 < step < math.inf for step in spacing_um) or max(spacing_um) > ANISOTROPY * min(spacing_um):
        raise ScanRefused(
            "spacing-out-of-range",
            f"Points are stated to be {spacing_um[0]:g} um apart in y and {spacing_um[1]:g} um in x: no instrument "
            "samples like that.",
        )
    if not all(SPACING_RANGE_UM[0] <= step <= SPACING_RANGE_UM[1] for step in spacing_um):
        raise ScanRefused(
            "implausible-units",
            f"Points are stated to be {spacing_um[0]:g} um apart in y and {spacing_um[1]:g} um in x, which is too fine "
            "or too coarse for a cartridge case: export the scan with its real lateral scale.",
        )
