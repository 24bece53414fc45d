"""The firing pin impression of a scan, lifted out of its dent: bottom and gentle walls, levelled.

The bottom is curved, a few hundred micrometres deep, and what lies around it (flow-back, the primer, steep walls)
carries no marks of the pin: the difficulty of comparing it, doi:10.1016/j.forsciint.2023.111858.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark, averaged, require_sampling
from matcher.numeric.circle import fit_outline
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Mask, Plane, area_means, interpolated, opened_mask, pieces, ratio
from matcher.read.topography import Topography

_BASE_SPACING_UM = 3.125
"""Finer points are averaged first: a quarter of the shortest wavelength kept (15 um) is 3.75 um."""
_GRID_UM = 12.5
_SMALLEST_RADIUS_UM = 250.0
_LARGEST_RADIUS_UM = 1250.0
_SOLID_SHARE = 0.499
_LEAST_DEPTH_UM = 30.0
"""Water would stand this deep in a dent; in the relief of marks on a flat bottom it does not."""
_BASIN_SHARE = 0.6
"""Where most of the scan is under water, it was cropped to the dent, and its rim is the dent's too."""
_WATER_STEP_POINTS = 400
_DEGREE = 4
"""Of the form: a sphere's cap of 1.2 mm and 300 um depth differs from its fourth-order surface by 4 um, and from its
second-order one by 24."""
_REFINEMENTS = 4


def level_impression(topography: Topography, parameters: Parameters) -> LevelledMark:
    """Find the dent of a firing pin on a scan of the dent alone, or of what surrounds it as well, and level it.

    1. Average to points no finer than about 3 um; reduce to a grid of about 12 um.
    2. Find the dent: where the most water would stand, once what surrounds it is level. A scan that is a dent as a
       whole holds it everywhere, and so does what a user outlined.
    3. Take out the walls: missing points and slopes of more than 45 degrees. Keep the largest piece.
    4. Fit a fourth-order surface to it, robustly; keep what lies close (a drag and torn edges do not); repeat.
    5. Subtract the form on the measured grid. The centre is that of the circle behind the outline.

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    # 1.
    require_sampling(topography, parameters.coarsest_usable_um)
    heights, weights, spacing, origin = averaged(topography, _BASE_SPACING_UM)
    grid, solid, grid_spacing = _reduced(_without_spikes(heights, weights, parameters), heights, spacing)
    _require(solid, grid_spacing, parameters)

    # 2.
    dent = solid if topography.outlined else _find_dent(grid, solid, grid_spacing)
    if not dent[solid].all():
        # water stands level, and the primer may not: level it by what lies around the dent, and look again
        dent = _find_dent(grid - _robust_form(grid, solid & ~dent, degree=1), solid, grid_spacing)

    # 3.
    gentle = dent & ~_walls(grid, solid, grid_spacing, parameters.max_step_um)
    piece = _largest_piece(opened_mask(gentle, 2))
    _require(piece, grid_spacing, parameters)

    # 4.
    for _ in range(_REFINEMENTS):
        form = _robust_form(grid, piece)
        near = gentle & (np.abs(grid - form) <= parameters.levelling_tolerance_um)
        piece = _largest_piece(opened_mask(near, 1))
        _require(piece, grid_spacing, parameters)

    # 5.
    shape = (heights.shape[0], heights.shape[1])
    level = heights - interpolated(form, shape)
    mask = interpolated(piece.astype(np.float32), shape) >= 0.5
    keep = mask & (weights > 0) & (np.abs(level) <= parameters.levelling_tolerance_um)
    circle = fit_outline(piece, grid_spacing, _SMALLEST_RADIUS_UM, _LARGEST_RADIUS_UM)
    y, x = (
        centre + (coarse - fine) / 2
        for centre, coarse, fine in zip(circle.centre_um, grid_spacing, spacing, strict=True)
    )
    zero = np.float32(0)
    return LevelledMark(np.where(keep, level, zero), np.where(keep, weights, zero), spacing, origin, (y, x))


def _without_spikes(heights: Plane, weights: Plane, parameters: Parameters) -> Plane:
    """The weights without single points that stand out from the median of their 3 x 3 neighbourhood."""
    smooth = np.asarray(cv2.medianBlur(heights, 3), np.float32)
    return np.where(np.abs(heights - smooth) > parameters.levelling_tolerance_um, np.float32(0), weights)


def _reduced(
    weights: Plane, heights: Plane, spacing_um: tuple[float, float]
) -> tuple[Plane, Mask, tuple[float, float]]:
    """Area means on a grid of about 12.5 um, where at least half was measured, and the exact spacing."""
    rows, columns = heights.shape
    shape = (max(1, round(rows * spacing_um[0] / _GRID_UM)), max(1, round(columns * spacing_um[1] / _GRID_UM)))
    share = area_means(weights, shape)
    grid = ratio(area_means(heights * weights, shape), share, floor=_SOLID_SHARE)
    return grid, share > _SOLID_SHARE, (rows * spacing_um[0] / shape[0], columns * spacing_um[1] / shape[1])


def _find_dent(grid: Plane, solid: Mask, spacing_um: tuple[float, float]) -> Mask:
    """The part of the solid grid that is the dent; all of it where it shows nothing else.

    Of the basins that are as compact and as wide as a dent, the one that holds the most water. The groove
    around a primer holds more, but is a ring.
    """
    water = _flooded(grid, solid) - grid
    wet = solid & (water > _LEAST_DEPTH_UM / 2)
    labels, sizes = pieces(wet)
    volumes = np.bincount(labels.ravel(), weights=np.where(wet, water, 0.0).ravel(), minlength=len(sizes))
    depths = np.zeros(len(sizes))
    np.maximum.at(depths, labels.ravel(), np.where(wet, water, np.float32(0)).ravel())
    area = sizes * spacing_um[0] * spacing_um[1]
    allowed = (depths >= _LEAST_DEPTH_UM) & (area <= np.pi * _LARGEST_RADIUS_UM**2)
    allowed &= area >= np.pi * _SMALLEST_RADIUS_UM**2 / 2
    for label in np.argsort(-np.where(allowed, volumes, -1.0)):
        if not allowed[label]:
            break
        basin = np.asarray(labels == label)
        hull = _hull(basin)
        # a wall that reflects nothing leaves a ring without points, which belongs to the dent that it surrounds
        if basin.sum() >= 0.5 * hull.sum():
            return solid if (hull & solid).sum() >= _BASIN_SHARE * solid.sum() else np.asarray(hull & solid)
    return solid


def _flooded(grid: Plane, solid: Mask) -> Plane:
    """How high water would stand: it flows over every rim, off the field, and into what was not measured outside.

    Grey-scale reconstruction by erosion (doi:10.1109/83.217222). Missing points inside hold it back, as walls do.
    """
    outside = _reached_from_border(~solid)
    top = np.float32(grid[solid].max())
    ground = np.where(solid, grid, top)
    ground[outside] = grid[solid].min()
    level = np.full_like(ground, top)
    level[[0, -1], :], level[:, [0, -1]] = ground[[0, -1], :], ground[:, [0, -1]]
    level[outside] = ground[outside]
    cross = np.asarray(cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), np.uint8)
    # bounded: water that finds its way out through a longer channel than this stands in no dent
    for _ in range(_WATER_STEP_POINTS):
        lower = np.maximum(np.asarray(cv2.erode(level, cross), np.float32), ground)
        if np.array_equal(lower, level):
            break
        level = lower
    return level


def _reached_from_border(missing: Mask) -> Mask:
    """The missing points that hang together with the field's border."""
    framed = np.pad(missing, 1, constant_values=True)
    labels, _ = pieces(framed)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])


