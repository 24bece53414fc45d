"""The polar column: a search of all rotations and shifts, coarse enough to be made over a whole gallery.

The prefilter's magnitude spectrum belongs to a mark as a whole: that of half a mark is another one.
``matcher.areal.pose_search`` finds any part of a mark, at a millisecond a reference. Here is the same search with
longer waves and wider steps: what it needs of a reference is a row of bytes, and one matrix product serves many
references.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.areal.polar import PolarGrid, fixed_code, moving_code
from matcher.numeric.plane import Plane, blurred

_GRID = PolarGrid(reach=0.0)
_SHORT_SIGMA, _LONG_SIGMA = 0.8, 1.9
"""Grid points; half the amplitude of waves of 4.2 and of 10 points passes these Gaussians. Shorter waves fall between
centres and rings; of longer ones a mark has few, which agree by chance."""
_AREA_HARMONICS, _AREA_DIRECTIONS = 8, 15
"""What was measured varies slowly: a few harmonics of it, and its overlap at every sixteenth rotation, are enough."""
_AREA_RINGS = 7
_HARMONICS_A_BLOCK = 16
_MARK_UNIT = np.float32(_GRID.fixed_scale * _GRID.moving_scale)
_AREA_UNIT = 1.0 / (_GRID.fixed_area_scale * _GRID.moving_area_scale)
_AREA_PRODUCT_UNIT, _AREA_WAVE_UNIT = 32.0, 64.0
"""Products of areas are rounded to multiples of 32 and waves to 64ths: whatever the bytes are, their sums stay below
2^24."""
_POLAR_AREA_DIRECTIONS = _GRID.directions // 8
_LENT_AREA = 0.5
"""Share of the smaller mark that is added to each shared area: small areas agree by chance with greater ease than
their size alone says."""
_BLOCK = 16
"""References at a time: their products stay in the processor's cache."""


@cache
def _blocks() -> tuple[tuple[int, int, int], ...]:
    """Harmonics from, to, and the first ring that is large enough for the lowest of them."""
    highest = (2.0 * np.pi * _GRID.radii / _GRID.shortest_wave).astype(np.intp)
    ends = [*range(0, int(highest.max()), _HARMONICS_A_BLOCK), int(highest.max()) + 1]
    return tuple((first, end, int(np.argmax(highest >= first))) for first, end in pairwise(ends))


MARK_BYTES = sum((end - first) * 2 * (len(_GRID.radii) - ring) for first, end, ring in _blocks())
POLAR_BYTES = MARK_BYTES + _AREA_HARMONICS * 2 * _AREA_RINGS


def row_harmonics() -> NDArray[np.intp]:
    """(POLAR_BYTES / 2,): of which harmonic a row's pairs of numbers are the real and the imaginary part."""
    blocks = [*_blocks(), (0, _AREA_HARMONICS, len(_GRID.radii) - _AREA_RINGS)]
    return np.concatenate([np.repeat(np.arange(*block[:2]), len(_GRID.radii) - block[2]) for block in blocks])


def polar_row(signal: Plane, weights: Plane) -> NDArray[np.int8]:
    """What the search needs of a reference. ``signal``: flattened heights times ``weights``, both float32 (n, n).

    Returns int8 (POLAR_BYTES,): real and imaginary parts of the harmonics of its circles, in blocks of harmonics
    without the rings that are too small for them; then those of its measured area.
    """
    code = fixed_code(_band(signal, weights), weights, _GRID)
    parts = [code.marks[first:end, 2 * ring :] for first, end, ring in _blocks()]
    parts.append(code.area[:_AREA_HARMONICS])
    return np.concatenate([part.ravel() for part in parts]).astype(np.int8)


