"""Congruent cells: the small areas of one mark that are found again on the other, at one common place.

The method of congruent matching cells (doi:10.1016/j.forsciint.2012.09.002), after the fine registration:
each cell then has to be searched for over a few hundredths of a millimetre only, and at so few displacements
sums of products are faster than Fourier transforms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from matcher.areal.prepared import Prepared
from matcher.areal.registration import Registration, energy_of
from matcher.mark.clean import FINE_POINTS
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, area_means, halved, moved, upsampling


@dataclass(frozen=True)
class CellFinding:
    """One cell of the fixed scan and where its content was found on the registered moving scan.

    ``row``, ``column``: on the grid of cells; ``centre_um``: (y, x) from the fixed scan's centre;
    ``displacement_um``: (y, x), from the cell to where the moving scan shows its content;
    ``correlation``: there, 0 to 1, 0 also where the moving scan shows too little; ``congruent``: it agrees well,
    and with the consensus.
    """

    row: int
    column: int
    centre_um: tuple[float, float]
    displacement_um: tuple[float, float]
    correlation: float
    congruent: bool


@dataclass(frozen=True)
class _Tiling:
    """How the fine grid is cut: the cell's side, the first one's row and column, how many a side, and how far each is
    searched for; in points of half the resolution, so that everything falls on whole points of both."""

    cell: int
    first: int
    count: int
    reach: int

    @classmethod
    def of(cls, parameters: Parameters) -> _Tiling:
        points = 2.0 * parameters.fine_spacing_um
        cell = max(1, round(parameters.cell_size_um / points))
        count = FINE_POINTS // 2 // cell
        return cls(
            cell, (FINE_POINTS // 2 - count * cell) // 2, count, max(1, round(parameters.cell_search_um / points))
        )


class FineView:
    """A prepared scan's fine grid, ready to be cut into cells (fixed) or to be laid on another (moving)."""

    def __init__(self, prepared: Prepared, parameters: Parameters) -> None:
        self.tiling = _Tiling.of(parameters)
        weights = prepared.fine_weights.astype(np.float32) / np.float32(255)
        heights = prepared.fine.astype(np.float32) * np.float32(parameters.clip_deviations / 127)
        self.signal = heights * weights
        self.half_weights = halved(weights)

    @cached_property
    def half(self) -> Plane:
        return _half_planes(self.signal, self.half_weights)


@dataclass(frozen=True)
class Laid:
    """The moving scan at its registered place on the fixed one: its weighted heights, and its planes at half
    resolution (see ``_half_planes``)."""

    signal: Plane
    half: Plane


def lay(moving: FineView, registration: Registration, parameters: Parameters) -> Laid:
    """Turn and shift the fine grid of the moving scan as the registration says."""
    dy, dx = (shift / parameters.fine_spacing_um for shift in registration.shift_um)
    signal = moved(moving.signal, registration.rotation_deg, (dy, dx))
    weights = moved(moving.half_weights, registration.rotation_deg, (dy / 2, dx / 2))
    return Laid(signal, _half_planes(signal, weights))


def correlation_of_marks(laid: Laid, fixed: FineView) -> float:
    """The weighted correlation of all that both scans show, at half resolution, -1 to 1; 0 where nothing is shared."""
    (signal, weights, _), (fixed_signal, fixed_weights, _) = laid.half, fixed.half
    energy, fixed_energy = energy_of(signal, weights), energy_of(fixed_signal, fixed_weights)
    product = float(np.vdot(energy, fixed_weights)) * float(np.vdot(weights, fixed_energy))
    return float(np.vdot(signal, fixed_signal)) / math.sqrt(product) if product > 0.0 else 0.0


