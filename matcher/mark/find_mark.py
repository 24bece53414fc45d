"""From a measured surface to the mark on it: what is breech face, and the smooth form under it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.trim_edges import distance_um, inner_part, without_edges
from matcher.numeric.circle import Circle, find_wall, fit_outline
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Mask, Plane, area_means, opened_mask, pieces, ratio

_ON_EDGE_UM = 50.0
_BEYOND_UM = np.arange(100.0, 201.0, 25.0)
_FIELD_EDGE_UM = 25.0
_DIRECTIONS = 360
_GAP_DEG = 3


def round_edge_deg(mask: Mask, level: Mask, outline: Circle, spacing_um: tuple[float, float]) -> int:
    """The degrees of the longest arc on which the mark, and the level surface with it, ends on its outline's circle.

    1. Find how far the mark reaches in each direction from the circle's centre.
    2. Keep the directions in which it ends on the circle, and not where the field ends.
    3. Of these, keep those in which most of what lies 100 to 200 um beyond is no level surface: a circle drawn on a
       wide plane is no edge.
    4. Take the longest run of neighbours; gaps of up to 3 degrees are dirt.

    ``mask``: bool (rows, columns), the mark; ``level``: the same shape, measured and close to the form, mark or not.
    """
    if outline.support == 0.0:
        return 0

    # 1.
    y, x = (
        places * step - centre
        for places, step, centre in zip(np.nonzero(mask), spacing_um, outline.centre_um, strict=True)
    )
    direction = np.rint(np.rad2deg(np.arctan2(y, x))).astype(np.intp) % _DIRECTIONS
    reach = np.zeros(_DIRECTIONS)
    np.maximum.at(reach, direction, np.hypot(y, x))

    # 2.
    turn = np.deg2rad(np.arange(_DIRECTIONS))
    ends = np.abs(reach - outline.radius_um) < _ON_EDGE_UM
    rest = [np.zeros(0)] * 2
    for axis, along in enumerate((np.sin(turn), np.cos(turn))):
        place, last = outline.centre_um[axis] + along * reach, (mask.shape[axis] - 1) * spacing_um[axis]
        ends &= (place > _FIELD_EDGE_UM) & (place < last - _FIELD_EDGE_UM)
        rest[axis] = np.rint((place[:, None] + along[:, None] * _BEYOND_UM) / spacing_um[axis])

    # 3.
    rows, columns = (places.astype(np.intp) for places in rest)
    within = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    goes_on = np.zeros(rows.shape, np.bool_)
    goes_on[within] = level[rows[within], columns[within]]
    ends &= goes_on.mean(axis=1) < 0.5

    # 4.
    return _longest_arc(ends)


def _longest_arc(on_edge: Mask) -> int:
    """Directions in the longest run, and the short gaps in it."""
    if on_edge.all():
        return _DIRECTIONS
    # from twice around, so that a run across the first direction is one
    places = np.flatnonzero(np.tile(on_edge, 2))
    if not places.size:
        return 0
    runs = np.split(places, np.flatnonzero(np.diff(places) > _GAP_DEG + 1) + 1)
    return min(_DIRECTIONS, max(int(run[-1] - run[0]) + 1 for run in runs))


_GRID_UM = 25.0
_READY_SHARE = 0.97
"""A scan that is this smooth as a whole was levelled and masked by its laboratory: its mask stands."""
_SOLID_SHARE = 0.499
_WALL_SHARE = 0.74
"""A quarter of a grid point's points may be missing by chance: at 12.5 um it has four."""
_SMALLEST_PRIMER_RADIUS_UM = 1000.0
_LARGEST_PRIMER_RADIUS_UM = 2700.0
"""Large pistol and large rifle primers are 5.33 mm across."""
_BRIDGE_POINTS = (4, 2)
_WIDE_SHARE = 0.5
_NOT_ROUND_SHARE = 0.08
_SEEDS = 6
_SEED_SHARE = 0.05
_UNROUNDED = 0.02
"""How much a piece without a primer's circle counts: the head is ten times as large as a mark."""
_SMALLEST_PATCH_UM2 = 15_000.0
_REFINEMENTS = 4
_FORM_POINTS = 2048
_FORM_ITERATIONS = 8
_FORM_SETTLED_UM = 0.05
_LEAST_TOLERANCE_UM = 12.0
"""Of real scans levelled and masked before, whole or cut to a quarter, 98.6 % lie within it at least; of halves and
quarters cut out of raw ones, flow-back in them, 93 % at most."""
_LEVEL_DEVIATIONS = 3.0
_LEAST_LEVEL_UM = 5.0
_TOLERANCE_DEVIATIONS = 6.0
"""Marks reach four robust deviations of the surface; a primer's rounded edge falls away without end."""


