"""Congruent cells: the small areas of one mark that are found again on the other, at one common place.

The method of congruent matching cells (doi:10.1016/j.forsciint.2012.09.002), after the fine registration:
each cell then has to be searched for over a few hundredths of a millimetre only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from matcher.clean import FINE_POINTS
from matcher.parameters import Parameters
from matcher.plane import Plane, halved, moved, ratio, upsampling
from matcher.prepared import Prepared
from matcher.registration import Registration


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
    """How the fine grid is cut: sizes in grid points, all even, so that half resolution falls on whole points."""

    cell: int
    reach: int
    patch: int
    first: int
    count: int

    @classmethod
    def of(cls, parameters: Parameters) -> _Tiling:
        cell = 2 * max(1, round(parameters.cell_size_um / parameters.fine_spacing_um / 2))
        reach = 2 * max(1, round(parameters.cell_search_um / parameters.fine_spacing_um / 2))
        patch = 2 * int(scipy.fft.next_fast_len(cell // 2 + reach, real=True))
        count = FINE_POINTS // cell
        return cls(cell, reach, patch, 2 * ((FINE_POINTS - count * cell) // 4), count)


class FineView:
    """A prepared scan's fine grid, ready to be cut into cells (fixed) or to be searched (moving)."""

    def __init__(self, prepared: Prepared, parameters: Parameters) -> None:
        self.tiling = _Tiling.of(parameters)
        self.weights = prepared.fine_weights.astype(np.float32) / np.float32(255)
        heights = prepared.fine.astype(np.float32) * np.float32(parameters.clip_deviations / 127)
        self.signal = heights * self.weights
        self.half_weights = halved(self.weights)
        self.min_coverage = parameters.min_cell_coverage

    @cached_property
    def corners(self) -> NDArray[np.intp]:
        """(n, 2): first row and column of each cell that is covered enough, in reading order."""
        t = self.tiling
        end = t.first + t.count * t.cell
        grid = self.weights[t.first : end, t.first : end].reshape(t.count, t.cell, t.count, t.cell)
        return np.argwhere(grid.mean(axis=(1, 3)) >= self.min_coverage) * t.cell + t.first

    def coverage(self, half_weights: Plane) -> Plane:
        """(n,): the share of each cell that this scan and another, at half resolution, both show."""
        t = self.tiling
        both = self.half_weights * half_weights
        window = slice(t.first // 2, t.first // 2 + t.count * t.cell // 2)
        shares = both[window, window].reshape(t.count, t.cell // 2, t.count, t.cell // 2).mean(axis=(1, 3))
        places = (self.corners - t.first) // t.cell
        return np.asarray(shares[places[:, 0], places[:, 1]])

    @cached_property
    def cell_areas(self) -> Plane:
        """(n,): each cell's sum of weights."""
        t = self.tiling
        return np.array([self.weights[y : y + t.cell, x : x + t.cell].sum() for y, x in self.corners], np.float32)

    @cached_property
    def cell_signal(self) -> NDArray[np.complex64]:
        """(n, patch, patch // 2 + 1): spectra of the cells."""
        t = self.tiling
        return np.conj(scipy.fft.rfft2(_cut(self.signal, self.corners, t.cell, t.patch)))

    @cached_property
    def cell_norms(self) -> NDArray[np.complex64]:
        """(2, n, patch // 2, patch // 4 + 1): spectra of the cells' weights and energies at half resolution."""
        t = self.tiling
        planes = [
            _cut(plane, self.corners // 2, t.cell // 2, t.patch // 2)
            for plane in (self.half_weights, _half_energy(self.signal, self.half_weights))
        ]
        return np.conj(scipy.fft.rfft2(np.stack(planes)))


def find_cells(
    moving: FineView, fixed: FineView, registration: Registration, parameters: Parameters
) -> list[CellFinding]:
    """Look for each cell that both scans show, and see which of them agree on one place.

    1. Move the moving scan to its registered place; keep the cells that both scans cover enough there.
    2. Correlate each cell with its surroundings there, weighted as in ``registration``.
    3. Take each cell's best place.
    4. The consensus is the place that most well-correlated cells lie near; those are congruent.
    """
    # 1.
    rotation, spacing = registration.rotation_deg, parameters.fine_spacing_um
    dy, dx = (shift / spacing for shift in registration.shift_um)
    weights = moved(moving.half_weights, rotation, (dy / 2, dx / 2))
    shown = np.flatnonzero(fixed.coverage(weights) >= parameters.min_cell_coverage)
    if not shown.size:
        return []
    signal = moved(moving.signal, rotation, (dy, dx))

    # 2.
    surfaces = _correlations(signal, weights, fixed, shown)

    # 3.
    t = fixed.tiling
    side = 2 * t.reach + 1
    flat = surfaces.reshape(len(surfaces), -1)
    best = flat.argmax(axis=1)
    correlations = flat[np.arange(len(flat)), best]
    best[correlations <= 0.0] = flat.shape[1] // 2
    places = (np.stack([best // side, best % side], axis=1) - t.reach) * spacing

    # 4.
    congruent = _consensus(places, correlations, parameters)
    findings = zip(fixed.corners[shown], places, correlations, congruent, strict=True)
    middle = (FINE_POINTS - 1) / 2
    return [
        CellFinding(
            row=int((y - t.first) // t.cell),
            column=int((x - t.first) // t.cell),
            centre_um=(
                float((y + (t.cell - 1) / 2 - middle) * spacing),
                float((x + (t.cell - 1) / 2 - middle) * spacing),
            ),
            displacement_um=(float(place[0]), float(place[1])),
            correlation=max(0.0, float(correlation)),
            congruent=bool(agrees),
        )
        for (y, x), place, correlation, agrees in findings
    ]


def _correlations(signal: Plane, half_weights: Plane, fixed: FineView, shown: NDArray[np.intp]) -> Plane:
    """(n, 2 reach + 1, 2 reach + 1): each shown cell's correlation with the registered scan at each
    displacement; 0 where that scan covers too little of the cell."""
    t, corners = fixed.tiling, fixed.corners[shown]
    whole = _cut(_framed(signal, t.reach), corners, t.cell + 2 * t.reach, t.patch)
    products = scipy.fft.irfft2(scipy.fft.rfft2(whole) * fixed.cell_signal[shown], s=(t.patch, t.patch))
    side = 2 * t.reach + 1

    halves = np.stack(
        [
            _cut(_framed(plane, t.reach // 2), corners // 2, t.cell // 2 + t.reach, t.patch // 2)
            for plane in (half_weights, _half_energy(signal, half_weights))
        ]
    )
    (moving_weights, moving_energy), (cell_weights, cell_energy) = scipy.fft.rfft2(halves), fixed.cell_norms[:, shown]
    sums = scipy.fft.irfft2(
        np.stack([moving_weights * cell_weights, moving_weights * cell_energy, moving_energy * cell_weights]),
        s=(t.patch // 2, t.patch // 2),
    )[..., : t.reach + 1, : t.reach + 1]
    overlap, fixed_energy, shown_energy = 4.0 * sums
    enough = overlap >= fixed.min_coverage * fixed.cell_areas[shown, None, None]
    norms = np.where(enough, 1.0 / np.sqrt(np.maximum(fixed_energy * shown_energy, np.float32(1e-3))), np.float32(0))
    widen = upsampling(t.reach + 1, 2)
    surfaces: Plane = products[:, :side, :side] * (widen @ norms @ widen.T)
    return surfaces


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


def _cut(plane: Plane, corners: NDArray[np.intp], size: int, padded: int) -> Plane:
    """(n, padded, padded): the squares of ``size`` at the corners, zeros after them."""
    tiles = np.zeros((len(corners), padded, padded), np.float32)
    for tile, (y, x) in zip(tiles, corners, strict=True):
        tile[:size, :size] = plane[y : y + size, x : x + size]
    return tiles


def _framed(plane: Plane, width: int) -> Plane:
    return np.asarray(cv2.copyMakeBorder(plane, width, width, width, width, cv2.BORDER_CONSTANT, value=0.0))


def _half_energy(signal: Plane, half_weights: Plane) -> Plane:
    """Weighted squares of the heights at half resolution, from the weighted heights."""
    return ratio(halved(signal * signal), half_weights, floor=1e-2)
