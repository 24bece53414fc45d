"""Descriptors of firearms that nobody drew: a few hundred drawn faces make a gallery of a million.

For benchmarks and for tests of recall. Never evidence of accuracy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.descriptor import DESCRIPTOR_SHAPE, HARMONICS, RINGS, SCALE

_SECOND_SHARE = 0.7
_LEANING = 0.02
"""Each harmonic is this much weaker than the one before. Fewer independent waves agree by chance more often: without it
the 99.9th percentile of chance scores is that of drawn faces, 0.096, and with it 0.105; that of pairs of different
firearms among the real Fadul scans is 0.100."""
_BLOCK = 4096


def mixed_descriptors(faces: NDArray[np.int8], count: int, seed: int) -> NDArray[np.int8]:
    """Descriptors of the statistics of marks, each unlike all others.

    Each is the sum of two of the faces, both turned at random, which leans towards the low harmonics.
    ``faces``: int8 (m, *DESCRIPTOR_SHAPE), at least two; a face is recognised in its mixtures, so a query must be none
    of them. Returns int8 (count, *DESCRIPTOR_SHAPE); the same seed gives the same ones.
    """
    rng = np.random.default_rng([0x31C5, seed])
    waves = faces[..., :RINGS].astype(np.complex64) + 1j * faces[..., RINGS:].astype(np.float32)
    waves /= np.linalg.norm(waves, axis=(1, 2), keepdims=True)
    waves *= np.exp(-_LEANING * np.arange(HARMONICS, dtype=np.float32))[:, None]
    mixed = np.empty((count, *DESCRIPTOR_SHAPE), np.int8)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        first, step = rng.integers(len(faces), size=size), rng.integers(1, len(faces), size)
        turned = _turned(waves[first], rng) + np.float32(_SECOND_SHARE) * _turned(
            waves[(first + step) % len(faces)], rng
        )
        mixed[start : start + size] = _quantised(turned)
    return mixed


def _turned(waves: NDArray[np.complex64], rng: np.random.Generator) -> NDArray[np.complex64]:
    angle = rng.uniform(0.0, 2.0 * np.pi, (len(waves), 1))
    phase = np.exp(1j * angle * np.arange(1, HARMONICS + 1))
    return np.asarray(waves * phase.astype(np.complex64)[..., None])


def _quantised(waves: NDArray[np.complex64]) -> NDArray[np.int8]:
    """As ``describe`` does: unit length, then int8."""
    parts = np.concatenate([waves.real, waves.imag], axis=2)
    parts *= np.float32(SCALE) / np.linalg.norm(waves, axis=(1, 2), keepdims=True)
    return np.asarray(np.clip(np.rint(parts), -127, 127), np.int8)
