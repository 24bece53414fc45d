"""From a measured surface to the mark on it: what is breech face, and the smooth form under it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.circle import Circle, find_wall, fit_outline
from matcher.errors import ScanNotUsable
from matcher.parameters import Parameters
from matcher.plane import Mask, Plane, area_means, opened, pieces, ratio

_GRID_UM = 25.0
_READY_SHARE = 0.97
"""A scan that is this smooth as a whole was levelled and masked by its laboratory: its mask stands."""
_SOLID_SHARE = 0.499
_WALL_SHARE = 0.8
_SMALLEST_PRIMER_RADIUS_UM = 1000.0
_LARGEST_PRIMER_RADIUS_UM = 2700.0
"""Large pistol and large rifle primers are 5.33 mm across."""
_WHOLE_HEAD_UM = 6000.0
"""A field of view this wide shows the head around the primer as well."""
_LARGEST_HEAD_RADIUS_UM = 12_000.0
_HEAD_SUPPORT = 0.5
"""Share of the outline's corners; below it the field shows no edge of the head, and was centred by hand."""
_SMALLEST_PATCH_UM2 = 15_000.0
_REFINEMENTS = 4


@dataclass(frozen=True)
class Mark:
    """Where the breech face printed, on a grid of about 25 um.

    ``mask``: bool (rows, columns); ``form_um``: float32 of the same shape, the smooth surface under the mark,
    micrometres; ``spacing_um``: (y, x) of this grid.
    """

    mask: Mask
    form_um: Plane
    spacing_um: tuple[float, float]


def find_mark(
    heights_um: Plane,
    weights: Plane,
    spacing_um: tuple[float, float],
    parameters: Parameters,
) -> Mark:
    """Find the breech-face mark and the second-order surface under it.

    1. Reduce to a grid of about 25 um and fit a robust second-order surface to everything. Where nearly all of
       it lies close to that surface the scan is already masked, and all of it is the mark.
    2. Otherwise take out spikes, and look again.
    3. Otherwise find walls: missing points and steps that no breech face prints.
    4. Look between the primer's outline and the wall around the firing-pin aperture; keep the largest
       piece without walls.
    5. Fit the surface to that piece; add what lies close to it; repeat.

    ``heights_um``: float32 (rows, columns), 0 where ``weights`` (0 to 1) is 0.
    Raises ``ScanNotUsable`` where nothing is left that could be compared.
    """
    for despiked in (False, True):
        # 1. and 2.
        if despiked:
            weights = _without_spikes(heights_um, weights, parameters.levelling_tolerance_um)
        grid, solid, share, spacing = _reduce(heights_um, weights, spacing_um)
        _require(solid, spacing, parameters, "valid measured points")
        form = _robust_form(grid, solid)
        near = solid & (np.abs(grid - form) <= parameters.levelling_tolerance_um)
        if near.sum() >= _READY_SHARE * solid.sum():
            return Mark(near, form, spacing)

    # 3.
    wall = _walls(grid, solid, share, parameters.max_step_um)

    # 4.
    flat = ~wall & _between_circles(wall, solid, spacing)
    piece = _largest_piece(opened(flat, 2))
    _require(piece, spacing, parameters, "connected breech-face surface")

    # 5.
    for _ in range(_REFINEMENTS):
        form = _robust_form(grid, piece)
        near = flat & (np.abs(grid - form) <= parameters.levelling_tolerance_um)
        piece = _without_specks(opened(near, 1), spacing)
        _require(piece, spacing, parameters, "level breech-face surface")
    return Mark(piece, form, spacing)


def _without_spikes(heights: Plane, weights: Plane, tolerance_um: float) -> Plane:
    """The weights without single points that stand out from the median of their 3 x 3 neighbourhood."""
    smooth = np.asarray(cv2.medianBlur(heights, 3), np.float32)
    return np.where(np.abs(heights - smooth) > tolerance_um, np.float32(0), weights)


def _reduce(
    heights: Plane, weights: Plane, spacing_um: tuple[float, float]
) -> tuple[Plane, Mask, Plane, tuple[float, float]]:
    """Area means on a grid of about 25 um, where at least half was measured; that share; the exact spacing."""
    rows, columns = heights.shape
    shape = (max(1, round(rows * spacing_um[0] / _GRID_UM)), max(1, round(columns * spacing_um[1] / _GRID_UM)))
    share = area_means(weights, shape)
    solid = share > _SOLID_SHARE
    grid = ratio(area_means(heights * weights, shape), share, floor=_SOLID_SHARE)
    return grid, solid, share, (rows * spacing_um[0] / shape[0], columns * spacing_um[1] / shape[1])


