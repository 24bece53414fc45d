"""A comparison explained as a drawing that can be zoomed and asked: cells with their figures, displacements."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from matcher.areal.comparison import Cell, Comparison
from matcher.draw.panels import PANEL_POINTS, cell_box, overlap_outlines, panel_light, panel_to_scan, um_a_panel_point
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Plane
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

_GAP, _HEADER, _FOOTER = 24, 64, 96
_WIDTH, _HEIGHT = 2 * PANEL_POINTS + 3 * _GAP, PANEL_POINTS + _HEADER + _FOOTER
_EXAGGERATION = 4.0
"""Of displacements: a few hundredths of a millimetre would not be seen."""
_STYLE = """
text { font-family: sans-serif; fill: #eceff4; font-size: 16px }
.title { font-size: 24px }
.quiet { fill: #a0a8b4 }
.cell { fill-opacity: 0.28; stroke-width: 1.5 }
.congruent { stroke: #5edcac; stroke-width: 3 }
.other { stroke: #7e8694 }
.label { font-size: 11px; paint-order: stroke; stroke: #16191e; stroke-width: 3px }
.shared { fill: none; stroke: #7884a0; stroke-width: 1.5 }
.moved { stroke: #ffd27d; stroke-width: 2 }
"""


def draw_pair_svg(
    a: Topography | Photograph,
    b: Topography | Photograph,
    comparison: Comparison,
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> str:
    """Draw scan a (left) and scan b (right) as registered; returns one SVG document without outside references.

    1. Both panels as ``matcher.draw.draw_pair.draw_pair`` lights them, embedded.
    2. The outline of what both show; each cell, filled by its correlation (blue low, red high), framed green where it
       is congruent, with its figures as a tooltip.
    3. On the scan that was moved, a line from where a congruent cell was expected towards where its content was found,
       four times as long as it is.
    4. The score in words, and the scale of correlations.

    The scans must be those that were compared. Raises ``ScanNotUsable`` as ``prepare`` does.
    """
    # 1.
    (light_a, share_a), (light_b, share_b) = (
        panel_light(scan, comparison, which, parameters) for scan, which in ((a, "a"), (b, "b"))
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{_words(comparison)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#16191e"/>',
    ]
    outlines, um = overlap_outlines(share_a, share_b), um_a_panel_point(parameters)
    for which, light, share, left in (("a", light_a, share_a, _GAP), ("b", light_b, share_b, PANEL_POINTS + 2 * _GAP)):
        parts += [
            f'<text class="title" x="{left}" y="{_HEADER - 20}">Scan {which.upper()}</text>',
            f'<g transform="translate({left} {_HEADER})">',
            f'<image width="{PANEL_POINTS}" height="{PANEL_POINTS}" href="{_embedded(light, share)}"/>',
            # 2. and 3.
            *(f'<polygon class="shared" points="{_points(outline)}"/>' for outline in outlines),
            *(_cell(cell, comparison, which, um) for cell in comparison.cells),
            "</g>",
        ]

    # 4.
    return "\n".join([*parts, *_footer(comparison), "</svg>"])


def explanation(
    a: Topography | Photograph,
    b: Topography | Photograph,
    comparison: Comparison,
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> dict[str, Any]:
    """What a viewer needs: ``Comparison.as_dict`` and ``overlap_outlines``.

    ``overlap_outlines``: for "a" and "b", closed polygons of (y, x) in micrometres from the scan's first point, around
    what both scans show; one within another is a hole. Raises ``ScanNotUsable`` as ``prepare`` does.
    """
    (_, share_a), (_, share_b) = (
        panel_light(scan, comparison, which, parameters) for scan, which in ((a, "a"), (b, "b"))
    )
    outlines, um = overlap_outlines(share_a, share_b), um_a_panel_point(parameters)
    return {
        **comparison.as_dict(),
        "overlap_outlines": {
            which: [[panel_to_scan(comparison, which, place, um) for place in outline] for outline in outlines]
            for which in ("a", "b")
        },
    }


def _words(comparison: Comparison) -> str:
    return f"Score {comparison.score:.2f}, {comparison.n_congruent} of {comparison.n_cells} cells congruent"


def _embedded(light: Plane, share: Plane) -> str:
    weight = np.clip(share * 2.0, 0.0, 1.0)
    grey = np.rint(light * 255.0 * weight + 38.0 * (1.0 - weight)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _points(outline: list[tuple[float, float]]) -> str:
    return " ".join(f"{column:.1f},{row:.1f}" for row, column in outline)


def _cell(cell: Cell, comparison: Comparison, which: str, um: float) -> str:
    left, top, right, bottom = cell_box(cell, comparison, which, um)
    kind, said = ("congruent", "congruent") if cell.congruent else ("other", "not congruent")
    apart = float(np.hypot(*cell.displacement_um))
    drawn = (
        f"<g><title>{cell.label}: correlation {cell.correlation:.2f}, displaced by {apart:.0f} um, {said}</title>"
        f'<rect class="cell {kind}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" fill="{_heat(cell.correlation)}"/>'
        f'<text class="label" x="{left + 5:.1f}" y="{top + 14:.1f}">{cell.label}</text>'
    )
    if which != comparison.cells_on and cell.congruent:
        expected = cell_box(cell, comparison, comparison.cells_on, um)
        x, y = (expected[0] + expected[2]) / 2, (expected[1] + expected[3]) / 2
        end_x = x + _EXAGGERATION * ((left + right) / 2 - x)
        end_y = y + _EXAGGERATION * ((top + bottom) / 2 - y)
        drawn += f'<line class="moved" x1="{x:.1f}" y1="{y:.1f}" x2="{end_x:.1f}" y2="{end_y:.1f}"/>'
    return drawn + "</g>"


def _heat(correlation: float) -> str:
    """From blue (0) by grey (0.5) to red (1)."""
    low, middle, high = np.array([58, 104, 201]), np.array([180, 180, 180]), np.array([214, 69, 65])
    value = min(max(correlation, 0.0), 1.0) * 2.0
    mixed = low + (middle - low) * value if value < 1.0 else middle + (high - middle) * (value - 1.0)
    return "#" + "".join(f"{round(channel):02x}" for channel in mixed)


def _footer(comparison: Comparison) -> list[str]:
    top, right = _HEADER + PANEL_POINTS, _WIDTH - _GAP
    legend = "correlation of a cell, 0 to 1; green frame: congruent; yellow: its displacement, four times as long"
    scale = (
        f'<rect x="{right - 220 + 20 * step}" y="{top + 26}" width="20" height="14" fill="{_heat(step / 10)}"/>'
        for step in range(11)
    )
    return [
        f'<text class="title" x="{_GAP}" y="{top + 40}">{_words(comparison)}</text>',
        f'<text x="{_GAP}" y="{top + 70}">A score ranks candidates; it does not identify.</text>',
        f'<text class="quiet" x="{right}" y="{top + 70}" text-anchor="end">{legend}</text>',
        *scale,
    ]