def _hull(mask: Mask) -> Mask:
    rows, columns = np.nonzero(mask)
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), hull, 1) > 0)


def _walls(grid: Plane, solid: Mask, spacing_um: tuple[float, float], max_step_um: float) -> Mask:
    """Where the surface is missing, or rises by more than ``max_step_um`` over two points (25 um)."""
    window = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(np.where(solid, grid, np.float32(-1e9)), window)
    lowest = cv2.erode(np.where(solid, grid, np.float32(1e9)), window)
    limit = max_step_um * (spacing_um[0] + spacing_um[1]) / (2.0 * _GRID_UM)
    return np.asarray(~solid | (highest - lowest > limit))


def _robust_form(grid: Plane, mask: Mask, degree: int = _DEGREE) -> Plane:
    """The surface of that degree through the masked points, by iteratively reweighted least squares (Tukey)."""
    rows, columns = grid.shape
    v, u = np.mgrid[-1.0 : 1.0 : rows * 1j, -1.0 : 1.0 : columns * 1j]
    # centred and scaled to the mark, or high powers of its far corner would lose all digits
    inside_v, inside_u = v[mask], u[mask]
    v = (v - inside_v.mean()) / max(float(np.ptp(inside_v)), 1e-3)
    u = (u - inside_u.mean()) / max(float(np.ptp(inside_u)), 1e-3)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    terms = np.stack([v**i * u**j for i, j in powers], axis=-1)
    design, values = terms[mask], grid[mask].astype(np.float64)
    weight = np.ones(len(values))
    coefficients: NDArray[np.float64] = np.zeros(len(powers))
    for _ in range(8):
        weighted = design * weight[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0]
        residual = values - design @ coefficients
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-3
        weight = np.clip(1.0 - (residual / (4.685 * scale)) ** 2, 0.0, None) ** 2
    return np.asarray(terms @ coefficients, np.float32)


def _largest_piece(mask: Mask) -> Mask:
    labels, sizes = pieces(mask)
    return np.asarray(mask & (labels == int(sizes.argmax())))


def _require(mask: Mask, spacing_um: tuple[float, float], parameters: Parameters) -> None:
    area_mm2 = float(mask.sum()) * spacing_um[0] * spacing_um[1] / 1e6
    if area_mm2 < parameters.min_mark_area_mm2:
        raise ScanNotUsable(
            f"not usable: only {area_mm2:.2f} mm2 of the firing pin impression can be levelled, and at least "
            f"{parameters.min_mark_area_mm2:.2f} mm2 are needed to compare; scan the dent's bottom again"
        )
