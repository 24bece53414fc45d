"""The striated region of a scan: found, turned so that its striae stand upright, and levelled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.level import averaged, require_sampling
from matcher.numeric.plane import Mask, Plane, blurred, disc, low_pass, opened_mask, pieces, ratio, sampled
from matcher.numeric.profile_parameters import ProfileParameters
from matcher.read.topography import Topography

_TENSOR_REACH_UM = 30.0
"""Deviation of the Gaussian over which directions are averaged: some three striae."""
_TILT_REACH_UM = 15.0
"""Deviation of the Gaussian whose mean slope is taken off: what is longer than some 80 um."""
_STEEPEST = 0.6
"""Rise over run, 31 degrees: flanks of striae are gentler, the edges of the region and spikes are not."""
_CLOSING_UM = 50.0
"""Where an edge had no contact, or was worn smooth, the striae pause."""
_OPENING_UM = 25.0
_COARSE_STEP_DEG, _FINE_STEP_DEG = 1.0, 0.1
_DIRECTION_REACH_DEG = 8.0
_DIRECTION_POINTS = 40_000
_ROUGH_DEVIATIONS = 6.0
_STRAIGHTENINGS = 2
_WAVER_POINTS = 6
"""15 um: what striae swerve by along a few tenths of a millimetre; more is another direction."""
_WAVER_LINES = 8.0


@dataclass(frozen=True)
class Strip:
    """A striated region, turned: rows run along the striae, columns across them.

    ``heights``: float32 (lines, n), micrometres, levelled, 0 where nothing was measured; ``weights``: float32
    (lines, n), 0 to 1; ``spacing_um``: between points, both ways; ``centre_um``: (y, x) of the strip's middle, from the
    scan's first point; ``direction_deg``: of its columns (across the striae), positive from +x towards +y,
    0 to 180.
    """

    heights: Plane
    weights: Plane
    spacing_um: float
    centre_um: tuple[float, float]
    direction_deg: float


@dataclass(frozen=True)
class Striated:
    """Where one direction prevails, before it is turned: ``region`` and ``heights`` (um) on a grid with ``spacing_um``
    (y, x), whose first point lies at ``origin_um``; ``across_deg`` as ``Strip.direction_deg``."""

    region: Mask
    heights: Plane
    spacing_um: tuple[float, float]
    origin_um: tuple[float, float]
    across_deg: float


def find_strip(topography: Topography, parameters: ProfileParameters) -> Strip:
    """Find the striated region of a scan of it, with or without what surrounds it.

    1. Average to points no finer than a profile's.
    2. Structure tensor of the low-passed surface: where one direction prevails, and which.
    3. The region is the largest piece where that direction prevails, as far as no step bounds it.
    4. Level it: subtract a robust second-order surface; drop what stands far out.
    5. Refine the direction: the one whose mean profile explains most of the surface.
    6. Sample the strip along it; subtract what is longer than twice the band.
    7. Straighten the striae: shift each line onto the mean profile.

    Raises ``ScanNotUsable`` with a sentence for the examiner where there are no striae.
    """
    # 1. to 3.
    striated = find_striated(topography, parameters)
    spacing, origin, across_deg = striated.spacing_um, striated.origin_um, striated.across_deg

    # 4.
    level, kept = _levelled(striated.heights, striated.region, spacing)

    # 5.
    across_deg = _refined_direction(level, kept, spacing, across_deg, parameters.spacing_um) % 180.0

    # 6.
    plane, share, middle = _turned(level, kept, spacing, across_deg, parameters.spacing_um)
    cutoff = 2.0 * parameters.band_um[1] / parameters.spacing_um
    form, _ = low_pass(plane, share, (cutoff, cutoff))
    centre = (origin[0] + middle[0], origin[1] + middle[1])
    flat = np.where(share > 0, plane - form, np.float32(0))

    # 7.
    for _ in range(_STRAIGHTENINGS):
        flat, share = _straightened(flat, share)
    return Strip(flat, share, parameters.spacing_um, centre, across_deg)


def find_striated(topography: Topography, parameters: ProfileParameters) -> Striated:
    """Steps 1 to 3 of ``find_strip``, which raises as this does."""
    # 1.
    require_sampling(topography, parameters.coarsest_usable_um)
    heights, weights, spacing, origin = averaged(topography, parameters.spacing_um)

    # 2.
    coherence, direction, steep = _directions(heights, weights, spacing, parameters)

    # 3.
    region, across_deg = _find_region(coherence, direction, (weights > 0) & ~steep, spacing, parameters)
    return Striated(region, heights, spacing, origin, across_deg)


def _directions(
    heights: Plane, weights: Plane, spacing_um: tuple[float, float], parameters: ProfileParameters
) -> tuple[Plane, NDArray[np.float64], Mask]:
    """How strictly one direction prevails around each point (0 to 1, 0 where unknown); that of the steepest
    rise, across the striae, in radians modulo pi (structure tensor, doi:10.1109/34.93808); what is too
    steep for striae."""
    short = 2.0 * parameters.band_um[0]
    smooth, share = low_pass(heights, weights, (short / spacing_um[0], short / spacing_um[1]))
    rise_y: Plane = np.gradient(smooth, spacing_um[0], axis=0)
    rise_x: Plane = np.gradient(smooth, spacing_um[1], axis=1)
    steep = np.asarray((share > 0.3) & (np.hypot(rise_y, rise_x) >= _STEEPEST))
    gentle = (share > 0.7) & ~steep
    solid = cv2.erode(gentle.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # about the local mean, or the tilt of the whole would outweigh the striae
    rise_y = rise_y - _mean(rise_y, solid, spacing_um, _TILT_REACH_UM)
    rise_x = rise_x - _mean(rise_x, solid, spacing_um, _TILT_REACH_UM)
    cosine, sine, energy = (
        _mean(product, solid, spacing_um, _TENSOR_REACH_UM)
        for product in (rise_x**2 - rise_y**2, 2.0 * rise_x * rise_y, rise_x**2 + rise_y**2)
    )
    floor = 1e-3 * float(np.median(energy[solid])) if solid.any() else 0.0
    coherence = np.where(solid, ratio(np.hypot(cosine, sine), energy, floor=floor), np.float32(0))
    return coherence, np.arctan2(sine, cosine, dtype=np.float64) / 2.0, steep


def _mean(plane: Plane, solid: Mask, spacing_um: tuple[float, float], reach_um: float) -> Plane:
    """The Gaussian mean over the solid points around."""
    reach = (reach_um / spacing_um[0], reach_um / spacing_um[1])
    count = blurred(solid.astype(np.float32), reach)
    return ratio(blurred(np.where(solid, plane, np.float32(0)), reach), count)


def _find_region(
    coherence: Plane,
    direction: NDArray[np.float64],
    usable: Mask,
    spacing_um: tuple[float, float],
    parameters: ProfileParameters,
) -> tuple[Mask, float]:
    """The largest piece with striae of one direction, and that direction (across them) in degrees."""
    counts, _ = np.histogram(direction % np.pi, bins=180, range=(0.0, np.pi), weights=coherence**2)
    window = np.hanning(2 * round(parameters.max_direction_deviation_deg) + 1)
    around = np.convolve(np.concatenate([counts, counts, counts]), window, mode="same")[180:360]
    main = np.deg2rad(float(np.argmax(around)) + 0.5)
    striated = coherence * np.cos(2.0 * (direction - main)) >= parameters.min_coherence
    across, along = (max(1, round(reach / max(spacing_um))) for reach in (_CLOSING_UM, _OPENING_UM))
    closed = cv2.morphologyEx(striated.astype(np.uint8), cv2.MORPH_CLOSE, disc(across, across)) > 0
    labels, sizes = pieces(np.asarray(opened_mask(np.asarray(closed), along) & usable))
    region = np.asarray(labels == int(sizes.argmax()))
    inside = direction[region & striated]
    if not sizes.any() or not inside.size:
        raise _no_striae()
    mean = np.arctan2(np.sin(2.0 * inside).sum(), np.cos(2.0 * inside).sum()) / 2.0
    return region, float(np.rad2deg(mean))


def _levelled(heights: Plane, region: Mask, spacing_um: tuple[float, float]) -> tuple[Plane, Mask]:
    """Heights above the robust second-order surface of the region, and the region without what stands far out."""
    rows, columns = np.nonzero(region)
    y, x = rows * spacing_um[0], columns * spacing_um[1]
    y, x = (y - y.mean()) / 1000.0, (x - x.mean()) / 1000.0
    design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    values = heights[region].astype(np.float64)
    weight, residual, scale = np.ones(len(values)), values, 1.0
    for _ in range(6):
        weighted = design * weight[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0]
        residual = values - design @ coefficients
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-6
        weight = np.clip(1.0 - (residual / (4.685 * scale)) ** 2, 0.0, None) ** 2
    level, kept = np.zeros_like(heights), np.zeros_like(region)
    near = np.abs(residual) <= _ROUGH_DEVIATIONS * scale
    level[rows[near], columns[near]] = residual[near]
    kept[rows[near], columns[near]] = True
    return level, kept


def _refined_direction(
    level: Plane, kept: Mask, spacing_um: tuple[float, float], across_deg: float, bin_um: float
) -> float:
    """The direction near the given one along which the mean profile explains most variance, in degrees."""
    rows, columns = np.nonzero(kept)
    every = max(1, len(rows) // _DIRECTION_POINTS)
    rows, columns = rows[::every], columns[::every]
    values = level[rows, columns].astype(np.float64)
    y, x = rows * spacing_um[0], columns * spacing_um[1]

    def explained(degrees: float) -> float:
        turn = np.deg2rad(degrees)
        place = np.floor((x * np.cos(turn) + y * np.sin(turn)) / (2.0 * bin_um)).astype(np.intp)
        place -= place.min()
        count = np.bincount(place)
        total = np.bincount(place, weights=values)
        return float((total**2 / np.maximum(count, 1)).sum())

    for step, reach in ((_COARSE_STEP_DEG, _DIRECTION_REACH_DEG), (_FINE_STEP_DEG, _COARSE_STEP_DEG)):
        candidates = across_deg + np.arange(-round(reach / step), round(reach / step) + 1) * step
        across_deg = float(max(candidates, key=explained))
    return across_deg


def _turned(
    level: Plane, kept: Mask, spacing_um: tuple[float, float], across_deg: float, step_um: float
) -> tuple[Plane, Plane, tuple[float, float]]:
    """The region on a grid whose columns run across the striae: heights, weights, and its middle (y, x) um."""
    rows, columns = np.nonzero(kept)
    turn = np.deg2rad(across_deg)
    y, x = rows * spacing_um[0], columns * spacing_um[1]
    across, along = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    points = int(np.ptp(across) / step_um) + 1
    lines = int(np.ptp(along) / step_um) + 1
    middle_across, middle_along = (across.max() + across.min()) / 2, (along.max() + along.min()) / 2
    middle_x = middle_across * np.cos(turn) - middle_along * np.sin(turn)
    middle_y = middle_across * np.sin(turn) + middle_along * np.cos(turn)
    column_step = np.array([np.cos(turn) / spacing_um[1], np.sin(turn) / spacing_um[0]]) * step_um
    row_step = np.array([-np.sin(turn) / spacing_um[1], np.cos(turn) / spacing_um[0]]) * step_um
    middle = np.array([middle_x / spacing_um[1], middle_y / spacing_um[0]])
    first = middle - column_step * (points - 1) / 2 - row_step * (lines - 1) / 2
    matrix = np.column_stack([column_step, row_step, first])
    solid = kept.astype(np.float32)
    share = sampled(solid, matrix, (lines, points))
    plane = ratio(sampled(level * solid, matrix, (lines, points)), share, floor=0.5)
    return plane, np.where(share > 0.5, share, np.float32(0)), (float(middle_y), float(middle_x))


def _straightened(plane: Plane, share: Plane) -> tuple[Plane, Plane]:
    """Each line shifted by up to ``_WAVER_POINTS`` to where it agrees best with the mean, smoothly along the striae."""
    signal = plane * share
    mean = ratio(signal.sum(axis=0), share.sum(axis=0))
    shifts = np.arange(-_WAVER_POINTS, _WAVER_POINTS + 1)
    padded = np.pad(mean, _WAVER_POINTS)
    shifted = np.stack([padded[_WAVER_POINTS - shift : _WAVER_POINTS - shift + len(mean)] for shift in shifts], axis=1)
    agreement = blurred(np.asarray(signal @ shifted, np.float32), (_WAVER_LINES, 1e-3))
    best = np.clip(agreement.argmax(axis=1), 1, len(shifts) - 2)
    before, at, after = (agreement[np.arange(len(best)), best + step] for step in (-1, 0, 1))
    bend = np.minimum(before - 2.0 * at + after, -1e-12)
    place = shifts[best] + np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    weight = share.sum(axis=1)[:, None]
    smooth = blurred(np.asarray(place[:, None] * weight, np.float32), (_WAVER_LINES, 1e-3))
    offset = ratio(smooth, blurred(weight, (_WAVER_LINES, 1e-3)))
    columns = np.arange(plane.shape[1], dtype=np.float32)[None, :] + offset
    lines = np.broadcast_to(np.arange(len(plane), dtype=np.float32)[:, None], columns.shape).copy()
    heights, weights = (
        np.asarray(cv2.remap(layer, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)
        for layer in (signal, share)
    )
    return ratio(heights, weights, floor=0.5), np.where(weights > 0.5, weights, np.float32(0))


def _no_striae() -> ScanNotUsable:
    return ScanNotUsable(
        "not usable: no striae of one direction were found; crop the scan to the aperture shear and check its focus"
    )