def _robust_form(grid: Plane, mask: Mask) -> Plane:
    """The second-order surface through the masked points, by iteratively reweighted least squares (Tukey)."""
    rows, columns = grid.shape
    v, u = np.mgrid[-1.0 : 1.0 : rows * 1j, -1.0 : 1.0 : columns * 1j]
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    design, values = terms[mask], grid[mask].astype(np.float64)
    weight = np.ones(len(values))
    coefficients = np.zeros(6)
    for _ in range(8):
        weighted = design * weight[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0]
        residual = values - design @ coefficients
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-3
        weight = np.clip(1.0 - (residual / (4.685 * scale)) ** 2, 0.0, None) ** 2
    form: Plane = (terms @ coefficients).astype(np.float32)
    return form


def _walls(grid: Plane, solid: Mask, share: Plane, max_step_um: float) -> Mask:
    """Where much of the surface is missing (steep walls reflect nothing) or rises by a step within 50 um."""
    window = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(np.where(solid, grid, np.float32(-1e9)), window)
    lowest = cv2.erode(np.where(solid, grid, np.float32(1e9)), window)
    return np.asarray((share < _WALL_SHARE) | (highest - lowest > max_step_um))


def _between_circles(wall: Mask, solid: Mask, spacing_um: tuple[float, float]) -> Mask:
    """Inside the primer's outline and outside the wall around the firing-pin aperture, as far as either is seen."""
    body = _primer_body(wall, solid, spacing_um)
    if not body.any():
        return solid
    outline = fit_outline(body, spacing_um, _SMALLEST_PRIMER_RADIUS_UM, _LARGEST_PRIMER_RADIUS_UM)
    inside = _distance(solid.shape, spacing_um, outline) <= outline.radius_um
    aperture = find_wall(wall & inside, spacing_um, outline)
    if aperture is None:
        return solid & inside
    return solid & inside & (_distance(solid.shape, spacing_um, aperture) > aperture.radius_um)


def _primer_body(wall: Mask, solid: Mask, spacing_um: tuple[float, float]) -> Mask:
    """The surface that the primer's outline is looked for on: the largest piece; on a field that shows the head
    around the primer as well, the largest that does not reach farther from the head's centre than a primer."""
    rows, columns = solid.shape
    field = (rows * spacing_um[0], columns * spacing_um[1])
    if min(field) < _WHOLE_HEAD_UM:
        return _largest_piece(opened(solid, 2))
    head = fit_outline(solid, spacing_um, _WHOLE_HEAD_UM / 2, _LARGEST_HEAD_RADIUS_UM)
    if head.support < _HEAD_SUPPORT:
        head = Circle((field[0] / 2, field[1] / 2), _WHOLE_HEAD_UM / 2, 0.0)
    beyond = _distance(solid.shape, spacing_um, head) > _LARGEST_PRIMER_RADIUS_UM
    labels, sizes = pieces(opened(solid & ~wall, 2))
    sizes[np.unique(labels[beyond])] = 0
    if not sizes.any():
        return _largest_piece(opened(solid & ~beyond, 2))
    return np.asarray(labels == int(sizes.argmax()))


def _distance(shape: tuple[int, ...], spacing_um: tuple[float, float], circle: Circle) -> NDArray[np.float64]:
    y = np.arange(shape[0])[:, None] * spacing_um[0] - circle.centre_um[0]
    x = np.arange(shape[1])[None, :] * spacing_um[1] - circle.centre_um[1]
    distance: NDArray[np.float64] = np.hypot(y, x)
    return distance


def _largest_piece(mask: Mask) -> Mask:
    labels, sizes = pieces(mask)
    return np.asarray(mask & (labels == int(sizes.argmax())))


def _without_specks(mask: Mask, spacing_um: tuple[float, float]) -> Mask:
    labels, sizes = pieces(mask)
    return np.asarray((sizes * spacing_um[0] * spacing_um[1] >= _SMALLEST_PATCH_UM2)[labels])


def _require(mask: Mask, spacing_um: tuple[float, float], parameters: Parameters, what: str) -> None:
    area_mm2 = float(mask.sum()) * spacing_um[0] * spacing_um[1] / 1e6
    if area_mm2 < parameters.min_mark_area_mm2:
        raise ScanNotUsable(
            f"not usable: only {area_mm2:.2f} mm2 of {what}, and at least {parameters.min_mark_area_mm2:.2f} mm2 "
            "are needed to compare; scan the breech-face mark again or choose another region"
        )