@dataclass(frozen=True)
class Mark:
    """Where the breech face printed, on a grid of about 25 um.

    ``mask``: bool (rows, columns); ``form_um``: float32 of the same shape, the smooth surface under the mark,
    micrometres; ``spacing_um``: (y, x) of this grid; ``outline``: the circle behind the mark's outer edge;
    ``aperture``: the circle of the firing-pin aperture, where one was needed and found; ``ready``: the scan was
    levelled and masked before; ``round_edge_deg``: how much of a primer's edge it shows (``round_edge``).
    """

    mask: Mask
    form_um: Plane
    spacing_um: tuple[float, float]
    outline: Circle
    aperture: Circle | None
    ready: bool
    round_edge_deg: int


def find_mark(
    heights_um: Plane,
    weights: Plane,
    spacing_um: tuple[float, float],
    parameters: Parameters,
    *,
    outlined: bool = False,
) -> Mark:
    """Find the breech-face mark and the second-order surface under it.

    1. Reduce to a grid of about 25 um and fit a robust second-order surface to everything. Where nearly all of
       it lies close to that surface, or a user outlined it, the scan is already masked, and all of it is the mark.
    2. Otherwise take out spikes, and look again.
    3. Otherwise find walls: missing points and steps that no breech face prints.
    4. Of the pieces between walls choose the one that is large and bounded like a primer.
    5. Take out what lies within the wall of a round aperture, which may be broken.
    6. Fit the surface to the piece; take what lies close to it, within the primer's outline and not enclosed by it
       (flow-back in an aperture of any shape); repeat.
    7. Of what the circle cut off, take back what is broad, level, and joins the mark: the aperture is not round.
    8. Fit the surface to what lies away from all edges; take off what rounds off along the outline, and what was torn
       along the aperture.

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
        away = np.abs(grid - form)
        near = solid & (away <= parameters.levelling_tolerance_um)
        if outlined or (solid & (away <= _LEAST_TOLERANCE_UM)).sum() >= _READY_SHARE * solid.sum():
            _require(near, spacing, parameters, "level surface")
            outline = _outline(near, spacing)
            return Mark(near, form, spacing, outline, None, True, round_edge_deg(near, near, outline, spacing))

    # 3.
    wall = _walls(grid, solid, share, parameters.max_step_um)
    flat = solid & ~wall

    # 4.
    piece = _seed(flat, spacing)
    _require(piece, spacing, parameters, "connected breech-face surface")

    # 5.
    outline = _outline(piece, spacing)
    # where nothing was measured far and wide there is no wall
    shown = cv2.dilate(solid.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    aperture = find_wall(wall & shown & _within(outline, wall.shape, spacing), shown, spacing, outline)
    whole = flat
    if aperture is not None:
        flat = flat & ~_within(aperture, wall.shape, spacing)
        piece = _largest_piece(piece & flat)

    # 6.
    for _ in range(_REFINEMENTS):
        form = _robust_form(grid, piece)
        near = flat & (np.abs(grid - form) <= _tolerance(grid - form, piece, parameters))
        near &= _within(_outline(piece, spacing), wall.shape, spacing, margin_um=_GRID_UM)
        piece = _connected(opened_mask(near, 1), spacing)
        _require(piece, spacing, parameters, "level breech-face surface")

    # 7.
    if aperture is not None:
        circle = _within(aperture, wall.shape, spacing)
        near = whole & circle & (np.abs(grid - form) <= _tolerance(grid - form, piece, parameters))
        piece = _joined(piece, opened_mask(near, _BRIDGE_POINTS[1]))
        if (piece & circle).sum() > _NOT_ROUND_SHARE * circle.sum():
            aperture = None

    # 8.
    form = _robust_form(grid, inner_part(piece))
    piece = without_edges(piece, grid - form, solid, _outline(piece, spacing), spacing)
    _require(piece, spacing, parameters, "level breech-face surface")
    outline, away = _outline(piece, spacing), np.abs(grid - form)
    level = solid & (away <= max(_LEVEL_DEVIATIONS * 1.4826 * float(np.median(away[piece])), _LEAST_LEVEL_UM))
    return Mark(piece, form, spacing, outline, aperture, False, round_edge_deg(piece, level, outline, spacing))


def _outline(mask: Mask, spacing_um: tuple[float, float]) -> Circle:
    return fit_outline(mask, spacing_um, _SMALLEST_PRIMER_RADIUS_UM, _LARGEST_PRIMER_RADIUS_UM)


def _without_spikes(heights: Plane, weights: Plane, tolerance_um: float) -> Plane:
    """The weights without single points that stand out from the median of their 3 x 3 neighbourhood."""
    smooth = np.asarray(cv2.medianBlur(heights, 3), np.float32)
    return np.where(np.abs(heights - smooth) > tolerance_um, np.float32(0), weights)


def _reduce(
    heights: Plane, weights: Plane, spacing_um: tuple[float, float]
) -> tuple[Plane, Mask, Plane, tuple[float, float]]:
    """Means over whole blocks of about 25 um, where at least half was measured; that share; the spacing.

    The last blocks may reach beyond the field, where nothing was measured.
    """
    fy, fx = (max(1, round(_GRID_UM / spacing)) for spacing in spacing_um)
    rows, columns = heights.shape
    shape = (-(-rows // fy), -(-columns // fx))
    padding = (0, shape[0] * fy - rows, 0, shape[1] * fx - columns, cv2.BORDER_CONSTANT)
    share, total = (
        area_means(np.asarray(cv2.copyMakeBorder(plane, *padding), np.float32), shape)
        for plane in (weights, heights * weights)
    )
    solid = share > _SOLID_SHARE
    grid = ratio(total, share, floor=_SOLID_SHARE)
    return grid, solid, share, (fy * spacing_um[0], fx * spacing_um[1])


def _robust_form(grid: Plane, mask: Mask) -> Plane:
    """The second-order surface through the masked points, by iteratively reweighted least squares (Tukey).

    Of many points some thousand, evenly taken, say as much about six coefficients.
    """
    rows, columns = grid.shape
    v, u = np.linspace(-1.0, 1.0, rows), np.linspace(-1.0, 1.0, columns)
    place = np.flatnonzero(mask)
    place = place[:: max(1, place.size // _FORM_POINTS)]
    design = _second_order(v[place // columns], u[place % columns])
    values = grid.ravel()[place].astype(np.float64)
    weight: NDArray[np.float64] = np.ones(place.size)
    coefficients: NDArray[np.float64] = np.zeros(6)
    for _ in range(_FORM_ITERATIONS):
        weighted = design * weight
        refined = np.linalg.lstsq(weighted @ design.T, weighted @ values, rcond=None)[0]
        settled = float(np.abs(refined - coefficients).max()) < _FORM_SETTLED_UM
        coefficients = np.asarray(refined, np.float64)
        if settled:
            break
        residual = values - coefficients @ design
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-3
        weight = np.clip(1.0 - (residual / (4.685 * scale)) ** 2, 0.0, None) ** 2
    constant, along_u, along_v, uu, uv, vv = coefficients
    across = constant + along_u * u + uu * u * u
    form = across + (along_v * v + vv * v * v)[:, None] + (uv * v)[:, None] * u
    return np.asarray(form, np.float32)


def _second_order(v: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v])


def _walls(grid: Plane, solid: Mask, share: Plane, max_step_um: float) -> Mask:
    """Where much of the surface is missing (steep walls reflect nothing) or rises by a step within 50 um."""
    window = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(np.where(solid, grid, np.float32(-1e9)), window)
    lowest = cv2.erode(np.where(solid, grid, np.float32(1e9)), window)
    # on a surface that scatters dropouts everywhere, only what misses more than the rest is a wall
    usual = float(np.median(share[solid]))
    least = min(_WALL_SHARE, max(_SOLID_SHARE, usual - 3.0 * (1.0 - usual)))
    return np.asarray((share < least) | (highest - lowest > max_step_um))


def _seed(flat: Mask, spacing_um: tuple[float, float]) -> Mask:
    """The piece to begin with: large, and with an outer edge like a primer's.

    On a field that shows the head around the primer, the head may be the larger piece. Bridges to what flowed
    back are cut, unless the mark is as narrow itself.
    """
    wide, narrow = (opened_mask(flat, reach) for reach in _BRIDGE_POINTS)
    cut = wide if wide.sum() >= _WIDE_SHARE * narrow.sum() else narrow
    labels, sizes = pieces(cut)
    candidates = [label for label in np.argsort(-sizes)[:_SEEDS] if sizes[label] > _SEED_SHARE * sizes.max()]

    def likeness(label: int) -> float:
        return float(sizes[label]) * (_UNROUNDED + _outline(np.asarray(labels == label), spacing_um).support)

    return np.asarray(cut & (labels == max(candidates, key=likeness, default=0)))


def _tolerance(residual: Plane, piece: Mask, parameters: Parameters) -> float:
    """How far from the form the mark may lie, by how far it mostly does."""
    deviation = 1.4826 * float(np.median(np.abs(residual[piece])))
    return min(max(_TOLERANCE_DEVIATIONS * deviation, _LEAST_TOLERANCE_UM), parameters.levelling_tolerance_um)


def _connected(near: Mask, spacing_um: tuple[float, float]) -> Mask:
    """The largest piece and patches around it; not what it encloses, nor what lies farther in than any of it."""
    main = _largest_piece(near)
    contours, _ = cv2.findContours(main.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(main.shape, np.uint8), contours, -1, 1, cv2.FILLED) > 0
    distance = distance_um(main.shape, spacing_um, _outline(main, spacing_um)) if main.any() else np.zeros(main.shape)
    around = distance >= float(np.quantile(distance[main], 0.01)) if main.any() else main
    return _without_specks(np.asarray(main | (near & ~filled & around)), spacing_um)


def _joined(piece: Mask, more: Mask) -> Mask:
    """The piece with those parts of ``more`` that touch it, side by side."""
    labels, _ = pieces(more)
    beside = cv2.dilate(piece.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching = np.unique(labels[beside & more])
    return np.asarray(piece | (more & np.isin(labels, touching)))


def _within(circle: Circle, shape: tuple[int, ...], spacing_um: tuple[float, float], *, margin_um: float = 0.0) -> Mask:
    return np.asarray(distance_um(shape, spacing_um, circle) <= circle.radius_um + margin_um)


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
