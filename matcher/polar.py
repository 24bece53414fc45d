"""The search for a mark's place on another: all rotations and all shifts at once, for any part of a mark.

In polar coordinates around a centre a rotation is a shift along the angle, and the correlation at all rotations is one
Fourier product a ring. The moving scan is sampled around every centre of a grid of shifts, the fixed one around its
own; what is left for a pair is a product of small matrices for each harmonic, and one transform back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.clean import COARSE_POINTS
from matcher.plane import Plane, blurred, interpolated

_HARMONICS_A_BLOCK = 16
"""Are multiplied with the same rings: all that are large enough for the lowest of them."""
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
_AT_ONCE = 8
"""Fixed scans: more share the moving scan's code no better, and what comes of it leaves the processor's cache."""
_NO_FRACTIONS = np.empty(0, np.uint16)
_NEAR_DIRECTIONS, _NEAR_STEPS = 3, 2.0
"""Rotations and shifts this close to a peak belong to it."""


@dataclass(frozen=True)
class PolarGrid:
    """Where the search samples, in points of the coarse grid (25 um for a breech face).

    Rings from ``first_radius`` on, ``ring_step`` apart; ``directions`` around; centres of the moving scan on a
    triangular grid of ``shift_step`` within ``reach``; waves along a ring shorter than ``shortest_wave`` are left out.

    Codes are rounded to whole numbers within ``limit``: of marks and of areas, of the moving and of the fixed scan, by
    their scale; ten deviations of a harmonic, and the mean of a wholly measured ring, stay within. Sums of 2 x 48
    products of two such numbers stay below 2^24, exact in float32 in any order: a pair's correlation is the same to the
    last bit whatever other pairs share a matrix product, on any processor.
    """

    reach: float
    first_radius: float = 10.0
    last_radius: float = 77.0
    ring_step: float = 1.4
    directions: int = 384
    shift_step: float = 1.45
    shortest_wave: float = 2.6
    moving_scale: float = 8.0
    fixed_scale: float = 4.0
    moving_area_scale: float = 8.0
    fixed_area_scale: float = 1.0 / 8.0
    limit: float = 400.0

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
class Place:
    """A proposed registration: turn the moving scan by ``rotation_deg``, then shift it by (y, x) grid points.

    ``agreement``: correlation x square root of the shared area in grid points, which is about by how many standard
    deviations the agreement stands out from that of unrelated surfaces; ``shared``: that area.
    """

    agreement: float
    shared: float
    rotation_deg: float
    shift_points: tuple[float, float]


@dataclass(frozen=True)
class PolarCode:
    """A scan as the search sees it: its marks, its measured area, and that area in grid points.

    Both as Fourier transforms of circles, whole numbers in float32: of a moving scan (harmonics, rings, 2, centres),
    real and imaginary parts, without meaning where a ring is too small for a harmonic; of a fixed one (harmonics, 2,
    2 rings), the factors of those parts that give the real and the imaginary part of the correlation.
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


def search(
    moving: PolarCode, fixed: Sequence[PolarCode], grid: PolarGrid, min_overlap: float, count: int
) -> list[list[Place]]:
    """The ``count`` places where each fixed scan agrees best with the moving one, best first; fewer where they overlap
    too little everywhere.

    1. Correlate the marks, and the measured areas, at all rotations and shifts.
    2. Agreement = correlation x sqrt(shared area): flattened heights have the same variance everywhere, so that
       the shared area stands for both energies. 0 where less than ``min_overlap`` of the smaller mark is shared.
    3. Take the highest peaks.

    Several at once are faster: what is read most is the moving scan's code.
    """
    found = []
    for start in range(0, len(fixed), _AT_ONCE):
        found += _search(moving, fixed[start : start + _AT_ONCE], grid, min_overlap, count)
    return found


def _search(
    moving: PolarCode, fixed: Sequence[PolarCode], grid: PolarGrid, min_overlap: float, count: int
) -> list[list[Place]]:
    # 1.
    marks, area = _circles(grid, area=False), _circles(grid, area=True)
    products = marks.correlations(moving.marks, [code.marks for code in fixed])
    shared = area.correlations(moving.area, [code.area for code in fixed])
    shared *= np.float32(area.unit)

    # 2.
    least = np.array([max(min_overlap * min(moving.total, code.total), 1.0) for code in fixed], np.float32)
    root = np.sqrt(np.maximum(shared, np.float32(1.0)))
    scale = np.where(shared >= least[:, None, None], np.float32(marks.unit) / root, np.float32(0))
    products *= cv2.merge([scale.reshape(-1, scale.shape[2])] * _AREA_DIRECTIONS).reshape(products.shape)

    # 3.
    return [_peaks(*pair, grid, count) for pair in zip(products, shared, strict=True)]


