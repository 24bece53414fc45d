"""Scans in polar coordinates, as the polar column needs them.

Around a centre a rotation is a shift along the angle, and the correlation at all rotations is one Fourier product a
ring. The moving scan, the query, is sampled around every centre of a grid of shifts, once for a whole gallery; a
reference around its own centre only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.mark.clean import COARSE_POINTS
from matcher.numeric.plane import Plane, blurred, interpolated

_AREA_RINGS, _AREA_DIRECTIONS = 4, 8
"""What was measured varies slowly: its overlap is computed on every fourth ring, in every eighth direction."""
_WIDENED = 3
"""Interpolated once to a third of the spacing, the nearest point is near enough, and found much faster."""
_SMOOTHING = 0.45
"""In grid points: takes off what is finer than circles and centres are apart."""
_DIRECTIONS_A_WAVE = 2.06
"""Of the shortest wave that is kept of a ring; the moving scan's rings have no more directions than that needs."""
_DIRECTIONS_STEP = 64
"""Rows of such lengths transform fast, and hold whole blocks of harmonics."""
_NO_FRACTIONS = np.empty(0, np.uint16)


@dataclass(frozen=True)
class PolarGrid:
    """Where scans are sampled, in points of the coarse grid (25 um for a breech face).

    Rings from ``first_radius`` on, ``ring_step`` apart; ``directions`` around; centres of the moving scan on a
    triangular grid of ``shift_step`` within ``reach``; waves along a ring shorter than ``shortest_wave`` are left out.

    Codes are rounded to whole numbers within ``limit``: of marks and of areas, of the moving and of the fixed scan, by
    their scale. A fixed scan's fit into a byte, and sums of products of two such numbers stay below 2^24, exact in
    float32 in any order: a pair's correlation is the same to the last bit whatever other pairs share a matrix product,
    on any processor.
    """

    reach: float
    first_radius: float = 10.0
    last_radius: float = 77.0
    ring_step: float = 2.4
    directions: int = 240
    shift_step: float = 2.2
    shortest_wave: float = 4.2
    moving_scale: float = 4.0
    fixed_scale: float = 1.0
    moving_area_scale: float = 4.0
    fixed_area_scale: float = 1.0 / 32.0
    limit: float = 127.0

    @cached_property
    def radii(self) -> NDArray[np.float64]:
        return np.arange(self.first_radius, self.last_radius, self.ring_step)

    @cached_property
    def shifts(self) -> NDArray[np.float64]:
        """(n, 2): (y, x) of the centres, in reading order."""
        height = self.shift_step * math.sqrt(0.75)
        count = int(self.reach / height) + 1
        row, column = (axis.ravel() for axis in np.mgrid[-count : count + 1, -count : count + 1])
        centres = np.stack([row * height, (column + row % 2 / 2) * self.shift_step], axis=1)
        return np.asarray(centres[np.hypot(*centres.T) <= self.reach])


@dataclass(frozen=True)
class PolarCode:
    """A scan's marks, its measured area, and that area in grid points.

    Both as Fourier transforms of circles, whole numbers in float32: of a moving scan (harmonics, rings, 2, centres),
    real and imaginary parts, without meaning where a ring is too small for a harmonic; of a fixed one (harmonics,
    2 rings), real and imaginary part of each ring.
    """

    marks: Plane
    area: Plane
    total: float


def fixed_code(signal: Plane, weights: Plane, grid: PolarGrid) -> PolarCode:
    """Sample a scan around its own centre. ``signal``: flattened heights times ``weights``, both float32 (n, n)."""
    marks, area = _circles(grid, area=False), _circles(grid, area=True)
    return PolarCode(marks.fixed(signal), area.fixed(weights), float(weights.sum()))


def moving_code(signal: Plane, weights: Plane, grid: PolarGrid) -> PolarCode:
    """Sample a scan around every centre of the grid: some milliseconds, once for all that it is compared with."""
    marks, area = _circles(grid, area=False), _circles(grid, area=True)
    return PolarCode(marks.moving(signal), area.moving(weights), float(weights.sum()))


