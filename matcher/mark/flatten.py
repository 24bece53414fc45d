"""The flattened spectrum: every wavelength of a mark has the same say in its registration.

Marks, form and noise differ by orders of magnitude in strength from wavelength to wavelength. A correlation listens to
the strongest; what tells two firearms apart is spread over all. Dividing by the scan's own spectrum, averaged around
the circle, is the matched filter for noise of that spectrum (prewhitening, doi:10.1109/TIT.1960.1057571), and
takes nothing from the direction of the marks.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import scipy  # its fft is loaded when first used: the process that serves never does
from numpy.typing import NDArray

from matcher.numeric.plane import Plane

_SMOOTHING_BINS = 1.5
"""Of the spectrum over the radius: fewer would flatten the speckle of a single scan, more its slope."""


def flattened(heights: Plane, weights: Plane, band_points: tuple[float, float], clip_deviations: float) -> Plane:
    """Bring each wavelength within the band to the same strength.

    1. Fourier transform of the weighted heights, padded to twice the field.
    2. Mean power around circles; smooth its logarithm along the radius; divide by its square root.
    3. Keep the band: half of the amplitude passes at its ends (ISO 16610-61).
    4. Scale by the median absolute deviation where the mark was measured; clip.

    ``heights``, ``weights``: float32 (n, n); ``band_points``: shortest and longest wavelength, in grid points.
    Returns float32 (n, n), 0 where nothing was measured.
    """
    # 1.
    points = len(heights)
    spectrum = scipy.fft.rfft2(heights * weights, s=(2 * points, 2 * points))

    # 2.
    ring, gain = _rings(points), _band(points, band_points)
    total = np.bincount(ring.ravel(), (spectrum.real**2 + spectrum.imag**2).ravel())
    power = total / np.bincount(ring.ravel())
    level = np.log(power + 1e-12 * power.max() + 1e-30)[None, :]
    smooth = cv2.GaussianBlur(level, (0, 0), sigmaX=_SMOOTHING_BINS, sigmaY=0.1, borderType=cv2.BORDER_REFLECT)[0]

    # 3.
    spectrum *= gain * np.exp(-0.5 * smooth).astype(np.float32)[ring]
    flat = scipy.fft.irfft2(spectrum, s=(2 * points, 2 * points))[:points, :points]

    # 4.
    inside = flat[weights >= 0.5]
    deviation = 1.4826 * float(np.median(np.abs(inside))) if inside.size else 0.0
    if deviation <= 0.0:
        return np.zeros_like(heights)
    scaled = np.clip(flat / np.float32(deviation), -clip_deviations, clip_deviations)
    return np.where(weights > 0.0, scaled, np.float32(0))


@cache
def _rings(points: int) -> NDArray[np.intp]:
    """(2 n, n + 1): the ring, in cycles per padded field, of each value of a real transform."""
    return np.rint(_radius(points)).astype(np.intp)


@cache
def _band(points: int, band_points: tuple[float, float]) -> Plane:
    cycles = _radius(points) / (2 * points)
    short, long = band_points
    low, high = np.exp(-np.log(2.0) * (short * cycles) ** 2), np.exp(-np.log(2.0) * (long * cycles) ** 2)
    return np.asarray(low * (1.0 - high), np.float32)


def _radius(points: int) -> NDArray[np.float64]:
    rows, columns = scipy.fft.fftfreq(2 * points, 1 / (2 * points)), np.arange(points + 1)
    return np.asarray(np.hypot(rows[:, None], columns[None, :]))
