"""The search for a mark's place on another: all rotations and all shifts at once, for any part of a mark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.areal.waves import ShiftRings, Spectrum, Waves
from matcher.numeric.plane import Complex, Plane

DIRECTIONS = 384
"""Rotations, 0.9 degrees apart: at the rim of a mark two neighbours lie half of the shortest wave apart."""
SHIFT_STEP = 1.4
"""Grid points between rings of shifts: no place lies farther from one of them than a third of the shortest wave."""
_RADIUS = 78.0
"""Grid points: that of the working grids' aperture."""
MARKS = Spectrum(
    lowest=2.0 * math.pi / 22.0,
    highest=2.0 * math.pi / 2.8,
    step=math.pi / _RADIUS,
    circle_step=1.4,
    radius=_RADIUS,
    directions=DIRECTIONS,
)
"""All waves of the band. The step keeps apart what lies within one mark; circles are half of a shortest wave apart."""
AREA_DIRECTIONS = 8
AREA = Spectrum(
    lowest=0.0,
    highest=2.0 * math.pi / 14.0,
    step=0.025,
    circle_step=2.8,
    radius=_RADIUS,
    directions=DIRECTIONS // AREA_DIRECTIONS,
)
"""What both scans measured varies slowly: its shared area is computed at the middle of every eight rotations."""
_NEAR_DIRECTIONS, _NEAR_POINTS = 3, 2.5
"""Rotations and shifts this close to a peak belong to it."""
_COMMON_POINTS = 8.0
"""Nineteen in twenty centres of whole marks lie no farther from each other: 200 um on a breech face."""
_BY_CHANCE = 5.0
"""The agreement that unrelated marks reach somewhere."""


@dataclass(frozen=True)
class ProposedPose:
    """A proposed registration: turn the moving scan by ``rotation_deg``, then shift it by (y, x) grid points.

    ``agreement``: correlation x square root of the shared area in grid points, which is about by how many standard
    deviations the agreement stands out from that of unrelated surfaces; ``shared``: that area.
    """

    agreement: float
    shared: float
    rotation_deg: float
    shift_points: tuple[float, float]


@dataclass(frozen=True)
class SearchCode:
    """A scan as the search sees it, moving or fixed: waves of its marks and of its measured area, and that area in
    grid points."""

    marks: Complex
    area: Complex
    total: float


@dataclass(frozen=True)
class SearchWaves:
    """All that one reach needs, for every scan. ``near``: for each shift those that belong to the same peak;
    ``likely``: what an agreement by chance is to count there."""

    marks: Waves
    area: Waves
    shifts: tuple[tuple[float, float], ...]
    near: tuple[NDArray[np.intp], ...]
    likely: Plane


def search_code(signal: Plane, weights: Plane, reach: float) -> SearchCode:
    """``signal``: flattened heights times ``weights``, both float32 (n, n); ``reach``: see ``search_poses``."""
    waves = search_waves(reach)
    return SearchCode(waves.marks.harmonics(signal), waves.area.harmonics(weights), float(weights.sum()))


def search_poses(
    moving: SearchCode, fixed: SearchCode, reach: float, min_overlap: float, count: int
) -> list[ProposedPose]:
    """The ``count`` places where two scans agree best, best first; fewer where they overlap too little everywhere.

    1. Correlate the marks, and the measured areas, at all rotations and at shifts of up to ``reach`` grid points.
    2. Agreement = correlation x sqrt(shared area): flattened heights have the same variance everywhere, so that
       the shared area stands for both energies. 0 where less than ``min_overlap`` of the smaller mark is shared.
    3. Take the highest peaks, where a distance of the centres that is common counts for a little (``_likelihood``).
    """
    # 1.
    waves = search_waves(reach)
    agreement = waves.marks.correlations(moving.marks, fixed.marks)
    shared = waves.area.correlations(moving.area, fixed.area)
    shared -= np.float32(waves.area.zero_wave * moving.total * fixed.total)

    # 2.
    least = np.float32(max(min_overlap * min(moving.total, fixed.total), 1.0))
    scale = np.where(shared >= least, np.float32(1.0) / np.sqrt(np.maximum(shared, least)), np.float32(0.0))
    scale *= waves.likely[:, None]
    agreement *= cv2.merge([scale] * AREA_DIRECTIONS).reshape(agreement.shape)

    # 3.
    return _peaks(agreement, shared, waves, count)


def _peaks(agreement: Plane, shared: Plane, waves: SearchWaves, count: int) -> list[ProposedPose]:
    """The highest peaks of (shifts, directions), which are taken out one by one."""
    places: list[ProposedPose] = []
    while len(places) < count:
        shift, direction = divmod(int(agreement.argmax()), DIRECTIONS)
        height = float(agreement[shift, direction] / waves.likely[shift])
        if height <= 0.0:
            break
        common = float(shared[shift, direction // AREA_DIRECTIONS])
        places.append(ProposedPose(height, common, direction * 360.0 / DIRECTIONS, waves.shifts[shift]))
        around = np.arange(direction - _NEAR_DIRECTIONS, direction + _NEAR_DIRECTIONS + 1) % DIRECTIONS
        agreement[np.ix_(waves.near[shift], around)] = 0.0
    return sorted(places, key=lambda place: -place.agreement)


@cache
def search_waves(reach: float) -> SearchWaves:
    rings = ShiftRings.within(reach, SHIFT_STEP)
    shifts = rings.shifts
    apart = np.hypot(*(shifts[:, None] - shifts).transpose(2, 0, 1))
    middle_of_eight = (AREA_DIRECTIONS - 1) / 2 * 360.0 / DIRECTIONS
    return SearchWaves(
        Waves(MARKS, rings),
        Waves(AREA, rings, middle_of_eight),
        tuple((float(y), float(x)) for y, x in shifts),
        tuple(np.flatnonzero(row <= _NEAR_POINTS) for row in apart),
        _likelihood(np.hypot(*shifts.T), _COMMON_POINTS),
    )


def _likelihood(distance: NDArray[np.float64], common: float) -> Plane:
    """What an agreement by chance at such distances of two centres is to count, beside one at distance 0.

    Of the distance's density, which falls with its cube beyond the common one, the logarithm is taken off half of the
    squared agreement that chance reaches: so an agreement there is as likely as a lower one at the centre. What stands
    out from chance stands out at any distance.
    """
    off = 3.0 * np.log1p(np.square(distance / common)) / _BY_CHANCE**2
    return np.sqrt(np.maximum(1.0 - off, 0.0)).astype(np.float32)
