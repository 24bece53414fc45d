"""The panels of a picture: where a scan's points and cells lie on its panel, and how bright they are there."""

from __future__ import annotations

import cv2
import numpy as np

from matcher.areal.comparison import Cell, Comparison
from matcher.mark.level import LevelledMark
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.mark.regions import level_region
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, low_pass, ratio, sampled
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in panel points."""

PANEL_POINTS = 760
_FIELD_POINTS = 328
"""Of the fine grid, and a little more: 4.1 mm of a breech face."""
SHOWN_BAND_POINTS = (1.6, 40.0)
"""In points of the fine grid, 20 to 500 um of a breech face: a little finer than what is compared, so that an
examiner sees the marks as a microscope shows them."""

_LIGHT_FROM = (-0.6, -0.6, 0.53)
"""(x, y, towards the eye): from the upper left, 32 degrees above the surface. The same for both scans."""
_TYPICAL_SLOPE = 0.28
"""Slopes are exaggerated until their median is this: marks of a few micrometres would look flat otherwise."""

_CELL_INSET = 3


def um_a_panel_point(parameters: Parameters) -> float:
    """How many micrometres a panel's point stands for."""
    return _FIELD_POINTS * parameters.fine_spacing_um / PANEL_POINTS


def panel_light(
    scan: Topography | Photograph, comparison: Comparison, which: str, parameters: Parameters
) -> tuple[Plane, Plane]:
    """How bright each point of a scan's panel is, 0 to 1, and how much of it was measured."""
    match scan:
        case Topography():
            heights, share = _registered(level_region(scan, parameters), comparison, which, parameters)
            return _shade(heights, share, um_a_panel_point(parameters)), share
        case Photograph():
            contrast, share = _registered(find_photograph_mark(scan).mark, comparison, which, parameters)
            return _stretched(contrast, share), share


def _stretched(contrast: Plane, share: Plane) -> Plane:
    """The middle 98 % of a photograph's local contrast, as 0 to 1."""
    solid = share > 0.9
    dark, bright = np.percentile(contrast[solid], (1.0, 99.0)) if solid.any() else (0.0, 1.0)
    return np.asarray(np.clip((contrast - dark) / max(float(bright - dark), 1e-6), 0.0, 1.0), np.float32)


def _registered(mark: LevelledMark, comparison: Comparison, scan: str, parameters: Parameters) -> tuple[Plane, Plane]:
    """Filtered heights (um) and share of measured points of one scan, on the panel's grid."""
    short, long = (points * parameters.fine_spacing_um / mark.spacing_um[0] for points in SHOWN_BAND_POINTS)
    stretch = mark.spacing_um[0] / mark.spacing_um[1]
    smooth, share = low_pass(mark.heights, mark.weights, (short, short * stretch))
    waves, _ = low_pass(mark.heights, mark.weights, (long, long * stretch))
    # from a panel point to the scan: an affine map is known from three points
    corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    um = um_a_panel_point(parameters)
    ends = np.array([panel_to_scan(comparison, scan, (y, x), um) for y, x in corners]) - mark.origin_um
    ends /= mark.spacing_um
    origin, along_y, along_x = ends[0], ends[1] - ends[0], ends[2] - ends[0]
    matrix = np.array([[along_x[1], along_y[1], origin[1]], [along_x[0], along_y[0], origin[0]]])
    weights = sampled(share, matrix, (PANEL_POINTS, PANEL_POINTS))
    return ratio(sampled((smooth - waves) * share, matrix, (PANEL_POINTS, PANEL_POINTS)), weights), weights


def panel_to_scan(
    comparison: Comparison, scan: str, panel: tuple[float, float], um_a_point: float
) -> tuple[float, float]:
    """Where a panel point (row, column) lies on a scan: (y, x) um from its first point."""
    y, x = ((place - (PANEL_POINTS - 1) / 2) * um_a_point for place in panel)
    centre = comparison.centre_a_um if scan == "a" else comparison.centre_b_um
    if scan == comparison.cells_on:
        return centre[0] + y, centre[1] + x
    turn = np.deg2rad(comparison.rotation_deg)
    shift_y, shift_x = comparison.shift_um
    if scan == "a":
        y, x, turn, shift_y, shift_x = y - shift_y, x - shift_x, -turn, 0.0, 0.0
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    return centre[0] + y * cosine + x * sine + shift_y, centre[1] + x * cosine - y * sine + shift_x


def scan_to_panel(
    comparison: Comparison, scan: str, place_um: tuple[float, float], um_a_point: float
) -> tuple[float, float]:
    """Where a scan's point lies on the panel: (row, column); the inverse of ``_to_scan``."""
    origin = np.array(panel_to_scan(comparison, scan, (0.0, 0.0), um_a_point))
    along_y = np.array(panel_to_scan(comparison, scan, (1.0, 0.0), um_a_point)) - origin
    along_x = np.array(panel_to_scan(comparison, scan, (0.0, 1.0), um_a_point)) - origin
    row, column = np.linalg.solve(np.stack([along_y, along_x], axis=1), np.array(place_um) - origin)
    return float(row), float(column)


def _shade(heights_um: Plane, share: Plane, um_a_point: float) -> Plane:
    """How bright each point is under the light, 0 to 1."""
    slope_y, slope_x = np.gradient(heights_um, um_a_point)
    solid = share > 0.9
    steepness = np.hypot(slope_y, slope_x)
    typical = float(np.median(steepness[solid])) if solid.any() else 1.0
    gain = _TYPICAL_SLOPE / max(typical, 1e-6)
    light_x, light_y, light_z = np.array(_LIGHT_FROM) / np.linalg.norm(_LIGHT_FROM)
    facing = (light_z - gain * (slope_x * light_x + slope_y * light_y)) / np.sqrt(1.0 + (gain * steepness) ** 2)
    return np.asarray(np.clip(0.08 + 0.92 * facing, 0.0, 1.0), np.float32)


def cell_box(cell: Cell, comparison: Comparison, scan: str, um_a_point: float) -> Box:
    """A cell's (left, top, right, bottom) on a panel; only congruent cells are shown where they were found."""
    fixed = comparison.cells_on
    shown_on = scan if cell.congruent else fixed
    centre = cell.centre_a_um if shown_on == "a" else cell.centre_b_um
    row, column = scan_to_panel(comparison, shown_on, centre, um_a_point)
    half = comparison.cell_size_um / um_a_point / 2 - _CELL_INSET
    return column - half, row - half, column + half, row + half


def overlap_outlines(share_a: Plane, share_b: Plane) -> list[list[tuple[float, float]]]:
    """The outlines of what both scans show: closed polygons of (row, column) on the panels, which share one frame.

    ``share_a``, ``share_b``: how much of each panel point was measured, from ``panel_light``.
    """
    both = ((share_a >= 0.5) & (share_b >= 0.5)).astype(np.uint8)
    contours, _ = cv2.findContours(both, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    smooth = (cv2.approxPolyDP(contour, 1.0, closed=True).reshape(-1, 2) for contour in contours)
    return [[(float(y), float(x)) for x, y in polygon] for polygon in smooth if len(polygon) > 2]
