"""Where a found mark ends: the primer rounds off along its outline, and is torn along the firing-pin aperture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.numeric.circle import Circle
from matcher.numeric.plane import Mask, Plane, disc, pieces

_BAND_UM = 25.0
_EDGE_BANDS = 12
_BESIDE_UM = (200.0, 400.0)
"""What the bands of an edge are compared with: a film of lacquer is 200 um wide."""
_UNLIKE = 2.0
"""A band whose heights lie so many times as far from the level beside it as the mark's own was torn, or never touched
the breech face."""
_LEAST_OFF_UM = 1.25
"""No band is unlike a smooth mark for less: a form of second order leaves as much."""
_STEEPEST_UM = 1.0
"""The medians of bands change by 0.6 um over 50 um within a flat print; a rounded edge falls by more, and ever more."""
_LASTING = 3
"""One or two level bands may be where a bead of lacquer falls away through the level of the mark."""
_LEAST_KEPT = 0.5
"""A narrow piece is edge all over: there is nothing beside its edges to compare them with."""
_RIM_UM = 100.0
_WALL_POINTS = 3
_INNER_POINTS = 4
_INNER_SHARE = 0.25
_LEAST_HOLE_UM2 = 200_000.0


def without_edges(
    piece: Mask, residual: Plane, measured: Mask, outline: Circle, spacing_um: tuple[float, float]
) -> Mask:
    """The mark without the bands along its outline, and then along its aperture, that are unlike the mark beside them.

    A band is 25 um wide and runs all along its edge. The mark beside it lies 200 to 400 um away from the edge. A band
    is unlike that mark where its heights lie twice as far from that mark's level, in the median, and along the
    outline also where it falls away by more than 1 um over 50 um.
    The mark ends at the first of three bands that are like it; or where it ended before, if there are none, or if half
    of it would be lost.

    ``piece``, ``measured``: bool (rows, columns); ``residual``: the same shape, micrometres above the form;
    ``outline``: the circle behind the mark's outer edge; ``spacing_um``: (y, x).
    """
    if outline.support == 0.0:
        return piece
    away = distance_um(piece.shape, spacing_um, outline)
    piece = _trimmed(piece, residual, outline.radius_um + _BAND_UM - away, _STEEPEST_UM)
    hole = _hole(piece, measured, away < outline.radius_um - _RIM_UM, spacing_um)
    return piece if hole is None else _trimmed(piece, residual, _beyond(hole, spacing_um))


def inner_part(piece: Mask) -> Mask:
    """What lies four grid points from all edges; all of it where that is next to nothing."""
    inner = cv2.erode(piece.view(np.uint8), disc(_INNER_POINTS, _INNER_POINTS)) > 0
    return np.asarray(inner) if inner.sum() > _INNER_SHARE * piece.sum() else piece


def distance_um(shape: tuple[int, ...], spacing_um: tuple[float, float], circle: Circle) -> NDArray[np.float64]:
    """How far each point of a grid lies from a circle's centre."""
    y = np.arange(shape[0])[:, None] * spacing_um[0] - circle.centre_um[0]
    x = np.arange(shape[1])[None, :] * spacing_um[1] - circle.centre_um[1]
    distance: NDArray[np.float64] = np.sqrt(y * y + x * x)  # several times as fast as hypot
    return distance


def _trimmed(piece: Mask, residual: Plane, depth_um: NDArray[np.float64], steepest_um: float = np.inf) -> Mask:
    beside = residual[piece & (depth_um >= _BESIDE_UM[0]) & (depth_um < _BESIDE_UM[1])]
    if not beside.size:
        return piece
    level = float(np.median(beside))
    furthest = max(_UNLIKE * float(np.median(np.abs(beside - level))), _LEAST_OFF_UM)
    near = piece & (depth_um < (_EDGE_BANDS + 1) * _BAND_UM)
    heights, number = residual[near] - level, (depth_um[near] / _BAND_UM).astype(np.intp)
    bands = [heights[number == band] for band in range(_EDGE_BANDS + 1)]
    middle, off = np.transpose([(np.median(own), np.median(np.abs(own))) if own.size else (0, np.inf) for own in bands])
    # from the band before to the band after; the outermost band has none before
    falls = middle[1:] - middle[[0, *range(_EDGE_BANDS - 1)]]
    like = (off[:-1] <= furthest) & (falls <= steepest_um)
    lasting = np.lib.stride_tricks.sliding_window_view(like, _LASTING).all(axis=1)
    kept = piece & (depth_um >= lasting.argmax() * _BAND_UM)
    return np.asarray(kept) if lasting.any() and kept.sum() >= _LEAST_KEPT * piece.sum() else piece


def _hole(piece: Mask, measured: Mask, within: Mask, spacing_um: tuple[float, float]) -> Mask | None:
    """The largest part of the primer's inside that is no mark; None where there is but dirt and dropouts.

    What the field does not show is no hole: only what was measured, and the wall beside it, which may be missing.
    """
    left_out = within & ~piece
    labels, _ = pieces(left_out)
    sizes = np.bincount(labels[left_out & measured], minlength=1)
    largest = int(sizes.argmax())
    if sizes[largest] * spacing_um[0] * spacing_um[1] < _LEAST_HOLE_UM2:
        return None
    hole = labels == largest
    walls = cv2.dilate((hole & measured).view(np.uint8), disc(_WALL_POINTS, _WALL_POINTS)) > 0
    return np.asarray(hole & walls)


def _beyond(hole: Mask, spacing_um: tuple[float, float]) -> NDArray[np.float64]:
    """How far each point lies outside of a hole's edge, in micrometres; the grid is square to a fifth."""
    points = cv2.distanceTransform((~hole).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray((points - 0.5) * float(np.sqrt(spacing_um[0] * spacing_um[1])), np.float64)