def find_cells(laid: Laid, fixed: FineView, parameters: Parameters) -> list[CellFinding]:
    """Look for each cell that both scans show, and see which of them agree on one place.

    1. Keep the cells that both scans cover enough.
    2. Correlate each with its surroundings on the laid scan: everywhere at half resolution, then near the best place.
    3. The consensus is the place that most well-correlated cells lie near; those are congruent.
    """
    # 1.
    t, spacing = fixed.tiling, parameters.fine_spacing_um
    corners = _covered(laid.half[1] * fixed.half[1], t, parameters.min_cell_coverage)
    if not len(corners):
        return []

    # 2.
    correlations, displacements = _best_places(laid, fixed, corners, parameters.min_cell_coverage)
    places = displacements * spacing

    # 3.
    congruent = _consensus(places, correlations, parameters)
    numbers = (corners - t.first) // t.cell
    centres = (2 * corners + (2 * t.cell - 1) / 2 - (FINE_POINTS - 1) / 2) * spacing
    columns = (numbers, centres, places, np.maximum(correlations, np.float32(0)), congruent)
    return [
        CellFinding(row, column, (y, x), (dy, dx), correlation, agrees)
        for (row, column), (y, x), (dy, dx), correlation, agrees in zip(*map(_plain, columns), strict=True)
    ]


def _plain(values: NDArray[Any]) -> list[Any]:
    return list(values.tolist())


def _covered(both: Plane, t: _Tiling, min_coverage: float) -> NDArray[np.intp]:
    """(n, 2): first row and column, at half resolution, of each cell that both scans cover enough, in reading order."""
    window = slice(t.first, t.first + t.count * t.cell)
    shares = area_means(both[window, window], (t.count, t.count))
    return np.argwhere(shares >= min_coverage) * t.cell + t.first


def _best_places(
    laid: Laid, fixed: FineView, corners: NDArray[np.intp], min_coverage: float
) -> tuple[Plane, NDArray[np.float64]]:
    """Each cell's highest correlation (n,), and its displacement (n, 2) in points of the fine grid.

    The sums below the root vary slowly, and are computed at half resolution only; 0 where the laid scan covers too
    little of the cell.
    """
    t = fixed.tiling
    heights, weights, energy = _across(laid.half, corners, t.cell, t.reach)
    cells = _cut(fixed.half, corners, t.cell)
    fixed_heights, fixed_weights, fixed_energy = _down(cells, t.reach)
    sums, overlap = _products(fixed_heights, heights), _products(fixed_weights, weights)
    squares = _products(fixed_energy, weights) * _products(fixed_weights, energy)
    enough = overlap >= min_coverage * cells[1].sum(axis=(1, 2))[:, None, None]
    norms = np.where(enough, 1.0 / np.sqrt(np.maximum(squares, np.float32(1e-3))), np.float32(0))
    y, x = _highest(sums * norms)

    # near that place, on the fine grid: two points to either side, as far as the norms reach
    limit = 2 * t.reach - _NEAR
    start = np.clip(2 * (np.stack([y, x], axis=1) - t.reach), -limit, limit)
    (heights,) = _across(laid.signal[None], 2 * corners + start, 2 * t.cell, _NEAR, beyond=2 * t.reach)
    (fixed_heights,) = _down(_cut(fixed.signal[None], 2 * corners, 2 * t.cell), _NEAR)
    widen = _upsampling(2 * t.reach + 1, 2)
    near = _cut_each(widen @ norms @ widen.T, start + limit, 2 * _NEAR + 1)
    # four points of the fine grid are one of half its resolution
    surfaces = _products(fixed_heights, heights) * near / 4.0
    y, x = _highest(surfaces)
    correlations = surfaces[np.arange(len(surfaces)), y, x]
    displacements = start - _NEAR + np.stack([y, x], axis=1)
    return correlations, np.where(correlations[:, None] > 0.0, displacements, 0).astype(np.float64)


_NEAR = 2
"""Points of the fine grid around a place that was found at half resolution."""


def _products(down: Plane, across: Plane) -> Plane:
    """(n, m, m): the sums of products of cells with their surroundings at m x m displacements: one matrix product
    a cell."""
    return np.asarray(np.matmul(down, across.transpose(0, 2, 1)), np.float32)


