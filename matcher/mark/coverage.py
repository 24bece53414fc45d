"""How much of a breech face there is on a scan, and how much of that lies in a region that a user drew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.mark.level import LevelledMark
from matcher.numeric.circle import Circle
from matcher.numeric.plane import Mask
from matcher.read.topography import Topography

_LEAST_HOLE_UM2 = 200_000.0
_SLIVER_UM = 100.0
"""What a user adds to the mark that was found counts where it is wider: cells do not follow the mark's edge closer."""


def coverage_of(mark: LevelledMark) -> float | None:
    """The mark's share of what lies within the primer's outline and outside the firing-pin aperture; where there is no
    hole, the share of directions from the primer's centre in which there is any. None where no outline was found."""
    if mark.outline is None or mark.outline.support == 0.0:
        return None
    solid = _solid(mark)
    full = _full_um2(mark, solid)
    return _directions(mark, solid) if full is None else min(1.0, _area_um2(mark) / full)


def coverage_within(whole: LevelledMark, topography: Topography, mask: NDArray[np.bool_]) -> float | None:
    """The share of the same that lies in ``mask``: bool, the shape of ``topography.heights_um``.

    ``whole`` is the mark as found without the mask: what it is a share of does not depend on the mask. A mask within
    another never has more. What the mask adds to the mark counts where it was measured, within the outline.
    """
    found = coverage_of(whole)
    if found is None or found == 0.0:
        return None
    solid = _solid(whole)
    full = _full_um2(whole, solid) or _area_um2(whole) / found
    inside = _on_grid(mask, whole, topography)
    measured = _on_grid(np.isfinite(topography.heights_um) & mask, whole, topography)
    added = _without_slivers(measured & _field(whole) & ~solid, whole)
    point_um2 = whole.spacing_um[0] * whole.spacing_um[1]
    kept = float(whole.weights[inside].sum(dtype=np.float64)) + float(np.count_nonzero(added))
    return min(1.0, kept * point_um2 / full)


def _solid(mark: LevelledMark) -> Mask:
    """The mark with its single missing points."""
    there = (mark.weights > 0).view(np.uint8)
    return np.asarray(cv2.morphologyEx(there, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def _area_um2(mark: LevelledMark) -> float:
    return float(mark.weights.sum(dtype=np.float64)) * mark.spacing_um[0] * mark.spacing_um[1]


def _full_um2(mark: LevelledMark, solid: Mask) -> float | None:
    """The area within the outline without the aperture; None where no hole is enclosed."""
    if mark.outline is None:
        return None
    if mark.aperture is not None:
        hole = np.pi * mark.aperture.radius_um**2
    else:
        hole = _enclosed_um2(solid, mark.spacing_um[0] * mark.spacing_um[1])
    return float(np.pi * mark.outline.radius_um**2 - hole) if hole > 0.0 else None


def _directions(mark: LevelledMark, solid: Mask) -> float:
    if mark.outline is None:
        return 0.0
    y, x = (
        places * step - centre
        for places, step, centre in zip(np.nonzero(solid), mark.spacing_um, mark.outline.centre_um, strict=True)
    )
    directions = np.rint(np.rad2deg(np.arctan2(y, x))).astype(np.intp) % 360
    return float(np.count_nonzero(np.bincount(directions, minlength=360))) / 360.0


def _on_grid(inside: Mask, mark: LevelledMark, topography: Topography) -> Mask:
    """The value of the scan's point nearest to each point of the mark's grid."""
    down, across = (
        np.clip(np.rint((origin + np.arange(count) * step) / between).astype(np.intp), 0, points - 1)
        for origin, count, step, between, points in zip(
            mark.origin_um, mark.weights.shape, mark.spacing_um, topography.spacing_um, inside.shape, strict=True
        )
    )
    return np.asarray(inside[down[:, None], across[None, :]])


def _field(mark: LevelledMark) -> Mask:
    """Within the outline, outside the aperture."""
    inside = _disc(mark, mark.outline)
    return inside & ~_disc(mark, mark.aperture) if mark.aperture is not None else inside


def _disc(mark: LevelledMark, circle: Circle | None) -> Mask:
    if circle is None:
        return np.zeros(mark.weights.shape, bool)
    y, x = (
        np.arange(count) * step - centre
        for count, step, centre in zip(mark.weights.shape, mark.spacing_um, circle.centre_um, strict=True)
    )
    return np.asarray(y[:, None] ** 2 + x[None, :] ** 2 <= circle.radius_um**2)


def _without_slivers(inside: Mask, mark: LevelledMark) -> Mask:
    kernel = np.ones([max(1, round(_SLIVER_UM / step)) for step in mark.spacing_um], np.uint8)
    return np.asarray(cv2.morphologyEx(inside.view(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _enclosed_um2(solid: Mask, point_um2: float) -> float:
    """The area of the largest hole in the mark: the aperture, whatever its shape; 0 where it is not enclosed."""
    contours, _ = cv2.findContours(solid.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros(solid.shape, np.uint8), contours, -1, 1, cv2.FILLED)
    holes = filled * ~solid
    stats = cv2.connectedComponentsWithStats(holes, connectivity=4)[2]
    largest = float(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) * point_um2
    return largest if largest >= _LEAST_HOLE_UM2 else 0.0
