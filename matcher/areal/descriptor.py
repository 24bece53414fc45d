"""The prefilter: a rotation-aware fingerprint of a few kilobytes, and its comparison with a whole gallery.

The magnitude of a surface's Fourier transform does not move when the surface does, and turns when it turns:
sampled in polar coordinates, a turn becomes a shift along the angle (Fourier-Mellin, doi:10.1109/83.506761).
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.mark.clean import COARSE_POINTS, WorkingCopy
from matcher.numeric.plane import Plane

RINGS = 48
HARMONICS = 45
DESCRIPTOR_SHAPE = (HARMONICS, 2 * RINGS)
"""One row a harmonic of 180 degrees: real and imaginary part of each ring in turn; int8, 4,320 bytes."""

_TRANSFORM_POINTS = 2 * COARSE_POINTS
"""Padded to twice the field, or the speckle of the spectrum is too fine to be sampled along circles."""
_FIRST_RADIUS = 12
"""In cycles per padded field (8 mm): rings from 667 um down to 74 um, the coarse band."""
_RADII_A_RING = 2
_TREND_RADII = 9.0
_DIRECTIONS = 360
_LONG_RADII = 48
"""Waves longer than 133 um on a breech face."""
SCALE = 127.0 / 6.0 * np.sqrt(HARMONICS * 2.0 * RINGS)
"""Six standard deviations of a descriptor of unit length fill the int8 range."""
FIRST_HARMONICS = 20
"""So many harmonics make the first pass over a gallery; the rest is looked at for the best only."""
_BLOCK = 128
"""References at a time: their float copies (1 MB in the first pass) stay in the processor's cache."""
_PRODUCT_UNIT, _WAVE_UNIT = 32.0, 127.0
"""Products of descriptors are rounded to multiples of 32 and waves to 127ths. Of two descriptors of unit length the
products' real and imaginary parts add up to less than 3 million, so that every sum stays below 2^24."""


def polar_magnitude(coarse: WorkingCopy) -> Plane:
    """The square root of the Fourier magnitude of a coarse working copy, along half circles: (radii, directions).

    The logarithm would give the nulls of the speckle the most weight.
    """
    padded = np.zeros((_TRANSFORM_POINTS, _TRANSFORM_POINTS), np.float32)
    padded[:COARSE_POINTS, :COARSE_POINTS] = coarse.heights * coarse.weights
    spectrum = cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT, nonzeroRows=COARSE_POINTS)
    half = spectrum[:, : COARSE_POINTS + 1]
    # not cv2.magnitude: it starts from the processor's approximate square root, which each maker tabulates differently
    magnitude = np.sqrt(np.sqrt(half[..., 0] ** 2 + half[..., 1] ** 2))
    magnitude = np.roll(magnitude, COARSE_POINTS, axis=0)
    rows, columns = _half_circles()
    return np.asarray(cv2.remap(magnitude, columns, rows, cv2.INTER_LINEAR), np.float32)


def directedness(polar: Plane) -> float:
    """How unevenly the power of a mark's long waves lies over their directions: 0 where all directions have the same.

    The amplitude of the four slowest changes over 180 degrees, over the mean; every ring of a wavelength has the same
    say. A tool's marks run in few directions. Noise runs in all, and drowns long waves first.
    ``polar``: see ``polar_magnitude``.
    """
    power = polar[:_LONG_RADII] ** 4
    profile = (power / np.maximum(power.mean(axis=1, keepdims=True), np.float32(1e-30))).mean(axis=0)
    slow = np.abs(np.fft.rfft(profile)[1:5]) / _DIRECTIONS
    return float(np.sqrt(2.0 * np.square(slow).sum()))


def describe(polar: Plane) -> NDArray[np.int8]:
    """Make the descriptor from ``polar_magnitude``.

    1. Subtract the trend along the radius; average pairs of radii.
    2. Bring each ring to mean 0 and deviation 1, so that no wavelength outvotes the others.
    3. Fourier transform along the angle; unit length; int8.

    Returns int8 of shape ``DESCRIPTOR_SHAPE``.
    """
    # 1.
    trend = cv2.GaussianBlur(polar, (1, 0), sigmaX=0.1, sigmaY=_TREND_RADII, borderType=cv2.BORDER_REFLECT)
    rings = (polar - np.asarray(trend, np.float32)).reshape(RINGS, _RADII_A_RING, _DIRECTIONS).mean(axis=1)

    # 2.
    rings -= rings.mean(axis=1, keepdims=True)
    rings /= np.maximum(rings.std(axis=1, keepdims=True), np.float32(1e-12))

    # 3.
    harmonics = (rings @ _angular_transform()).reshape(RINGS, HARMONICS, 2)
    harmonics /= np.linalg.norm(harmonics)
    scaled = np.clip(np.rint(harmonics * SCALE), -127, 127).astype(np.int8)
    return np.ascontiguousarray(scaled.transpose(1, 0, 2)).reshape(DESCRIPTOR_SHAPE)


