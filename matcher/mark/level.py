"""The mark of a scan, lifted out of it: levelled heights, where they count, and where its centre is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from matcher.errors import ScanNotUsable
from matcher.mark.find_mark import Mark, find_mark
from matcher.numeric.circle import Circle
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, area_means, interpolated, ratio
from matcher.read.topography import Topography

_BASE_SPACING_UM = 6.25
"""Finer points are averaged first: half of the shortest wavelength kept (30 um) is 15 um."""


@dataclass(frozen=True)
class LevelledMark:
    """The mark's heights above the smooth form under it, on a grid of 6 um or the scan's own spacing.

    ``heights``: float32 (rows, columns), micrometres, 0 outside the mark; ``weights``: 0 to 1, 0 outside it;
    ``spacing_um``: (y, x); ``origin_um``: (y, x) of the grid's first point from the scan's first point;
    ``centre_um``: (y, x) of the mark's centre from the grid's first point. ``outline``, ``aperture``: the circles
    behind the mark's outer edge and of the firing-pin aperture, where they were looked for and found, their centres
    from the grid's first point; ``ready``: the scan was levelled and masked before; ``bend_radius_um``: of the form
    that was removed, where it bends most; ``round_edge_deg``: how much of a primer's edge it shows.
    """

    heights: Plane
    weights: Plane
    spacing_um: tuple[float, float]
    origin_um: tuple[float, float]
    centre_um: tuple[float, float]
    outline: Circle | None = None
    aperture: Circle | None = None
    ready: bool = False
    bend_radius_um: float | None = None
    round_edge_deg: int = 0


def level_mark(topography: Topography, parameters: Parameters) -> LevelledMark:
    """Find the breech-face mark of a scan of any field of view and resolution, and level it.

    1. Average to points no finer than about 6 um, missing points apart.
    2. Find the mark and the form under it (``find_mark``), unless a user outlined it; subtract the form.
    3. Find the centre: the circle behind the mark's outline.

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    # 1.
    require_sampling(topography, parameters.coarsest_usable_um)
    heights, weights, spacing, origin = averaged(topography, _BASE_SPACING_UM)

    # 2.
    mark = find_mark(heights, weights, spacing, parameters, outlined=topography.outlined)
    heights, inside = _subtract_form(heights, weights, spacing, mark, parameters)

    # 3.
    outline = _on_grid(mark.outline, mark.spacing_um, spacing)
    aperture = None if mark.aperture is None else _on_grid(mark.aperture, mark.spacing_um, spacing)
    return LevelledMark(
        heights,
        inside,
        spacing,
        origin,
        outline.centre_um,
        outline,
        aperture,
        mark.ready,
        _bend_radius_um(mark.form_um, mark.spacing_um),
        mark.round_edge_deg,
    )


def _on_grid(circle: Circle, coarse_um: tuple[float, float], fine_um: tuple[float, float]) -> Circle:
    """A circle of a grid of whole blocks on the grid of their points: the first block's centre lies inside it."""
    y, x = (
        centre + (coarse - fine) / 2 for centre, coarse, fine in zip(circle.centre_um, coarse_um, fine_um, strict=True)
    )
    return replace(circle, centre_um=(y, x))


def require_sampling(topography: Topography, coarsest_usable_um: float) -> None:
    """Raises ``ScanNotUsable`` where points lie too far apart for a region's marks, or where there are none."""
    if max(topography.spacing_um) > coarsest_usable_um:
        raise ScanNotUsable(
            f"not usable: points {max(topography.spacing_um):.1f} um apart are too coarse to show individual "
            f"marks; scan at {coarsest_usable_um:.0f} um or finer"
        )
    if not np.isfinite(topography.heights_um).any():
        raise ScanNotUsable("not usable: the scan has no valid point at all; check how it was exported")


def averaged(topography: Topography, finest_um: float) -> tuple[Plane, Plane, tuple[float, float], tuple[float, float]]:
    """Block means of the valid points, in blocks of no more than ``finest_um``: heights (0 where none), weights,
    spacing and the first block's centre."""
    valid = np.isfinite(topography.heights_um)
    heights = topography.heights_um.copy()
    cv2.patchNaNs(heights, 0.0)
    mean = float(cv2.sumElems(heights)[0]) / max(1, int(np.count_nonzero(valid)))
    np.subtract(heights, np.float32(mean), out=heights, where=valid)
    sy, sx = topography.spacing_um
    fy, fx = (max(1, int(finest_um / s + 1e-6)) for s in (sy, sx))
    if fy == fx == 1:
        return heights, valid.astype(np.float32), (sy, sx), (0.0, 0.0)
    rows, columns = heights.shape[0] // fy, heights.shape[1] // fx
    if rows == 0 or columns == 0:
        raise ScanNotUsable("not usable: the field of view is a few micrometres wide; scan the whole mark")
    window = (slice(0, rows * fy), slice(0, columns * fx))
    share = area_means(valid[window].astype(np.float32), (rows, columns))
    means = ratio(area_means(heights[window], (rows, columns)), share)
    return means, share, (sy * fy, sx * fx), (sy * (fy - 1) / 2, sx * (fx - 1) / 2)


def _bend_radius_um(form_um: Plane, spacing_um: tuple[float, float]) -> float:
    """The smallest radius of curvature of a second-order surface: its second differences are the same everywhere."""
    (rows, columns), (dy, dx) = form_um.shape, spacing_um
    v, u = (rows - 1) // 2, (columns - 1) // 2
    if v == 0 or u == 0:
        return np.inf
    form = form_um[: 2 * v + 1, : 2 * u + 1].astype(np.float64)
    yy = (form[0, 0] - 2.0 * form[v, 0] + form[-1, 0]) / (v * dy) ** 2
    xx = (form[0, 0] - 2.0 * form[0, u] + form[0, -1]) / (u * dx) ** 2
    xy = (form[-1, -1] - form[-1, 0] - form[0, -1] + form[0, 0]) / (4.0 * v * dy * u * dx)
    bend = float(np.abs(np.linalg.eigvalsh([[yy, xy], [xy, xx]])).max())
    return 1.0 / bend if bend > 0.0 else np.inf


def _subtract_form(
    heights: Plane, weights: Plane, spacing_um: tuple[float, float], mark: Mark, parameters: Parameters
) -> tuple[Plane, Plane]:
    """Heights above the form, and the weights of those within the mark (0 elsewhere), on the measured grid."""
    # the mark's grid is one of whole blocks, and its last ones may reach beyond the field
    rows, columns = (
        points * round(coarse / fine)
        for points, coarse, fine in zip(mark.mask.shape, mark.spacing_um, spacing_um, strict=True)
    )
    field = (slice(0, heights.shape[0]), slice(0, heights.shape[1]))
    level = heights - interpolated(mark.form_um, (rows, columns))[field]
    tolerance = parameters.levelling_tolerance_um
    inside = cv2.resize(mark.mask.astype(np.uint8) * np.uint8(255), (columns, rows), interpolation=cv2.INTER_LINEAR)
    keep = (inside[field] >= 128) & (cv2.inRange(level, -tolerance, tolerance) > 0)
    weights = weights * keep
    return level * (weights > 0), weights
