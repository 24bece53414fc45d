"""The prefilter: a rotation-aware fingerprint of a few kilobytes, and its comparison with a whole gallery.

The magnitude of a surface's Fourier transform does not move when the surface does, and turns when it turns:
sampled in polar coordinates, a turn becomes a shift along the angle (Fourier-Mellin, doi:10.1109/83.506761).
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.clean import COARSE_POINTS, WorkingCopy

RINGS = 48
HARMONICS = 45
DESCRIPTOR_SHAPE = (HARMONICS, 2 * RINGS)
"""One row a harmonic of 180 degrees: real parts of all rings, then imaginary parts; int8, 4,320 bytes."""

_TRANSFORM_POINTS = 2 * COARSE_POINTS
"""Padded to twice the field, or the speckle of the spectrum is too fine to be sampled along circles."""
_FIRST_RADIUS = 12
"""In cycles per padded field (8 mm): rings from 667 um down to 74 um, the coarse band."""
_RADII_A_RING = 2
_TREND_RADII = 9.0
_DIRECTIONS = 360
_SCALE = 127.0 / 6.0 * np.sqrt(HARMONICS * 2.0 * RINGS)
"""Six standard deviations of a descriptor of unit length fill the int8 range."""
_TURNS = 128
_BLOCK = 256
"""References a pass: their float copies (4.4 MB) stay in the processor's cache."""


def describe(coarse: WorkingCopy) -> NDArray[np.int8]:
    """Make the descriptor of a coarse working copy.

    1. Fourier magnitude of the weighted heights, padded; its square root (the logarithm would give the
       nulls of the speckle the most weight).
    2. Sample it along half circles; subtract the trend along the radius; average pairs of radii.
    3. Bring each ring to mean 0 and deviation 1, so that no wavelength outvotes the others.
    4. Fourier transform along the angle; unit length; int8.

    Returns int8 of shape ``DESCRIPTOR_SHAPE``.
    """
    # 1.
    padded = np.zeros((_TRANSFORM_POINTS, _TRANSFORM_POINTS), np.float32)
    padded[:COARSE_POINTS, :COARSE_POINTS] = coarse.heights * coarse.weights
    spectrum = cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT, nonzeroRows=COARSE_POINTS)
    half = spectrum[:, : COARSE_POINTS + 1]
    magnitude = np.roll(np.sqrt(cv2.magnitude(half[..., 0], half[..., 1])), COARSE_POINTS, axis=0)

    # 2.
    rows, columns = _half_circles()
    polar = np.asarray(cv2.remap(magnitude, columns, rows, cv2.INTER_LINEAR), np.float32)
    trend = cv2.GaussianBlur(polar, (1, 0), sigmaX=0.1, sigmaY=_TREND_RADII, borderType=cv2.BORDER_REFLECT)
    polar -= np.asarray(trend, np.float32)
    rings = polar.reshape(RINGS, _RADII_A_RING, _DIRECTIONS).mean(axis=1)

    # 3.
    rings -= rings.mean(axis=1, keepdims=True)
    rings /= np.maximum(rings.std(axis=1, keepdims=True), np.float32(1e-12))

    # 4.
    harmonics = (rings @ _angular_transform()).reshape(RINGS, HARMONICS, 2)
    harmonics /= np.linalg.norm(harmonics)
    scaled = np.clip(np.rint(harmonics * _SCALE), -127, 127).astype(np.int8)
    return np.ascontiguousarray(scaled.transpose(1, 2, 0)).reshape(DESCRIPTOR_SHAPE)


def prefilter(
    query: NDArray[np.int8], descriptors: NDArray[np.int8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compare one descriptor with all references at every rotation.

    ``query``: int8, ``DESCRIPTOR_SHAPE``; ``descriptors``: int8, (n, *DESCRIPTOR_SHAPE), may be memory-mapped.
    Returns ``scores`` float32 (n,), 1 for the same scan and about 0.05 for unrelated ones, and ``rotations``
    float32 (n,): by how many degrees (0 to 180, positive from +x towards +y) the query is to be turned onto the
    reference; the half turn stays open, since a magnitude spectrum is the same upside down.
    """
    kernel, synthesis = _query_kernel(query), _synthesis(_TURNS)
    count = len(descriptors)
    scores, turns = np.empty(count, np.float32), np.empty(count, np.intp)
    floats = np.empty((min(_BLOCK, count), *DESCRIPTOR_SHAPE), np.float32)
    for start in range(0, count, _BLOCK):
        block = floats[: min(_BLOCK, count - start)]
        np.copyto(block, descriptors[start : start + len(block)])
        products = np.matmul(block.transpose(1, 0, 2), kernel)
        curves = products.transpose(1, 0, 2).reshape(len(block), 2 * HARMONICS) @ synthesis
        best = curves.argmax(axis=1)
        turns[start : start + len(block)] = best
        scores[start : start + len(block)] = curves[np.arange(len(block)), best]
    return scores, (turns * (180.0 / _TURNS)).astype(np.float32)


def rotation_curve(moving: NDArray[np.int8], fixed: NDArray[np.int8], turns: int) -> NDArray[np.float32]:
    """The correlation of two descriptors at ``turns`` rotations of the moving scan, evenly over 180 degrees."""
    products = np.matmul(fixed[:, None, :].astype(np.float32), _query_kernel(moving))
    return np.asarray((products.reshape(1, 2 * HARMONICS) @ _synthesis(turns))[0])


def _query_kernel(query: NDArray[np.int8]) -> NDArray[np.float32]:
    """(HARMONICS, 2 RINGS, 2): a reference's row times it gives the real and imaginary part of query x conj(ref)."""
    values = query.astype(np.float32) / np.float32(_SCALE**2)
    real, imaginary = values[:, :RINGS], values[:, RINGS:]
    first = np.concatenate([real, imaginary], axis=1)
    second = np.concatenate([imaginary, -real], axis=1)
    return np.stack([first, second], axis=-1)


@cache
def _synthesis(turns: int) -> NDArray[np.float32]:
    """(2 HARMONICS, turns): from harmonics (real, imaginary, ...) to the correlation at each rotation."""
    phase = 2.0 * np.pi * np.outer(np.arange(1, HARMONICS + 1), np.arange(turns) / turns)
    return np.stack([np.cos(phase), np.sin(phase)], axis=1).reshape(2 * HARMONICS, turns).astype(np.float32)


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