def prefilter(queries: NDArray[np.int8], descriptors: NDArray[np.int8]) -> NDArray[np.float32]:
    """Compare descriptors with all references at every rotation.

    ``queries``: int8, (q, *DESCRIPTOR_SHAPE); ``descriptors``: int8, (n, harmonics, 2 RINGS), the first harmonics
    of each reference or all of them; may be memory-mapped. Several queries share one pass.
    Returns float32 (q, n): the correlation at the best rotation. With all harmonics that is 1 for the same scan
    and about 0.05 for unrelated ones.

    A score is the same to the last bit whatever else is asked for in the same call: all sums are of whole numbers
    below 2^24, exact in float32 in any order, and matrix products promise none.
    """
    harmonics = descriptors.shape[1]
    conjugate = np.ascontiguousarray(_complex(queries[:, :harmonics]).conj().transpose(1, 2, 0))
    synthesis = _synthesis(harmonics, _turns(harmonics))
    scores = np.empty((len(queries), len(descriptors)), np.float32)
    floats = np.zeros((_BLOCK, harmonics, 2 * RINGS), np.float32)
    by_harmonic = floats.view(np.complex64).transpose(1, 0, 2)
    products = np.empty((harmonics, _BLOCK, len(queries)), np.complex64)
    parts = products.view(np.float32).reshape(harmonics, _BLOCK, len(queries), 2)
    whole = np.empty((harmonics, 2, _BLOCK), np.float32)
    curves, best = np.empty((len(synthesis), _BLOCK), np.float32), np.empty(_BLOCK, np.float32)
    for start in range(0, len(descriptors), _BLOCK):
        block = descriptors[start : start + _BLOCK]
        np.copyto(floats[: len(block)], block)
        np.matmul(by_harmonic, conjugate, out=products)
        for place in range(len(queries)):
            np.multiply(parts[:, :, place].transpose(0, 2, 1), np.float32(1.0 / _PRODUCT_UNIT), out=whole)
            np.rint(whole, out=whole)
            np.matmul(synthesis, whole.reshape(2 * harmonics, _BLOCK), out=curves)
            np.maximum.reduce(curves, axis=0, out=best)
            scores[place, start : start + len(block)] = best[: len(block)]
    scores *= np.float32(_PRODUCT_UNIT / _WAVE_UNIT / SCALE**2)
    return scores


def rotation_curve(moving: NDArray[np.int8], fixed: NDArray[np.int8], turns: int) -> NDArray[np.float32]:
    """The correlation of two descriptors as the moving scan turns onto the fixed one: (turns,) over 180 degrees, in
    arbitrary units. Exact, and so the same on any machine, as ``prefilter``."""
    products = (_complex(fixed) * _complex(moving).conj()).sum(axis=1)
    whole = np.rint(products.view(np.float32) * np.float32(1.0 / _PRODUCT_UNIT))
    return np.asarray(_synthesis(HARMONICS, turns) @ whole, np.float32)


def _complex(descriptors: NDArray[np.int8]) -> NDArray[np.complex64]:
    return descriptors.astype(np.float32).view(np.complex64)


def _turns(harmonics: int) -> int:
    """Rotations at which a curve is looked at: nearly three for the shortest wave, or its peak falls between two."""
    return 128 if harmonics > FIRST_HARMONICS else 64


@cache
def _synthesis(harmonics: int, turns: int) -> NDArray[np.float32]:
    """(turns, 2 harmonics): from products, reference times conjugate query, to the correlation at each rotation."""
    phase = 2.0 * np.pi * np.outer(np.arange(turns) / turns, np.arange(1, harmonics + 1))
    waves = np.stack([np.cos(phase), -np.sin(phase)], axis=2)
    return np.rint(_WAVE_UNIT * waves).astype(np.float32).reshape(turns, 2 * harmonics)


@cache
def _angular_transform() -> NDArray[np.float32]:
    """(_DIRECTIONS, 2 HARMONICS): from a ring to its harmonics 1 to HARMONICS (real, imaginary, ...)."""
    phase = 2.0 * np.pi * np.outer(np.arange(_DIRECTIONS) / _DIRECTIONS, np.arange(1, HARMONICS + 1))
    return np.stack([np.cos(phase), -np.sin(phase)], axis=-1).reshape(_DIRECTIONS, -1).astype(np.float32)


@cache
def _half_circles() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows and columns, in the rolled half spectrum, of (radius, direction) from -90 to 90 degrees."""
    direction = np.deg2rad(np.arange(_DIRECTIONS) * (180.0 / _DIRECTIONS) - 90.0)
    radius = _FIRST_RADIUS + np.arange(RINGS * _RADII_A_RING)[:, None] + 0.5
    rows = COARSE_POINTS + radius * np.sin(direction)
    return rows.astype(np.float32), (radius * np.cos(direction)).astype(np.float32)
