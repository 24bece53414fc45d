"""The picture of a comparison: both marks in one frame, under one light, with their cells."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matcher.areal.comparison import Cell, Comparison
from matcher.draw.panels import (
    PANEL_POINTS,
    SHOWN_BAND_POINTS,
    Box,
    cell_box,
    overlap_outlines,
    panel_light,
    um_a_panel_point,
)
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Plane
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

_GAP = 24
_HEADER = 64
_FOOTER = 112
_BACKGROUND = (22, 25, 30)
_UNMEASURED = (34, 38, 45)
_TEXT = (236, 239, 244)
_QUIET_TEXT = (160, 168, 180)
_LIT = (94, 220, 172)
_DIM = (126, 134, 148)
_DIM_LIGHT = 0.6
_SHARED = (120, 132, 160)


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
    3. Outline what both scans show. Light the congruent cells, dim the others, frame and label all of them. On the
       scan that was moved, a congruent cell is drawn where its content was found.
    4. Write what was turned, the score in words, the scale and the direction of light.

    The scans must be those that were compared. Raises ``ScanNotUsable`` as ``prepare`` does.
    """
    # 1. and 2.
    um = um_a_panel_point(parameters)
    light_a, share_a = panel_light(a, comparison, "a", parameters)
    light_b, share_b = panel_light(b, comparison, "b", parameters)

    # 3.
    outlines = overlap_outlines(share_a, share_b)
    canvas = Image.new("RGB", (2 * PANEL_POINTS + 3 * _GAP, PANEL_POINTS + _HEADER + _FOOTER), _BACKGROUND)
    for light, share, scan, left in ((light_a, share_a, "a", _GAP), (light_b, share_b, "b", PANEL_POINTS + 2 * _GAP)):
        boxes = [(cell, cell_box(cell, comparison, scan, um)) for cell in comparison.cells]
        panel = Image.fromarray(_toned(light, share, boxes))
        for outline in outlines:
            closed = [(column, row) for row, column in (*outline, outline[0])]
            ImageDraw.Draw(panel).line(closed, fill=_SHARED, width=1)
        _frame_cells(ImageDraw.Draw(panel), boxes)
        canvas.paste(panel, (left, _HEADER))

    # 4.
    _write(ImageDraw.Draw(canvas), comparison, parameters, photographed=not {type(a), type(b)} <= {Topography})
    stream = io.BytesIO()
    canvas.save(stream, format="PNG")
    return stream.getvalue()


def _toned(light: Plane, share: Plane, boxes: list[tuple[Cell, Box]]) -> NDArray[np.uint8]:
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


def _frame_cells(draw: ImageDraw.ImageDraw, boxes: list[tuple[Cell, Box]]) -> None:
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
    left_a, left_b = _GAP, PANEL_POINTS + 2 * _GAP
    moved = "a" if comparison.cells_on == "b" else "b"
    turn = comparison.rotation_deg if moved == "a" else -comparison.rotation_deg % 360.0
    for scan, left in (("a", left_a), ("b", left_b)):
        draw.text((left, _HEADER / 2), f"Scan {scan.upper()}", font=title, fill=_TEXT, anchor="lm")
        if scan == moved:
            signed = turn if turn <= 180.0 else turn - 360.0
            way = "clockwise" if signed >= 0 else "anticlockwise"
            note = f"turned {abs(signed):.1f}° {way} onto scan {'B' if moved == 'a' else 'A'}"
            draw.text((left + PANEL_POINTS, _HEADER / 2), note, font=text, fill=_QUIET_TEXT, anchor="rm")
    top = _HEADER + PANEL_POINTS
    words = f"Score {comparison.score:.2f}, {comparison.n_congruent} of {comparison.n_cells} cells congruent"
    draw.text((left_a, top + 34), words, font=title, fill=_TEXT, anchor="lm")
    caution = "A score ranks candidates; it does not identify."
    draw.text((left_a, top + 64), caution, font=text, fill=_TEXT, anchor="lm")
    facts = (
        f"Agreement {comparison.agreement:.1f}, where chance reaches 5 to 8; overlap {comparison.overlap:.0%}. "
        "Green: congruent cell. Grey: other cell. Blue: what both show."
    )
    draw.text((left_a, top + 88), facts, font=text, fill=_QUIET_TEXT, anchor="lm")
    right = left_b + PANEL_POINTS
    # half a millimetre of a breech face's 4.1
    bar_um = 40.0 * parameters.fine_spacing_um
    length = bar_um / um_a_panel_point(parameters)
    draw.rectangle((right - length, top + 30, right, top + 35), fill=_TEXT)
    draw.text((right - length / 2, top + 52), f"{bar_um / 1000:g} mm", font=text, fill=_TEXT, anchor="mm")
    short, long = (points * parameters.fine_spacing_um / 1000.0 for points in SHOWN_BAND_POINTS)
    waves = f"waves of {short:g} to {long:g} mm"
    if photographed:
        light = f"Both in one frame; photographs as they were lit, topographies from the upper left; {waves}"
    else:
        light = f"Both in one frame, lit from the upper left; {waves}, slopes exaggerated"
    draw.text((right, top + 88), light, font=text, fill=_QUIET_TEXT, anchor="rm")
