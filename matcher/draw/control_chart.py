"""A control chart as SVG: the figures of a series, one after the other, with the limits that they are held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

CHART_WIDTH: Final = 640
CHART_HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 28, 22
_ROOM: Final = 1.15
"""The scale reaches a little beyond the action limits; a value farther out is drawn at its edge."""
_MOST_POINTS: Final = 200
"""The last ones: more could not be told apart on this width. The table beside the chart has all."""
_STYLE: Final = """
svg { --line: #c6cbd1; --ink: #16191d; --soft: #4b545e; --accent: #0b5c8a; --warn: #8a1c12; background: #ffffff }
@media (prefers-color-scheme: dark) {
svg { --line: #3a4149; --ink: #e4e7ea; --soft: #a7b0ba; --accent: #6db9e6; --warn: #ffab9f; background: #1a1d21 } }
text { font-family: sans-serif; font-size: 12px; fill: var(--ink) }
.head { font-weight: 600; font-size: 13px } .scale { fill: var(--soft) }
.target { stroke: var(--soft); fill: none } .warning { stroke: var(--soft); stroke-dasharray: 5 4; fill: none }
.action { stroke: var(--warn); fill: none } .way { stroke: var(--accent); fill: none }
.passed { fill: var(--accent) } .told { fill: none; stroke: var(--warn); stroke-width: 2 }
.failed { stroke: var(--warn); stroke-width: 2.5; fill: none }
"""

PointMark = Literal["passed", "told", "failed"]


@dataclass(frozen=True)
class ChartPoint:
    """``mark``: a dot, an open diamond for a warning, a cross for a failure: no colour alone says it."""

    value: float
    label: str
    mark: PointMark


@dataclass(frozen=True)
class ControlPanel:
    """One figure of a series. ``words``: what a reader who sees no picture is told. ``warning``, ``action``: the lowest
    and the highest value within each limit, None where there is none; ``digits``: after the decimal point."""

    title: str
    words: str
    target: float
    warning: tuple[float | None, float | None]
    action: tuple[float | None, float | None]
    points: Sequence[ChartPoint]
    digits: int = 3


def draw_control_panel(panel: ControlPanel, *, top: int | None = None) -> str:
    """One ``<svg>`` with classes and no style of its own: the page has it. ``top``: where it lies in another one."""
    points = panel.points[-_MOST_POINTS:]
    place = "" if top is None else f' y="{top}" width="{CHART_WIDTH}" height="{CHART_HEIGHT}"'
    head = (
        f'<svg class="control" viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}"{place} role="img" '
        f'aria-label="{escape(panel.words)}">'
        f'<text class="head" x="4" y="16">{escape(panel.title)}</text>'
    )
    low, high = _range(panel)
    parts = [head]
    for kind, values in (("action", panel.action), ("warning", panel.warning), ("target", (panel.target,))):
        for value in values:
            if value is not None:
                y = _y(value, low, high)
                parts.append(f'<path class="{kind}" d="M{_LEFT} {y}H{CHART_WIDTH - _RIGHT}"/>')
                if kind != "warning":
                    number = f"{value:.{panel.digits}f}"
                    parts.append(f'<text class="scale" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{number}</text>')
    places = [(_x(number, len(points)), _y(point.value, low, high)) for number, point in enumerate(points)]
    if len(places) > 1:
        parts.append(f'<path class="way" d="M{"L".join(f"{x} {y}" for x, y in places)}"/>')
    for (x, y), point in zip(places, points, strict=True):
        parts.append(f"{_mark(point.mark, x, y)}<title>{escape(point.label)}</title></path>")
    if points:
        parts.append(f'<text class="scale" x="{_LEFT}" y="{CHART_HEIGHT - 6}">{escape(points[0].label)}</text>')
    if len(points) > 1:
        last = escape(points[-1].label)
        parts.append(
            f'<text class="scale" x="{CHART_WIDTH - _RIGHT}" y="{CHART_HEIGHT - 6}" text-anchor="end">{last}</text>'
        )
    return "".join([*parts, "</svg>"])


def draw_control_chart(title: str, panels: Sequence[ControlPanel]) -> str:
    """All figures of a series in one SVG document without outside references, for light and dark."""
    height = 34 + CHART_HEIGHT * len(panels)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CHART_WIDTH} {height}" width="{CHART_WIDTH}">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<text class="head" x="4" y="20">{escape(title)}</text>',
            *(draw_control_panel(panel, top=34 + CHART_HEIGHT * number) for number, panel in enumerate(panels)),
            "</svg>",
        ]
    )


def _range(panel: ControlPanel) -> tuple[float, float]:
    """From the target to a little beyond the action limits; to the other side of a one-sided figure a quarter of it."""
    reach = max(abs(limit - panel.target) for limit in panel.action if limit is not None)
    low = reach if panel.action[0] is not None else reach / 4.0
    high = reach if panel.action[1] is not None else reach / 4.0
    return panel.target - _ROOM * low, panel.target + _ROOM * high


def _x(number: int, count: int) -> float:
    width = CHART_WIDTH - _LEFT - _RIGHT - 12
    return round(_LEFT + 6 + (width * number / (count - 1) if count > 1 else 0.0), 1)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if math.isfinite(value) else 0.0
    return round(CHART_HEIGHT - _BOTTOM - min(max(share, 0.0), 1.0) * (CHART_HEIGHT - _TOP - _BOTTOM), 1)


def _mark(mark: PointMark, x: float, y: float) -> str:
    """An open ``<path>``: its title follows."""
    match mark:
        case "passed":
            return f'<path class="passed" d="M{x - 3} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0">'
        case "told":
            return f'<path class="told" d="M{x} {y - 5}L{x + 5} {y}L{x} {y + 5}L{x - 5} {y}Z">'
        case "failed":
            return f'<path class="failed" d="M{x - 5} {y - 5}L{x + 5} {y + 5}M{x - 5} {y + 5}L{x + 5} {y - 5}">'
