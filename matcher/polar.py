"""The search for a mark's place on another: all rotations and all shifts at once, for any part of a mark.

In polar coordinates around a centre a rotation is a shift along the angle, and the correlation at all rotations is one
Fourier product a ring. The moving scan is sampled around every centre of a grid of shifts, the fixed one around its
own; what is left for a pair is a product of small matrices for each harmonic, and one transform back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.clean import COARSE_POINTS
from matcher.plane import Plane, blurred, interpolated

Code = tuple[NDArray[np.complex64], ...]
"""A scan's circles, Fourier transformed: (harmonics, centres, rings) for each block of harmonics, without the rings
that are too small for them."""
_HARMONICS_A_BLOCK = 16
_AREA_RINGS, _AREA_DIRECTIONS = 4, 8
"""What was measured varies slowly: its overlap is computed on every fourth ring, in every eighth direction, from the
nearest points."""
_WIDENED = 3
"""Interpolated once to a third of the spacing, the nearest point is near enough, and found much faster."""
_SMOOTHING = 0.45
"""In grid points: takes off what is finer than circles and centres are apart."""
_NO_FRACTIONS = np.empty(0, np.uint16)
_NEAR_DIRECTIONS, _NEAR_STEPS = 3, 2.0
"""Rotations and shifts this close to a peak belong to it."""


@dataclass(frozen=True)
class PolarGrid:
    """Where the search samples, in points of the coarse grid (25 um for a breech face).

    Rings from ``first_radius`` on, ``ring_step`` apart; ``directions`` around; centres of the moving scan on a
    triangular grid of ``shift_step`` within ``reach``; waves along a ring shorter than ``shortest_wave`` are left out.
    """

    reach: float
    first_radius: float = 10.0
    last_radius: float = 77.0
    ring_step: float = 1.4
    directions: int = 400
    shift_step: float = 1.45
    shortest_wave: float = 2.6

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
    """A scan as the search sees it: the codes of its marks and of its measured area, and that area in grid points."""

    marks: Code
    area: Code
    total: float


def fixed_code(signal: Plane, weights: Plane, grid: PolarGrid) -> PolarCode:
    """Sample a scan around its own centre. ``signal``: flattened heights times ``weights``, both float32 (n, n)."""
    marks, area = _sampling(grid, many=False, area=False), _sampling(grid, many=False, area=True)
    return PolarCode(marks.code(signal), area.code(weights), float(weights.sum()))


def moving_code(signal: Plane, weights: Plane, grid: PolarGrid) -> PolarCode:
    """Sample a scan around every centre of the grid: some ten milliseconds, once for all that it is compared with."""
    marks, area = _sampling(grid, many=True, area=False), _sampling(grid, many=True, area=True)
    return PolarCode(marks.code(signal), area.code(weights), float(weights.sum()))


def search(moving: PolarCode, fixed: PolarCode, grid: PolarGrid, min_overlap: float, count: int) -> list[Place]:
    """The ``count`` places where two scans agree best, best first; fewer where they overlap too little everywhere.

    1. Correlate the marks, and the measured areas, at all rotations and shifts.
    2. Agreement = correlation x sqrt(shared area): flattened heights have the same variance everywhere, so that
       the shared area stands for both energies. 0 where less than ``min_overlap`` of the smaller mark is shared.
    3. Take the highest peaks.
    """
    # 1.
    marks, area = _sampling(grid, many=True, area=False), _sampling(grid, many=True, area=True)
    products, shared = marks.correlations(moving.marks, fixed.marks), area.correlations(moving.area, fixed.area)

    # 2.
    least = max(min_overlap * min(moving.total, fixed.total), 1.0)
    scale = np.where(shared >= least, 1.0 / np.sqrt(np.maximum(shared, np.float32(1.0))), np.float32(0))
    agreement = (products.reshape(*scale.shape, -1) * scale[..., None]).reshape(products.shape)

    # 3.
    places: list[Place] = []
    while len(places) < count:
        centre, direction = divmod(int(agreement.argmax()), grid.directions)
        height = float(agreement[centre, direction])
        if height <= 0.0:
            break
        common = float(shared[centre, direction // _AREA_DIRECTIONS])
        places.append(_place(height, common, direction * 360.0 / grid.directions, grid.shifts[centre]))
        around = np.arange(direction - _NEAR_DIRECTIONS, direction + _NEAR_DIRECTIONS + 1) % grid.directions
        near = np.hypot(*(grid.shifts - grid.shifts[centre]).T) <= _NEAR_STEPS * grid.shift_step
        agreement[np.ix_(near, around)] = 0.0
    return places


def _place(agreement: float, shared: float, rotation_deg: float, centre: NDArray[np.float64]) -> Place:
    """The moving scan was sampled around ``centre`` (y, x): that point comes to lie on the fixed scan's centre."""
    cosine, sine = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    y, x = -centre
    return Place(agreement, shared, rotation_deg, (float(y * cosine + x * sine), float(x * cosine - y * sine)))