class PolarQuery:
    """A scan as it is looked for in many rows: some milliseconds, once."""

    def __init__(self, signal: Plane, weights: Plane, reach: float) -> None:
        """``reach``: how far two centres may lie apart, in grid points."""
        grid = replace(_GRID, reach=reach)
        code = moving_code(_band(signal, weights), weights, grid)
        self._centres = len(grid.shifts)
        self.kernels = [_kernel(code.marks[first:end, ring:]) for first, end, ring in _blocks()]
        self._area = _kernel(code.area[:_AREA_HARMONICS])
        self._total = np.float32(code.total)

    def agreements(self, rows: NDArray[np.int8]) -> Plane:
        """The agreement with each reference at its best place. ``rows``: int8 (n, POLAR_BYTES), may be memory-mapped.

        1. Correlate the marks at all rotations and shifts; of each sixteen neighbouring rotations keep the highest.
        2. Correlate the measured areas.
        3. Agreement = sum of products / sqrt(shared area + a share of the smaller mark); the highest counts.

        Returns float32 (n,). Each is the same to the last bit whatever else is asked for: the sums of matrix products
        are of whole numbers below 2^24, exact in float32 in any order, and all else is done for each alone.
        """
        found = np.empty(len(rows), np.float32)
        floats = np.zeros((_BLOCK, POLAR_BYTES), np.float32)
        work = _Work(self._centres)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            np.copyto(floats[: len(block)], block)
            # 1.
            peaks = self._peaks(floats, work)

            # 2.
            area = self._areas(floats, work)

            # 3.
            np.sqrt(area, out=area)
            np.divide(peaks, area, out=area)
            found[start : start + len(block)] = area.reshape(-1, _BLOCK).max(axis=0)[: len(block)]
        return found

    def _peaks(self, floats: Plane, work: _Work) -> Plane:
        """(_AREA_DIRECTIONS, centres, references): the highest correlation of the marks in each sector of rotations."""
        at = first = 0
        for kernel in self.kernels:
            harmonics, _, width = kernel.shape
            rows = floats[:, at : at + harmonics * width]
            _multiply(kernel, rows, work.products[2 * first : 2 * (first + harmonics)])
            at, first = at + harmonics * width, first + harmonics
        # the mean has no imaginary part: in a packed transform the first harmonic follows at once
        work.products[1] = work.products[0]
        cv2.transpose(work.products[1:].reshape(_GRID.directions, -1), work.packed)
        cv2.idft(work.packed, work.curves, cv2.DFT_ROWS | cv2.DFT_SCALE)
        cv2.transpose(work.curves, work.turned)
        sectors = work.turned.reshape(_AREA_DIRECTIONS, -1, self._centres, _BLOCK)
        return np.asarray(sectors.max(axis=1, out=work.peaks))

    def _areas(self, floats: Plane, work: _Work) -> Plane:
        """(_AREA_DIRECTIONS, centres, references): what a sum of products is to be measured by, squared."""
        rows = floats[:, MARK_BYTES:]
        _multiply(self._area, rows, work.areas)
        work.areas *= np.float32(1.0 / _AREA_PRODUCT_UNIT)
        np.rint(work.areas, out=work.areas)
        shared = work.shared
        np.matmul(_sectors(), work.areas.reshape(2 * _AREA_HARMONICS, -1), out=shared.reshape(_AREA_DIRECTIONS, -1))
        np.maximum(shared, np.float32(0), out=shared)
        shared *= np.float32(_AREA_UNIT * _AREA_PRODUCT_UNIT / _AREA_WAVE_UNIT / _POLAR_AREA_DIRECTIONS)
        # a ring's mean is the first of its numbers, and the sum of the means is the whole area
        total = rows[:, : 2 * _AREA_RINGS : 2].sum(axis=1) * np.float32(1.0 / _GRID.fixed_area_scale)
        shared += np.maximum(np.float32(_LENT_AREA) * np.minimum(self._total, total), np.float32(1))
        shared *= _MARK_UNIT**2
        return shared


class _Work:
    """Memory that is written anew for each block: freshly asked for, it would cost more than the arithmetic."""

    def __init__(self, centres: int) -> None:
        shapes = (_GRID.directions, centres * _BLOCK), (_AREA_DIRECTIONS, centres, _BLOCK)
        self.products = np.zeros((_GRID.directions + 1, centres, _BLOCK), np.float32)
        self.packed, self.curves = (np.empty(shapes[0][::-1], np.float32) for _ in range(2))
        self.turned = np.empty(shapes[0], np.float32)
        self.areas = np.empty((2 * _AREA_HARMONICS, centres, _BLOCK), np.float32)
        self.peaks, self.shared = (np.empty(shapes[1], np.float32) for _ in range(2))


def inverted_row(row: NDArray[np.int8]) -> NDArray[np.int8]:
    """The row of the same mark whose bumps are dents."""
    turned = row.copy()
    np.negative(row[:MARK_BYTES], out=turned[:MARK_BYTES])
    return turned


def _band(signal: Plane, weights: Plane) -> Plane:
    """The waves that are looked at, at the same strength for every scan."""
    band = blurred(signal, (_SHORT_SIGMA, _SHORT_SIGMA)) - blurred(signal, (_LONG_SIGMA, _LONG_SIGMA))
    energy = float(np.vdot(band, band))
    gain = math.sqrt(float(weights.sum()) / energy) if energy > 0.0 else 0.0
    return np.asarray(band * np.float32(gain))


def _kernel(code: Plane) -> Plane:
    """(harmonics, 2 centres, 2 rings): times a row's harmonic, the real, then the imaginary part at each centre.

    ``code``: (harmonics, rings, 2, centres), of the moving scan. Of a + bi and the row's c + di, conjugate times
    the row's: ac + bd, and ad - bc.
    """
    harmonics, rings, _, centres = code.shape
    real = code.transpose(0, 3, 1, 2)
    imaginary = np.stack([-real[..., 1], real[..., 0]], axis=-1)
    return np.stack([real, imaginary], axis=1).reshape(harmonics, 2 * centres, 2 * rings)


def _multiply(kernel: Plane, rows: Plane, out: Plane) -> None:
    """Real and imaginary parts, (2 harmonics, centres, references), of rows' harmonics, (references, all of them)."""
    harmonics, double, width = kernel.shape
    columns = np.ascontiguousarray(rows.reshape(_BLOCK, harmonics, width).transpose(1, 2, 0))
    np.matmul(kernel, columns, out=out.reshape(harmonics, double, _BLOCK))


@cache
def _sectors() -> Plane:
    """(_AREA_DIRECTIONS, 2 _AREA_HARMONICS): from products to the shared area in the middle of each sector; whole."""
    # of a sector's sixteen rotations the first eight have their middle where the codes are turned to
    directions = _GRID.directions / _AREA_DIRECTIONS * np.arange(_AREA_DIRECTIONS) + 4.0
    phase = np.outer(directions * (2.0 * np.pi / _GRID.directions), np.arange(_AREA_HARMONICS))
    waves = np.stack([np.cos(phase), -np.sin(phase)], axis=2).reshape(_AREA_DIRECTIONS, -1)
    waves[:, 2:] *= 2.0
    return np.asarray(np.rint(_AREA_WAVE_UNIT * waves), np.float32)
