"""Heights as a check compares them: without form, within one band; and whether they tell one place from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy  # its fft and ndimage are loaded when first used: the process that serves never does
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark
from matcher.mark.regions import level_region
from matcher.numeric.parameters import ImpressionParameters, Parameters
from matcher.numeric.plane import Plane, low_pass
from matcher.read.topography import Topography

LEAST_ROUGH_UM: Final = 0.05
"""Root mean square of a specimen's marks: those of two public sets have .8 um at least, instruments' noise a hundredth
of one."""
MOST_ALIKE: Final = 0.7
"""Highest correlation of a specimen with itself, moved by half a cell or more. Marks of two public sets have .25 at
most, drawn ones .35; step heights, lines and grids .99 and more."""
_SHARED: Final = 0.3
"""Of the mark with itself, moved: less says little."""


@dataclass(frozen=True)
class CheckBand:
    """Wavelengths in um that a check looks at: from ``short`` to ``long``. Heights are held against each other on those
    above ``heights``, which neither noise nor a lack of sharpness changes much; those below ``detail`` show whether
    fine detail is passed on."""

    short: float
    detail: float
    heights: float
    long: float


BREECH_FACE_BAND: Final = CheckBand(30.0, 60.0, 100.0, 500.0)
"""From the matcher's shortest wave to its longest: the instrument is checked on what is compared."""
FIRING_PIN_BAND: Final = CheckBand(25.0, 50.0, 75.0, 250.0)
"""The same at half the size, as far as points of 6.25 um show it."""


def check_band(parameters: Parameters) -> CheckBand:
    """Of the parameters' region."""
    return FIRING_PIN_BAND if isinstance(parameters, ImpressionParameters) else BREECH_FACE_BAND


def require_texture(topography: Topography, parameters: Parameters) -> None:
    """Raises ``ScanNotUsable`` where a surface cannot be told from itself moved: a plane, a step, lines, a grid.

    1. Take the heights of the mark within the band, without form.
    2. They must stand out from noise.
    3. Correlate them with themselves at all shifts (masked, as the registration does): far from 0 none may agree.
    """
    # 1.
    band, spacing = check_band(parameters), topography.spacing_um
    weights = mark_on(level_region(topography, parameters), topography)
    level = without_form(filled(topography.heights_um), weights)
    heights = band_of(level, weights, spacing, 2.0 * band.short, band.long)

    # 2.
    rough = float(np.sqrt((weights * heights**2).sum() / max(float(weights.sum()), 1.0)))
    if rough < LEAST_ROUGH_UM:
        raise ScanNotUsable(f"not usable: its marks are {rough:.3f} um deep, as noise is; take a specimen with marks")

    # 3.
    shape = tuple(2 * size for size in heights.shape)
    signal, energy, area = (scipy.fft.rfft2(plane, shape) for plane in (heights, heights**2, weights))
    shared = _products(area, area, shape)
    strength = _products(energy, area, shape) * _products(area, energy, shape)
    alike = _products(signal, signal, shape) / np.sqrt(np.maximum(strength, 1e-12))
    y, x = (np.fft.fftfreq(size) * size * step for size, step in zip(shape, spacing, strict=True))
    far = np.hypot(y[:, None], x[None, :]) > parameters.cell_size_um / 2.0
    looked_at = far & (shared > _SHARED * shared[0, 0])
    if looked_at.any() and float(alike[looked_at].max()) > MOST_ALIKE:
        raise ScanNotUsable(
            "not usable: it looks alike wherever it is laid, as steps, lines and grids do; take a specimen with "
            "irregular marks, such as a standard cartridge case"
        )


def _products(one: NDArray[Any], other: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The sums over all points at all shifts, from two transforms."""
    return np.asarray(scipy.fft.irfft2(one * other.conj(), shape), np.float64)


def without_form(heights: Plane, weights: Plane) -> Plane:
    """Less the surface of second order that fits best: how it was laid, and how it is curved as a whole."""
    rows, columns = np.nonzero(weights > 0.5)
    step = max(1, len(rows) // 20_000)  # six unknowns of a smooth surface need no more points
    x, y, z = (
        columns[::step] / heights.shape[1],
        rows[::step] / heights.shape[0],
        heights[rows[::step], columns[::step]],
    )
    if len(x) < 6:
        return heights
    found = np.linalg.lstsq(_second_order(x, y), z.astype(np.float64), rcond=None)[0]
    all_y, all_x = (np.arange(size) / size for size in heights.shape)
    form = (
        found[0]
        + found[1] * all_x[None, :]
        + found[2] * all_y[:, None]
        + found[3] * all_x[None, :] ** 2
        + found[4] * all_x[None, :] * all_y[:, None]
        + found[5] * all_y[:, None] ** 2
    )
    return np.asarray((heights - form) * (weights > 0.0), np.float32)


def _second_order(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def band_of(heights: Plane, weights: Plane, spacing_um: tuple[float, float], short_um: float, long_um: float) -> Plane:
    """Waves between two cutoffs (ISO 16610-61, normalised where points are missing), 0 outside the weights."""
    smooth, _ = low_pass(heights, weights, (short_um / spacing_um[0], short_um / spacing_um[1]))
    waves, _ = low_pass(heights, weights, (long_um / spacing_um[0], long_um / spacing_um[1]))
    return np.asarray((smooth - waves) * (weights > 0.0), np.float32)


def filled(heights: Plane) -> Plane:
    """Missing points take the value of the nearest that was measured: what lies beside them is sampled undisturbed."""
    missing = np.isnan(heights)
    if not missing.any():
        return heights
    rows, columns = scipy.ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(heights[rows, columns], np.float32)


def mark_on(mark: LevelledMark, grid: Topography) -> Plane:
    """A mark's weights on the points of a map; the mark of a map has the map's own grid, or one of whole blocks."""
    y, x = (
        np.clip(np.rint((np.arange(size) * step - start) / block), 0, most - 1).astype(int)
        for size, step, start, block, most in zip(
            grid.heights_um.shape, grid.spacing_um, mark.origin_um, mark.spacing_um, mark.weights.shape, strict=True
        )
    )
    return np.asarray((mark.weights[np.ix_(y, x)] > 0.5) & np.isfinite(grid.heights_um), np.float32)