def _down(cells: Plane, reach: int) -> Plane:
    """(c, n, m, rows k) of cells (c, n, k, k): each at m = 2 reach + 1 displacements down its surroundings' rows =
    k + 2 reach, with zeros above and below."""
    c, n, k = cells.shape[:3]
    m, rows = 2 * reach + 1, k + 2 * reach
    down = np.zeros((c, n, m, rows, k), np.float32)
    plane, cell, place, row, column = down.strides
    as_strided(down, (c, n, m, k, k), (plane, cell, place + row, row, column))[...] = cells[:, :, None]
    return down.reshape(c, n, m, rows * k)


def _across(planes: Plane, corners: NDArray[np.intp], k: int, reach: int, beyond: int | None = None) -> Plane:
    """(c, n, m, rows k): from each of c planes the surroundings of the squares of side k at the corners, their rows cut
    at m = 2 reach + 1 displacements across; 0 up to ``beyond`` points (``reach``) outside of the planes."""
    c, height, width = planes.shape
    m, rows, frame = 2 * reach + 1, k + 2 * reach, reach if beyond is None else beyond
    framed = np.zeros((c, height + 2 * frame, width + 2 * frame), np.float32)
    framed[:, frame : frame + height, frame : frame + width] = planes
    plane, row, column = framed.strides
    windows = as_strided(
        framed,
        (c, height + 2 * frame - rows + 1, width + 2 * frame - rows + 1, m, rows, k),
        (plane, row, column, column, row, column),
    )
    first = corners + (frame - reach)
    return np.asarray(windows[:, first[:, 0], first[:, 1]]).reshape(c, len(corners), m, rows * k)


def _highest(surfaces: Plane) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of each surface's highest point."""
    flat = surfaces.reshape(len(surfaces), -1).argmax(axis=1)
    return np.divmod(flat, surfaces.shape[2])


def _cut(planes: Plane, corners: NDArray[np.intp], size: int) -> Plane:
    """(c, n, size, size): from each of c planes the squares at the corners."""
    (c, height, width), (plane, row, column) = planes.shape, planes.strides
    shape = c, height - size + 1, width - size + 1, size, size
    windows = as_strided(planes, shape, (plane, row, column, row, column))
    return np.asarray(windows[:, corners[:, 0], corners[:, 1]])


def _half_planes(signal: Plane, half_weights: Plane) -> Plane:
    """(3, n, n): weighted heights, weights, and weighted squares of the heights, at half resolution."""
    energy = halved(signal * signal) / np.maximum(half_weights, np.float32(1e-2))
    return np.stack([halved(signal), half_weights, energy])


_upsampling = cache(upsampling)


def _cut_each(planes: Plane, corners: NDArray[np.intp], size: int) -> Plane:
    """(n, size, size): from each of n planes the square at its corner."""
    reach = np.arange(size)
    rows, columns = corners[:, 0, None, None] + reach[:, None], corners[:, 1, None, None] + reach
    return np.asarray(planes[np.arange(len(planes))[:, None, None], rows, columns])


def _consensus(places_um: NDArray[np.float64], correlations: Plane, parameters: Parameters) -> NDArray[np.bool_]:
    """Which well-correlated cells lie within the congruence distance of the place that most of them share."""
    good = correlations > parameters.min_cell_correlation
    if not good.any():
        return good
    apart = np.hypot(*(places_um[:, None, :] - places_um[None, :, :]).transpose(2, 0, 1))
    near = (apart <= parameters.congruence_distance_um) & good
    # correlations settle ties, so that the order of the cells does not
    support = np.where(good, near.sum(axis=1) + (near * correlations).sum(axis=1) / (1.0 + len(good)), -1.0)
    place = places_um[near[int(support.argmax())]].mean(axis=0)
    distance = np.hypot(places_um[:, 0] - place[0], places_um[:, 1] - place[1])
    return np.asarray(good & (distance <= parameters.congruence_distance_um))