def _peaks(agreement: Plane, shared: Plane, grid: PolarGrid, count: int) -> list[Place]:
    """The highest peaks of (centres, directions), which are taken out one by one."""
    places: list[Place] = []
    while True:
        centre, direction = divmod(int(agreement.argmax()), grid.directions)
        height = float(agreement[centre, direction])
        if height <= 0.0:
            return places
        common = float(shared[centre, direction // _AREA_DIRECTIONS])
        places.append(_place(height, common, direction * 360.0 / grid.directions, grid.shifts[centre]))
        if len(places) == count:
            return places
        around = np.arange(direction - _NEAR_DIRECTIONS, direction + _NEAR_DIRECTIONS + 1) % grid.directions
        near = np.hypot(*(grid.shifts - grid.shifts[centre]).T) <= _NEAR_STEPS * grid.shift_step
        agreement[np.ix_(near, around)] = 0.0


def _place(agreement: float, shared: float, rotation_deg: float, centre: NDArray[np.float64]) -> Place:
    """The moving scan was sampled around ``centre`` (y, x): that point comes to lie on the fixed scan's centre."""
    cosine, sine = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    y, x = -centre
    return Place(agreement, shared, rotation_deg, (float(y * cosine + x * sine), float(x * cosine - y * sine)))


@dataclass(frozen=True)
class _Circles:
    """Samples circles and transforms them.

    ``around_centres``: for each ring the sampled points (x, y) of the widened grid around each centre, (centres,
    directions, 2); ``around_middle``: x and y of those of the grid around its middle, (rings, directions);
    ``factors``: what a harmonic of each ring counts in a correlation, (harmonics, rings), times the fixed scan's scale;
    ``blocks``: harmonics from, to, and the first ring; ``unit``: what one of a product of codes counts.
    """

    around_centres: tuple[NDArray[np.int16], ...]
    around_middle: tuple[Plane, Plane]
    factors: NDArray[np.complex64]
    blocks: tuple[tuple[int, int, int], ...]
    moving_scale: float
    limit: float
    unit: float

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
        # the conjugate of a moving harmonic a + bi times c + di: ac + bd and ad - bc
        return self._whole(np.stack([harmonics, np.complex64(-1j) * harmonics], axis=1).view(np.float32))

    def _whole(self, values: Plane) -> Plane:
        """The same memory, rounded and within the limit."""
        np.rint(values, out=values)
        return np.asarray(np.clip(values, -self.limit, self.limit, out=values), np.float32)

    def correlations(self, moving: Plane, fixed: Sequence[Plane]) -> Plane:
        """(fixed scans, centres, directions): the correlation, in units of the codes, at each rotation of the moving
        scan."""
        harmonics, rings, _, centres = moving.shape
        directions, several = self.around_middle[0].shape[1], len(fixed)
        moving = moving.reshape(harmonics, 2 * rings, centres)
        side_by_side = np.stack(fixed, axis=2).reshape(harmonics, 2 * several, 2 * rings)
        products = np.empty((directions + 1, several * centres), np.float32)
        for first, end, ring in self.blocks:
            out = products[2 * first : 2 * end].reshape(-1, 2 * several, centres)
            np.matmul(side_by_side[first:end, :, 2 * ring :], moving[first:end, 2 * ring :], out=out)
        products[2 * harmonics :] = 0.0
        # the mean has no imaginary part: packed, the first harmonic follows at once
        products[1] = products[0]
        packed = cv2.transpose(products[1:])
        curves = np.asarray(cv2.idft(packed, flags=cv2.DFT_ROWS | cv2.DFT_SCALE), np.float32)
        return curves.reshape(several, centres, directions)


@cache
def _circles(grid: PolarGrid, *, area: bool) -> _Circles:
    radii = grid.radii[:: _AREA_RINGS if area else 1]
    directions = grid.directions // (_AREA_DIRECTIONS if area else 1)
    highest = np.minimum(2.0 * np.pi * radii / grid.shortest_wave, (directions - 1) // 2).astype(np.intp)
    counts = np.minimum(np.ceil(_DIRECTIONS_A_WAVE * highest / _DIRECTIONS_STEP) * _DIRECTIONS_STEP, directions)
    end = int(highest.max()) + 1
    blocks = tuple(
        (first, min(first + _HARMONICS_A_BLOCK, end), int(np.argmax(highest >= first)))
        for first in range(0, end, _HARMONICS_A_BLOCK)
    )
    # two sums over directions and the mean over rotations, to the integral over the ring's share of the area
    step = grid.ring_step * (_AREA_RINGS if area else 1)
    share = 2.0 * np.pi * radii * step / counts
    # an area's direction stands for the middle of its eight
    turn = 2.0 * np.pi * (_AREA_DIRECTIONS - 1) / 2 / grid.directions if area else 0.0
    factors = share * np.exp(1j * turn * np.arange(end))[:, None]
    moving_scale = grid.moving_area_scale if area else grid.moving_scale
    fixed_scale = grid.fixed_area_scale if area else grid.fixed_scale
    around_centres = tuple(
        np.rint((_points(grid.shifts, radius, int(count)) + 0.5) * _WIDENED - 0.5).astype(np.int16)
        for radius, count in zip(radii, counts, strict=True)
    )
    middle = np.concatenate([_points(np.zeros((1, 2)), radius, directions) for radius in radii]).astype(np.float32)
    around_middle = np.ascontiguousarray(middle[..., 0]), np.ascontiguousarray(middle[..., 1])
    return _Circles(
        around_centres,
        around_middle,
        (fixed_scale * factors).astype(np.complex64),
        blocks,
        moving_scale,
        grid.limit,
        1.0 / (moving_scale * fixed_scale),
    )


def _smoothed(plane: Plane) -> Plane:
    return blurred(plane, (_SMOOTHING, _SMOOTHING))


def _points(centres: NDArray[np.float64], radius: float, directions: int) -> NDArray[np.float64]:
    """(centres, directions, 2): column and row of the points of a circle around each centre."""
    angle, middle = 2.0 * np.pi * np.arange(directions) / directions, (COARSE_POINTS - 1) / 2
    rows = middle + centres[:, :1] + radius * np.sin(angle)
    columns = middle + centres[:, 1:] + radius * np.cos(angle)
    return np.stack([columns, rows], axis=-1)
