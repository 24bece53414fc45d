"""The picture of a comparison: both marks in one frame, under one light, with their cells."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matcher.comparison import Cell, Comparison
from matcher.level import LevelledMark
from matcher.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.photograph import Photograph
from matcher.photograph_mark import find_photograph_mark
from matcher.plane import Plane, low_pass, ratio, sampled
from matcher.regions import level_region
from matcher.topography import Topography

_PANEL = 760
_FIELD_POINTS = 328
"""Of the fine grid, and a little more: 4.1 mm of a breech face."""
_GAP = 24
_HEADER = 64
_FOOTER = 112
_SHOWN_BAND_POINTS = (1.6, 40.0)
"""In points of the fine grid, 20 to 500 um of a breech face: a little finer than what is compared, so that an
examiner sees the marks as a microscope shows them."""

_LIGHT_FROM = (-0.6, -0.6, 0.53)
"""(x, y, towards the eye): from the upper left, 32 degrees above the surface. The same for both scans."""
_TYPICAL_SLOPE = 0.28
"""Slopes are exaggerated until their median is this: marks of a few micrometres would look flat otherwise."""

_BACKGROUND = (22, 25, 30)
_UNMEASURED = (34, 38, 45)
_TEXT = (236, 239, 244)
_QUIET_TEXT = (160, 168, 180)
_LIT = (94, 220, 172)
_DIM = (126, 134, 148)
_DIM_LIGHT = 0.6
_CELL_INSET = 3


def draw_pair(
    a: Topography | Photograph,
    b: Topography | Photograph,
    comparison: Comparison,
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> bytes:
    """Draw scan a (left) and scan b (right) as ``comparison`` registered them; returns a PNG.

    1. Level both scans and sample them in the frame of the scan that the cells lie on.
    2. Shade topographies under the same virtual light (Lambert's law on the filtered heights); photographs keep
       theirs.
    3. Light the congruent cells, dim the others, frame and label all of them. On the scan that was moved, a
       congruent cell is drawn where its content was found.
    4. Write what was turned, the score in words, the scale and the direction of light.

    The scans must be those that were compared. Raises ``ScanNotUsable`` as ``prepare`` does.
    """
    # 1. and 2.
    um = _um_a_point(parameters)
    light_a, share_a = _panel_light(a, comparison, "a", parameters)
    light_b, share_b = _panel_light(b, comparison, "b", parameters)

    # 3.
    canvas = Image.new("RGB", (2 * _PANEL + 3 * _GAP, _PANEL + _HEADER + _FOOTER), _BACKGROUND)
    for light, share, scan, left in ((light_a, share_a, "a", _GAP), (light_b, share_b, "b", _PANEL + 2 * _GAP)):
        boxes = [(cell, _box(cell, comparison, scan, um)) for cell in comparison.cells]
        panel = Image.fromarray(_toned(light, share, boxes))
        _frame_cells(ImageDraw.Draw(panel), boxes)
        canvas.paste(panel, (left, _HEADER))

    # 4.
    _write(ImageDraw.Draw(canvas), comparison, parameters, photographed=not {type(a), type(b)} <= {Topography})
    stream = io.BytesIO()
    canvas.save(stream, format="PNG")
    return stream.getvalue()


def _um_a_point(parameters: Parameters) -> float:
    """How many micrometres a panel's point stands for."""
    return _FIELD_POINTS * parameters.fine_spacing_um / _PANEL


def _panel_light(
    scan: Topography | Photograph, comparison: Comparison, which: str, parameters: Parameters
) -> tuple[Plane, Plane]:
    """How bright each point of a scan's panel is, 0 to 1, and how much of it was measured."""
    match scan:
        case Topography():
            heights, share = _registered(level_region(scan, parameters), comparison, which, parameters)
            return _shade(heights, share, _um_a_point(parameters)), share
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
    short, long = (points * parameters.fine_spacing_um / mark.spacing_um[0] for points in _SHOWN_BAND_POINTS)
    stretch = mark.spacing_um[0] / mark.spacing_um[1]
    smooth, share = low_pass(mark.heights, mark.weights, (short, short * stretch))
    waves, _ = low_pass(mark.heights, mark.weights, (long, long * stretch))
    # from a panel point to the scan: an affine map is known from three points
    corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    um = _um_a_point(parameters)
    ends = np.array([_to_scan(comparison, scan, (y, x), um) for y, x in corners]) - mark.origin_um
    ends /= mark.spacing_um
    origin, along_y, along_x = ends[0], ends[1] - ends[0], ends[2] - ends[0]
    matrix = np.array([[along_x[1], along_y[1], origin[1]], [along_x[0], along_y[0], origin[0]]])
    weights = sampled(share, matrix, (_PANEL, _PANEL))
    return ratio(sampled((smooth - waves) * share, matrix, (_PANEL, _PANEL)), weights), weights


def _to_scan(comparison: Comparison, scan: str, panel: tuple[float, float], um_a_point: float) -> tuple[float, float]:
    """Where a panel point (row, column) lies on a scan: (y, x) um from its first point."""
    y, x = ((place - (_PANEL - 1) / 2) * um_a_point for place in panel)
    centre = comparison.centre_a_um if scan == "a" else comparison.centre_b_um
    if scan == comparison.cells_on:
        return centre[0] + y, centre[1] + x
    turn = np.deg2rad(comparison.rotation_deg)
    shift_y, shift_x = comparison.shift_um
    if scan == "a":
        y, x, turn, shift_y, shift_x = y - shift_y, x - shift_x, -turn, 0.0, 0.0
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    return centre[0] + y * cosine + x * sine + shift_y, centre[1] + x * cosine - y * sine + shift_x


def _to_panel(
    comparison: Comparison, scan: str, place_um: tuple[float, float], um_a_point: float
) -> tuple[float, float]:
    """Where a scan's point lies on the panel: (row, column); the inverse of ``_to_scan``."""
    origin = np.array(_to_scan(comparison, scan, (0.0, 0.0), um_a_point))
    along_y = np.array(_to_scan(comparison, scan, (1.0, 0.0), um_a_point)) - origin
    along_x = np.array(_to_scan(comparison, scan, (0.0, 1.0), um_a_point)) - origin
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


def _box(cell: Cell, comparison: Comparison, scan: str, um_a_point: float) -> tuple[float, float, float, float]:
    """A cell's (left, top, right, bottom) on a panel; only congruent cells are shown where they were found."""
    fixed = comparison.cells_on
    shown_on = scan if cell.congruent else fixed
    centre = cell.centre_a_um if shown_on == "a" else cell.centre_b_um
    row, column = _to_panel(comparison, shown_on, centre, um_a_point)
    half = comparison.cell_size_um / um_a_point / 2 - _CELL_INSET
    return column - half, row - half, column + half, row + half


def _toned(
    light: Plane, share: Plane, boxes: list[tuple[Cell, tuple[float, float, float, float]]]
) -> NDArray[np.uint8]:
    """Grey values: bright in congruent cells, half-bright elsewhere, a flat tone where nothing was measured."""
    tone = np.full(light.shape, _DIM_LIGHT, np.float32)
    for cell, (left, top, right, bottom) in boxes:
        if cell.congruent:
            tone[max(0, round(top)) : round(bottom) + 1, max(0, round(left)) : round(right) + 1] = 1.0
    if not any(cell.congruent for cell, _ in boxes):
        tone[:] = 0.75
    grey = (light * tone * 255.0)[..., None] * np.ones(3, np.float32)
    weight = np.clip(share * 2.0, 0.0, 1.0)[..., None]
    mixed = grey * weight + np.array(_UNMEASURED, np.float32) * (1.0 - weight)
    return np.asarray(np.rint(mixed), np.uint8)


def _frame_cells(draw: ImageDraw.ImageDraw, boxes: list[tuple[Cell, tuple[float, float, float, float]]]) -> None:
    font = ImageFont.load_default(11)
    for cell, (left, top, right, bottom) in sorted(boxes, key=lambda entry: entry[0].congruent):
        colour = _LIT if cell.congruent else _DIM
        draw.rectangle((left, top, right, bottom), outline=colour, width=2 if cell.congruent else 1)
        width = draw.textlength(cell.label, font=font)
        draw.rectangle((left, top, left + width + 6, top + 14), fill=colour if cell.congruent else _UNMEASURED)
        ink = _BACKGROUND if cell.congruent else _QUIET_TEXT
        draw.text((left + 3, top + 7), cell.label, font=font, fill=ink, anchor="lm")


def _write(draw: ImageDraw.ImageDraw, comparison: Comparison, parameters: Parameters, photographed: bool) -> None:
    title, text = ImageFont.load_default(24), ImageFont.load_default(16)
    left_a, left_b = _GAP, _PANEL + 2 * _GAP
    moved = "a" if comparison.cells_on == "b" else "b"
    turn = comparison.rotation_deg if moved == "a" else -comparison.rotation_deg % 360.0
    for scan, left in (("a", left_a), ("b", left_b)):
        draw.text((left, _HEADER / 2), f"Scan {scan.upper()}", font=title, fill=_TEXT, anchor="lm")
        if scan == moved:
            signed = turn if turn <= 180.0 else turn - 360.0
            way = "clockwise" if signed >= 0 else "anticlockwise"
            note = f"turned {abs(signed):.1f}° {way} onto scan {'B' if moved == 'a' else 'A'}"
            draw.text((left + _PANEL, _HEADER / 2), note, font=text, fill=_QUIET_TEXT, anchor="rm")
    top = _HEADER + _PANEL
    words = f"Score {comparison.score:.2f}, {comparison.n_congruent} of {comparison.n_cells} cells congruent"
    draw.text((left_a, top + 34), words, font=title, fill=_TEXT, anchor="lm")
    caution = "A score ranks candidates; it does not identify."
    draw.text((left_a, top + 64), caution, font=text, fill=_TEXT, anchor="lm")
    facts = (
        f"Correlation of the registered marks {comparison.g25:.2f}, overlap {comparison.overlap:.0%}. "
        "Green: congruent cell. Grey: other cell."
    )
    draw.text((left_a, top + 88), facts, font=text, fill=_QUIET_TEXT, anchor="lm")
    right = left_b + _PANEL
    # half a millimetre of a breech face's 4.1
    bar_um = 40.0 * parameters.fine_spacing_um
    length = bar_um / _um_a_point(parameters)
    draw.rectangle((right - length, top + 30, right, top + 35), fill=_TEXT)
    draw.text((right - length / 2, top + 52), f"{bar_um / 1000:g} mm", font=text, fill=_TEXT, anchor="mm")
    short, long = (points * parameters.fine_spacing_um / 1000.0 for points in _SHOWN_BAND_POINTS)
    waves = f"waves of {short:g} to {long:g} mm"
    if photographed:
        light = f"Both in one frame; photographs as they were lit, topographies from the upper left; {waves}"
    else:
        light = f"Both in one frame, lit from the upper left; {waves}, slopes exaggerated"
    draw.text((right, top + 88), light, font=text, fill=_QUIET_TEXT, anchor="rm")
