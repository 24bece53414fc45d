"""The circles of a primer: the one behind the outline of a mark, and the wall around the firing-pin aperture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SEED = 20150411
_OUTLINE_TRIALS = 100
"""With half of the outline true, 100 draws of three points miss every good one with probability 2e-6."""
_OUTLINE_TOLERANCE_UM = 40.0
_WALL_TRIALS = 3000
"""With 15 % of the wall points on the circle, about ten draws are good."""
_WALL_COVERAGE = 0.7
"""A firing pin drags and tears the aperture's edge on one side; a chance circle covers far less."""
_WALL_DIRECTIONS = 90
_LEAST_SHOWN = 0.2
"""A quarter of a mark shows a quarter of its aperture, more or less."""
_WALL_WIDTH = 0.9
"""Circles a tenth smaller than the outermost one follow the same wall, and may follow it better."""


@dataclass(frozen=True)
class Circle:
    """A circle on a grid: ``centre_um`` (y, x) from the grid's first point, and its radius.

    ``support``: share of the evidence that lies on it, 0 to 1; 0 marks a fallback.
    """

    centre_um: tuple[float, float]
    radius_um: float
    support: float


def fit_outline(
    mask: NDArray[np.bool_], spacing_um: tuple[float, float], min_radius_um: float, max_radius_um: float
) -> Circle:
    """Find the circle that most of a mark's convex outline lies on.

    1. Take the corners of the mask's convex hull: they follow the outer arc; where the mark is cut off, or
       open towards the firing-pin hole, the hull runs straight and has no corners.
    2. Draw three of them again and again with a fixed seed; keep the circle that most corners lie on
       (RANSAC, doi:10.1145/358669.358692). A bounding box would move with every missing part.
    3. Refine by least squares on those corners; without any circle within the radii, use the centroid.

    ``mask``: bool (rows, columns), at least one point set; ``spacing_um``: (y, x).
    """
    # 1.
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.concatenate(outline)).reshape(-1, 2).astype(np.float64)
    corners = hull[:, ::-1] * spacing_um

    # 2.
    centres, radii = _drawn_circles(corners, _OUTLINE_TRIALS)
    allowed = (radii >= min_radius_um) & (radii <= max_radius_um)
    centres, radii = centres[allowed], radii[allowed]
    distance = np.hypot(corners[:, 0] - centres[:, :1], corners[:, 1] - centres[:, 1:])
    on_circle = np.abs(distance - radii[:, None]) <= _OUTLINE_TOLERANCE_UM

    # 3.
    if not len(radii):
        rows, columns = np.nonzero(mask)
        centroid = (float(rows.mean() * spacing_um[0]), float(columns.mean() * spacing_um[1]))
        return Circle(centroid, float(np.sqrt(rows.size * spacing_um[0] * spacing_um[1] / np.pi)), 0.0)
    best = on_circle[int(on_circle.sum(axis=1).argmax())]
    centre, radius = _least_squares(corners[best])
    return Circle((float(centre[0]), float(centre[1])), radius, float(best.mean()))


def find_wall(
    wall: NDArray[np.bool_], shown: NDArray[np.bool_], spacing_um: tuple[float, float], outline: Circle
) -> Circle | None:
    """Find the best of the outermost circles of walls inside a mark's outline: the edge of the firing-pin aperture.

    What flowed back into the aperture lies inside it, and so does the firing-pin impression. None where no
    circle has walls along most of its circumference (a rectangular aperture; no flow-back).

    ``wall``: bool (rows, columns), True where the surface is missing or steps; ``shown``: the same shape, True where
    the field shows it or what lies beside it: of a part of a mark, only that part of the circle counts.
    """
    points = np.argwhere(wall) * np.asarray(spacing_um)
    centres, radii = _drawn_circles(points, _WALL_TRIALS)
    off_centre = np.hypot(centres[:, 0] - outline.centre_um[0], centres[:, 1] - outline.centre_um[1])
    inside = (radii >= 0.25 * outline.radius_um) & (radii + off_centre <= 0.97 * outline.radius_um)
    centres, radii = centres[inside], radii[inside]
    turn = np.linspace(0.0, 2.0 * np.pi, _WALL_DIRECTIONS, endpoint=False)
    rows = np.rint((centres[:, :1] + radii[:, None] * np.sin(turn)) / spacing_um[0]).astype(np.intp)
    columns = np.rint((centres[:, 1:] + radii[:, None] * np.cos(turn)) / spacing_um[1]).astype(np.intp)
    within = (rows >= 0) & (rows < wall.shape[0]) & (columns >= 0) & (columns < wall.shape[1])
    thick = cv2.dilate(wall.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    hit, seen = np.zeros(rows.shape, np.bool_), np.zeros(rows.shape, np.bool_)
    hit[within] = thick[rows[within], columns[within]]
    seen[within] = shown[rows[within], columns[within]]
    coverage = (hit & seen).sum(axis=1) / np.maximum(seen.sum(axis=1), _LEAST_SHOWN * _WALL_DIRECTIONS)
    covered = np.flatnonzero(coverage >= _WALL_COVERAGE)
    if not covered.size:
        return None
    outermost = covered[radii[covered] >= _WALL_WIDTH * radii[covered].max()]
    best = outermost[coverage[outermost].argmax()]
    return Circle((float(centres[best, 0]), float(centres[best, 1])), float(radii[best]), float(coverage[best]))


def _drawn_circles(points: NDArray[np.float64], trials: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Circles through three points drawn again and again: centres (n, 2) and radii (n,), n <= ``trials``."""
    if len(points) < 3:
        return np.empty((0, 2)), np.empty(0)
    draws = np.random.default_rng(_SEED).integers(0, len(points), (trials, 3))
    a, b, c = points[draws[:, 0]], points[draws[:, 1]], points[draws[:, 2]]
    ab, ac = b - a, c - a
    cross = 2.0 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    proper = np.abs(cross) > 1e-6
    a, ab, ac, cross = a[proper], ab[proper], ac[proper], cross[proper]
    ab2, ac2 = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
    offset = np.stack([ac[:, 1] * ab2 - ab[:, 1] * ac2, ab[:, 0] * ac2 - ac[:, 0] * ab2], axis=1) / cross[:, None]
    return a + offset, np.hypot(offset[:, 0], offset[:, 1])


def _least_squares(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The algebraic least-squares circle through ``points`` (n, 2): centre and radius."""
    origin = points.mean(axis=0)
    local = points - origin
    system = np.column_stack([2.0 * local, np.ones(len(local))])
    (y, x, rest), *_ = np.linalg.lstsq(system, (local**2).sum(axis=1), rcond=None)
    return origin + np.array([y, x]), float(np.sqrt(max(rest + y * y + x * x, 0.0)))
