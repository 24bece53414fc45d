"""What photographs and topographies have in common: the relief, whatever light it was seen in.

Under light from one side, brightness follows the slope towards the light; its gradient is then the curvature
towards the light, H l, with the Hessian H of the heights and the light's direction l. Averaged over all directions of
light, |H l|^2 is half the sum of the squares of H's elements. So the local energy of a photograph's gradient stands
beside the local energy of a topography's second derivatives. The logarithm turns gain (exposure, reflectance,
vignetting, the angle between a ridge and the light) into a sum of slow waves, which the band-pass removes.

Where the light's direction is known, brightness can be summed up along it to heights again (Linear shape from
shading, International Journal of Computer Vision 4 (1990) 153-162, here regularised), which keeps the sign and compares
with topographies as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy  # its fft is loaded when first used: the process that serves never does

from matcher.mark.level import LevelledMark
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, low_pass, ratio

_FLOOR = 0.05
"""Of the typical gradient: below it lies the rounding of 8 bits, whose logarithm would be all noise."""
_LEAST_COSINE = 0.2
"""Slopes across the light, within 12 degrees: a noted clock hour is wrong by 9 degrees (rms), and lamps are wide."""
_CLIP_DEVIATIONS = 3.0


def relief_of_heights(mark: LevelledMark, parameters: Parameters) -> LevelledMark:
    """The mark with the logarithm of its curvature's local energy in place of heights (no unit)."""
    smooth = _smoothed(mark, parameters)
    slope_y, slope_x = _gradient(smooth, mark)
    energy = sum((part * part for slope in (slope_y, slope_x) for part in _gradient(slope, mark)), np.float32(0))
    return _logarithm(np.asarray(energy, np.float32), mark, parameters)


def relief_of_brightness(mark: LevelledMark, parameters: Parameters) -> LevelledMark:
    """The mark with the logarithm of its brightness gradient's local energy in place of brightness (no unit)."""
    slope_y, slope_x = _gradient(_smoothed(mark, parameters), mark)
    return _logarithm(slope_y * slope_y + slope_x * slope_x, mark, parameters)


def heights_of_shading(mark: LevelledMark, azimuth_deg: float, parameters: Parameters) -> LevelledMark:
    """The mark with heights (of unknown scale) in place of brightness under light from one side.

    1. Brightness over its local mean: what is left is the slope towards the light. Clip it: glints lie.
    2. Divide the Fourier transform by i k l, regularised where the wave vector k lies across the light l.

    ``azimuth_deg``: where the light comes from, from +x towards +y.
    """
    # 1.
    long = parameters.coarse_band_um[1]
    inside = (mark.weights > 0).astype(np.float32)
    mean, _ = low_pass(mark.heights, inside, (long / mark.spacing_um[0], long / mark.spacing_um[1]))
    contrast = np.where(inside > 0, ratio(mark.heights, mean) - np.float32(1), np.float32(0))
    deviation = 1.4826 * float(np.median(np.abs(contrast[inside > 0])))
    contrast = np.clip(contrast, -_CLIP_DEVIATIONS * deviation, _CLIP_DEVIATIONS * deviation)

    # 2.
    padded = [
        int(scipy.fft.next_fast_len(points + int(long / spacing), real=True))
        for points, spacing in zip(contrast.shape, mark.spacing_um, strict=True)
    ]
    wave_y = 2.0 * np.pi * scipy.fft.fftfreq(padded[0], mark.spacing_um[0])[:, None]
    wave_x = 2.0 * np.pi * scipy.fft.rfftfreq(padded[1], mark.spacing_um[1])[None, :]
    azimuth = np.deg2rad(azimuth_deg)
    along = wave_x * np.cos(azimuth) + wave_y * np.sin(azimuth)
    squared = wave_x**2 + wave_y**2 + (2.0 * np.pi / long) ** 2
    inverse = (1j * along / (along**2 + _LEAST_COSINE**2 * squared)).astype(np.complex64)
    heights = scipy.fft.irfft2(scipy.fft.rfft2(contrast, padded) * inverse, padded)
    rows, columns = contrast.shape
    return replace(mark, heights=np.where(inside > 0, heights[:rows, :columns], 0.0).astype(np.float32))


def light_axis_deg(mark: LevelledMark, parameters: Parameters) -> float:
    """Along which line the light of a side-lit photograph came, 0 to 180 degrees from +x towards +y.

    Brightness varies most along the light, three times as much as across it on a surface that looks the same in all
    directions (doi:10.1109/TPAMI.1984.4767501). From which end it came the brightness alone does not tell: bumps
    under one are dents under the other.
    """
    slope_y, slope_x = _gradient(_smoothed(mark, parameters), mark)
    twice = np.arctan2(2.0 * float((slope_y * slope_x).sum()), float((slope_x * slope_x - slope_y * slope_y).sum()))
    return float(np.rad2deg(twice) / 2.0 % 180.0)


def _smoothed(mark: LevelledMark, parameters: Parameters) -> Plane:
    """Without the waves that are too short to be compared."""
    return _mean(mark.heights, mark, parameters.fine_band_um[0])


def _mean(values: Plane, mark: LevelledMark, cutoff_um: float) -> Plane:
    smooth, _ = low_pass(values, mark.weights, (cutoff_um / mark.spacing_um[0], cutoff_um / mark.spacing_um[1]))
    return np.where(mark.weights > 0, smooth, np.float32(0))


def _gradient(values: Plane, mark: LevelledMark) -> tuple[Plane, Plane]:
    """Slopes along y and x, one-sided where a neighbour is missing, 0 outside the mark."""
    return masked_gradient(values, mark.weights > 0, mark.spacing_um)


def masked_gradient(
    values: Plane, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], spacing_um: tuple[float, float]
) -> tuple[Plane, Plane]:
    """Slopes along y and x from the neighbours that are inside; one-sided at the rim, 0 outside it."""
    slopes = []
    for axis in (0, 1):
        after, before = np.roll(values, -1, axis), np.roll(values, 1, axis)
        has_after, has_before = np.roll(inside, -1, axis), np.roll(inside, 1, axis)
        edge = [slice(None), slice(None)]
        edge[axis] = slice(-1, None)
        has_after[tuple(edge)] = False
        edge[axis] = slice(0, 1)
        has_before[tuple(edge)] = False
        steps = has_after.astype(np.float32) + has_before
        rise = np.where(has_after, after, values) - np.where(has_before, before, values)
        slope = rise / np.maximum(steps, np.float32(1)) / np.float32(spacing_um[axis])
        slopes.append(np.where(inside & (steps > 0), slope, np.float32(0)).astype(np.float32))
    return slopes[0], slopes[1]


def _logarithm(energy: Plane, mark: LevelledMark, parameters: Parameters) -> LevelledMark:
    inside = mark.weights > 0
    local = _mean(energy, mark, parameters.coarse_band_um[0])
    floor = _FLOOR**2 * float(np.median(local[inside])) + 1e-12 if inside.any() else 1.0
    relief = 0.5 * np.log(local + np.float32(floor))
    return replace(mark, heights=np.where(inside, relief, np.float32(0)))