@dataclass(frozen=True)
class _Circles:
    """Samples circles and transforms them.

    ``around_centres``: for each ring the sampled points (x, y) of the widened grid around each centre, (centres,
    directions, 2); ``around_middle``: x and y of those of the grid around its middle, (rings, directions);
    ``factors``: what a harmonic of each ring counts in a correlation, (harmonics, rings), times the fixed scan's scale.
    """

    around_centres: tuple[NDArray[np.int16], ...]
    around_middle: tuple[Plane, Plane]
    factors: NDArray[np.complex64]
    moving_scale: float
    limit: float

    def moving(self, plane: Plane) -> Plane:
        harmonics, rings = self.factors.shape
        centres = len(self.around_centres[0])
        smooth = _smoothed(plane) * np.float32(self.moving_scale)
        widened = interpolated(smooth, (_WIDENED * len(plane), _WIDENED * len(plane)))
        code = np.empty((harmonics, rings, 2, centres), np.float32)
        for ring, points in enumerate(self.around_centres):
            circles = cv2.remap(widened, points, _NO_FRACTIONS, cv2.INTER_NEAREST)
            # of each circle the mean, then real and imaginary part of each harmonic
            transformed = np.asarray(cv2.dft(circles, flags=cv2.DFT_ROWS), np.float32)
            packed = np.asarray(cv2.transpose(self._whole(transformed)), np.float32)
            end = min(harmonics, len(packed) // 2)
            code[0, ring, 0], code[0, ring, 1] = packed[0], 0.0
            code[1:end, ring] = packed[1 : 2 * end - 1].reshape(-1, 2, centres)
        return code

    def fixed(self, plane: Plane) -> Plane:
        circles = cv2.remap(_smoothed(plane), *self.around_middle, cv2.INTER_LINEAR)
        packed = np.asarray(cv2.dft(circles, flags=cv2.DFT_ROWS), np.float32)
        packed = np.concatenate([packed[:, :1], np.zeros_like(packed[:, :1]), packed[:, 1:]], axis=1)
        harmonics = packed[:, : 2 * len(self.factors)].view(np.complex64).T * self.factors
        return self._whole(np.ascontiguousarray(harmonics).view(np.float32))

    def _whole(self, values: Plane) -> Plane:
        """The same memory, rounded and within the limit."""
        np.rint(values, out=values)
        return np.asarray(np.clip(values, -self.limit, self.limit, out=values), np.float32)


@cache
def _circles(grid: PolarGrid, *, area: bool) -> _Circles:
    radii = grid.radii[:: _AREA_RINGS if area else 1]
    directions = grid.directions // (_AREA_DIRECTIONS if area else 1)
    highest = np.minimum(2.0 * np.pi * radii / grid.shortest_wave, (directions - 1) // 2).astype(np.intp)
    counts = np.minimum(np.ceil(_DIRECTIONS_A_WAVE * highest / _DIRECTIONS_STEP) * _DIRECTIONS_STEP, directions)
    # two sums over directions and the mean over rotations, to the integral over the ring's share of the area
    step = grid.ring_step * (_AREA_RINGS if area else 1)
    share = 2.0 * np.pi * radii * step / counts
    # an area's direction stands for the middle of its eight
    turn = 2.0 * np.pi * (_AREA_DIRECTIONS - 1) / 2 / grid.directions if area else 0.0
    factors = share * np.exp(1j * turn * np.arange(int(highest.max()) + 1))[:, None]
    around_centres = tuple(
        np.rint((_points(grid.shifts, radius, int(count)) + 0.5) * _WIDENED - 0.5).astype(np.int16)
        for radius, count in zip(radii, counts, strict=True)
    )
    middle = np.concatenate([_points(np.zeros((1, 2)), radius, directions) for radius in radii]).astype(np.float32)
    around_middle = np.ascontiguousarray(middle[..., 0]), np.ascontiguousarray(middle[..., 1])
    fixed_scale = grid.fixed_area_scale if area else grid.fixed_scale
    return _Circles(
        around_centres,
        around_middle,
        (fixed_scale * factors).astype(np.complex64),
        grid.moving_area_scale if area else grid.moving_scale,
        grid.limit,
    )


def _smoothed(plane: Plane) -> Plane:
    return blurred(plane, (_SMOOTHING, _SMOOTHING))


def _points(centres: NDArray[np.float64], radius: float, directions: int) -> NDArray[np.float64]:
    """(centres, directions, 2): column and row of the points of a circle around each centre."""
    angle, middle = 2.0 * np.pi * np.arange(directions) / directions, (COARSE_POINTS - 1) / 2
    rows = middle + centres[:, :1] + radius * np.sin(angle)
    columns = middle + centres[:, 1:] + radius * np.cos(angle)
    return np.stack([columns, rows], axis=-1)
