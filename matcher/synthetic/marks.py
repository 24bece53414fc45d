"""Marks of firearms that nobody drew: a few dozen drawn faces make a gallery of a million.

For benchmarks and for tests of recall. Never evidence of accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.areal.descriptor import DESCRIPTOR_SHAPE, HARMONICS, SCALE
from matcher.areal.polar_column import MARK_BYTES, POLAR_BYTES, polar_row, row_harmonics
from matcher.areal.prepared import Prepared
from matcher.numeric.packed import PackedGrid
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Plane, blurred, moved

_SECOND_SHARE = 0.7
_LEANING = 0.02
"""Each harmonic of a descriptor is this much weaker than the one before. Fewer independent waves agree by chance more
often: without it the 99.9th percentile of chance scores is that of drawn faces, 0.096, and with it 0.105; that of pairs
of different firearms among the real Fadul scans is 0.100."""
_BLUR_POINTS = 1.2
"""Grid points: the same for what the polar column and the search look at. Against Fadul's halves, agreements by polar
column have the 99.9th percentile 7.8, those of real pairs of different firearms 7.1 (quarters: 8.7 and 8.7)."""
_BLOCK = 2048


@dataclass(frozen=True)
class Mixtures:
    """Each mark is the sum of two of the faces, both turned; which, and how far, follows from a seed.

    ``faces``: drawn scans, at least two; a face is recognised in its mixtures, so a query must be none of them.
    ``pairs``: (n, 2) places of faces; ``turns_rad``: (n, 2). Descriptors, polar rows and grids are of the same mark.
    """

    faces: Sequence[Prepared]
    pairs: NDArray[np.intp]
    turns_rad: NDArray[np.float64]

    @staticmethod
    def drawn(faces: Sequence[Prepared], count: int, seed: int) -> Mixtures:
        """``count`` mixtures, each unlike all others; the same seed gives the same ones."""
        rng = np.random.default_rng([0x31C5, seed])
        first, step = rng.integers(len(faces), size=count), rng.integers(1, len(faces), count)
        pairs = np.stack([first, (first + step) % len(faces)], axis=1)
        return Mixtures(faces, pairs, rng.uniform(0.0, 2.0 * np.pi, (count, 2)))

    def __len__(self) -> int:
        return len(self.pairs)

    def descriptors(self) -> NDArray[np.int8]:
        """int8 (n, *DESCRIPTOR_SHAPE): sums of the faces' descriptors, which lean towards the low harmonics."""
        faces = np.stack([face.descriptor for face in self.faces])
        waves = faces.astype(np.float32).view(np.complex64)
        waves /= np.linalg.norm(waves, axis=(1, 2), keepdims=True)
        waves *= np.exp(-_LEANING * np.arange(HARMONICS, dtype=np.float32))[:, None]
        mixed = np.empty((len(self), *DESCRIPTOR_SHAPE), np.int8)
        for at in range(0, len(self), _BLOCK):
            # a half turn leaves a magnitude spectrum as it is: twice the angle
            one, other = (
                waves[pairs] * _phases(turns, 2 * np.arange(1, HARMONICS + 1))[..., None]
                for pairs, turns in self._block(at)
            )
            mixed[at : at + _BLOCK] = _quantised(one + np.float32(_SECOND_SHARE) * other)
        return mixed

    def polar_rows(self) -> NDArray[np.int8]:
        """int8 (n, POLAR_BYTES): sums of the faces' rows, in which a turn is a phase; the area is the first one's."""
        rows = np.stack([polar_row(_leaning(face), _weights(face)) for face in self.faces])
        waves = rows.astype(np.float32).view(np.complex64)
        harmonics = row_harmonics()
        of_marks = np.arange(len(harmonics)) < MARK_BYTES // 2
        second = np.where(of_marks, np.float32(_SECOND_SHARE), np.float32(0))
        gain = np.where(of_marks, np.float32(1.0 / np.hypot(1.0, _SECOND_SHARE)), np.float32(1))
        mixed = np.empty((len(self), POLAR_BYTES), np.int8)
        for at in range(0, len(self), _BLOCK):
            one, other = (
                waves[pairs] * _phases(turns, np.arange(harmonics.max() + 1))[:, harmonics]
                for pairs, turns in self._block(at)
            )
            both = ((one + second * other) * gain).view(np.float32)
            mixed[at : at + _BLOCK] = np.clip(np.rint(both), -127, 127)
        return mixed

    def scan(self, place: int, parameters: Parameters = DEFAULT_PARAMETERS) -> Prepared:
        """One of the marks with its coarse grid, which the searches look at; its fine grid is that of the first face.

        Its columns are not made anew: take them from ``descriptors`` and ``polar_rows``.
        """
        first, turns = int(self.pairs[place, 0]), np.rad2deg(self.turns_rad[place])
        parts = zip(self.pairs[place].tolist(), turns.tolist(), strict=True)
        one, other = (moved(_leaning(self.faces[face]), turn, (0.0, 0.0)) for face, turn in parts)
        weights = moved(_weights(self.faces[first]), turns[0], (0.0, 0.0))
        heights = (one + np.float32(_SECOND_SHARE) * other) * (weights > 0.0)
        inside = heights[weights >= 0.5]
        scaled = heights * (127.0 / parameters.clip_deviations / (1.4826 * float(np.median(np.abs(inside)))))
        grid = PackedGrid.pack(
            np.clip(np.rint(scaled), -127, 127).astype(np.int8), np.rint(weights * 255.0).astype(np.uint8)
        )
        return replace(self.faces[first], coarse_grid=grid)

    def _block(self, at: int) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        """Faces and turns of some mixtures: of the first parts, then of the second ones."""
        rows = slice(at, at + _BLOCK)
        return [(self.pairs[rows, part], self.turns_rad[rows, part]) for part in range(2)]


def _leaning(face: Prepared) -> Plane:
    """The flattened heights times weights, leaning towards the long waves."""
    signal = face.coarse.astype(np.float32) * _weights(face)
    return blurred(signal, (_BLUR_POINTS, _BLUR_POINTS))


def _weights(face: Prepared) -> Plane:
    return face.coarse_weights.astype(np.float32) / np.float32(255)


def _phases(turns_rad: NDArray[np.float64], harmonics: NDArray[np.intp]) -> NDArray[np.complex64]:
    """(n, harmonics): what a turn makes of harmonics along the angle."""
    return np.asarray(np.exp(-1j * np.outer(turns_rad, harmonics)), np.complex64)


def _quantised(waves: NDArray[np.complex64]) -> NDArray[np.int8]:
    """As ``describe`` does: unit length, then int8."""
    parts = waves * (np.float32(SCALE) / np.linalg.norm(waves, axis=(1, 2), keepdims=True))
    return np.asarray(np.clip(np.rint(parts.view(np.float32)), -127, 127), np.int8)