@dataclass(frozen=True)
class _Sampling:
    """Samples circles around ``centres`` and transforms them. ``blocks``: harmonics from, to, and the first ring."""

    points: NDArray[np.int16]
    widening: int
    gain: Plane
    centres: int
    directions: int
    blocks: tuple[tuple[int, int, int], ...]
    phase: NDArray[np.complex64]

    def code(self, plane: Plane) -> Code:
        if self.widening > 1:
            smooth = blurred(plane, (_SMOOTHING, _SMOOTHING))
            plane = interpolated(smooth, (self.widening * len(plane), self.widening * len(plane)))
        circles = np.asarray(cv2.remap(plane, self.points, _NO_FRACTIONS, cv2.INTER_NEAREST), np.float32)
        circles *= self.gain
        # a packed row: the mean, then real and imaginary part of each harmonic
        packed = cv2.dft(circles, flags=cv2.DFT_ROWS).reshape(self.centres, -1, self.directions)
        code = []
        for first, end, ring in self.blocks:
            parts = [packed[:, ring:, max(2 * first - 1, 1) : 2 * end - 1].view(np.complex64).transpose(2, 0, 1)]
            if first == 0:
                parts.insert(0, packed[None, :, ring:, 0].astype(np.complex64))
            code.append(np.ascontiguousarray(np.concatenate(parts)))
        return tuple(code)

    def correlations(self, moving: Code, fixed: Code) -> Plane:
        """(centres, directions): the correlation of the circles at each rotation of the moving scan."""
        packed = np.zeros((self.centres, self.directions), np.float32)
        for (first, end, _), many, one in zip(self.blocks, moving, fixed, strict=True):
            turned = np.conj(one[:, 0] * self.phase[first:end, None])
            product = np.conj(np.matmul(many, turned[:, :, None])[:, :, 0].T)
            if first == 0:
                packed[:, 0] = product[:, 0].real
            harmonics = np.ascontiguousarray(product[:, 1 if first == 0 else 0 :])
            packed[:, max(2 * first - 1, 1) : 2 * end - 1] = harmonics.view(np.float32)
        return np.asarray(cv2.idft(packed, flags=cv2.DFT_ROWS | cv2.DFT_SCALE), np.float32)


@cache
def _sampling(grid: PolarGrid, *, many: bool, area: bool) -> _Sampling:
    radii = grid.radii[:: _AREA_RINGS if area else 1]
    directions = grid.directions // (_AREA_DIRECTIONS if area else 1)
    centres = grid.shifts if many else np.zeros((1, 2))
    angle = 2.0 * np.pi * np.arange(directions) / directions
    middle = (COARSE_POINTS - 1) / 2
    rows = middle + centres[:, 0, None, None] + radii[:, None] * np.sin(angle)
    columns = middle + centres[:, 1, None, None] + radii[:, None] * np.cos(angle)
    widening = 1 if area else _WIDENED
    widened = (np.stack([columns, rows], axis=-1) + 0.5) * widening - 0.5
    points = np.rint(widened).astype(np.int16).reshape(-1, directions, 2)

    # each sample stands for its share of the area, of which each scan's code carries the root
    step = grid.ring_step * (_AREA_RINGS if area else 1)
    gain = np.sqrt(radii * step * 2.0 * np.pi / directions).astype(np.float32)
    highest = np.minimum(2.0 * np.pi * radii / grid.shortest_wave, (directions - 1) // 2).astype(np.intp)
    end = int(highest.max()) + 1
    blocks = tuple(
        (first, min(first + _HARMONICS_A_BLOCK, end), int(np.argmax(highest >= first)))
        for first in range(0, end, _HARMONICS_A_BLOCK)
    )
    # an area's direction stands for the middle of its eight
    turn = 2.0 * np.pi * (_AREA_DIRECTIONS - 1) / 2 / grid.directions if area else 0.0
    phase = np.exp(1j * turn * np.arange(end)).astype(np.complex64)
    return _Sampling(points, widening, np.tile(gain, len(centres))[:, None], len(centres), directions, blocks, phase)
