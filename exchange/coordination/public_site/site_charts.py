"""The charts of the public site as SVG within a page: widths in per cent, letters in pixels, so that they are read on a
telephone as on a wall. Colours are the style sheet's. The table beneath each says the same.

What is told as a range is striped from its low end to its high one; what is held back is a dotted line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.web.report.charts import in_lines

_LINE, _BAR, _GAP = 19, 12, 12
_ROOM: Final = 68
"""Per cent of the width for the longest bar; the rest is for what it says."""
_TALL: Final = 170
"""Pixels of the tallest column."""
_STUB: Final = 16
"""Of a column of which nothing is told."""
_CHART: Final = Markup(
    '<svg class="chart" role="img" aria-labelledby="{id}-title {id}-desc" width="100%" height="{high:g}">'
    '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>\n{body}\n</svg>'
)
_RECT: Final = Markup('<rect class="{kind}" x="{x}" y="{y:.1f}" width="{wide}" height="{high:.1f}"/>')
_STRIPED: Final = Markup(
    '<rect class="may" x="{x}" y="{y:.1f}" width="{wide}" height="{high:.1f}" fill="url(#{id}-may)"/>'
)
_TRACK: Final = Markup('<line class="track" x1="0" x2="{wide}%" y1="{y}" y2="{y}"/>')
_ACROSS: Final = Markup('<line class="{kind}" x1="12%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
_TEXT: Final = Markup('<text class="{kind}" x="{x}" y="{y:g}" text-anchor="{anchor}">{said}</text>')
_PATTERN: Final = Markup(
    '<defs><pattern id="{id}-may" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="may-ground" width="6" height="6"/><rect class="may-line" width="3" height="6"/></pattern></defs>'
)


@dataclass(frozen=True)
class NamedBar:
    """``said``: the figure in words."""

    name: str
    figure: Figure
    said: str


@dataclass(frozen=True)
class StageBar:
    """A time. ``middle`` and ``most``: the shares of the bar up to the class of the median and of the 90th percentile;
    0 where nothing is published."""

    name: str
    middle: float
    most: float
    said: str


def bar_chart(id_: str, title: str, description: str, bars: Sequence[NamedBar]) -> Markup:
    """Lying bars, one below the other; what each says stands at its end."""
    longest = max([1.0, *(bar.figure.high or 0 for bar in bars)])
    parts, top = [_PATTERN.format(id=id_)], 0.0
    for bar in bars:
        top += _add_name(parts, bar.name, top, "name")
        parts.append(_track(top, _ROOM))
        parts.extend(_lying(id_, bar.figure, top, _ROOM / longest))
        parts.append(_text("100%", top + 11, bar.said, "said", "end"))
        top += _BAR + _GAP
    return _svg(id_, title, description, top, parts)


def span_chart(id_: str, title: str, description: str, spans: Sequence[StageBar]) -> Markup:
    """Lying bars: dark up to the middle, light up to what nine of ten did not exceed."""
    parts: list[Markup] = []
    top = 0.0
    for span in spans:
        top += _add_name(parts, span.name, top, "name")
        top += _add_name(parts, span.said, top, "said")
        parts.append(_track(top, 100))
        for share, kind in ((span.most, "most"), (span.middle, "sure")):
            if share:
                parts.append(_RECT.format(kind=kind, x="0", y=top, wide=_share(share * 100), high=_BAR))
        top += _BAR + _GAP
    return _svg(id_, title, description, top, parts)


def column_chart(
    id_: str, title: str, description: str, columns: Sequence[NamedBar], ticks: Sequence[tuple[float, str]]
) -> Markup:
    """Standing columns, the first of which is the baseline: a broken line leads from it over the others, and of a range
    one from each end. ``ticks``: of the scale, the last at its top, each in words."""
    ground = 14 + _TALL
    scale = _TALL / ticks[-1][0]
    parts = [_PATTERN.format(id=id_)]
    for value, said in ticks:
        y = ground - value * scale
        parts.append(_ACROSS.format(kind="grid", y=y))
        parts.append(_text("10%", y + 4, said, "small", "end"))
    wide = 86 / len(columns)
    for number, column in enumerate(columns):
        left = 13 + number * wide
        x, width = _share(left + wide * 0.18), _share(wide * 0.64)
        parts.extend(_standing(id_, column.figure, x, width, ground, scale))
        for line, word in enumerate(column.name.split()):
            parts.append(_text(_share(left + wide / 2), ground + 16 + 15 * line, word, "small", "middle"))
    first = columns[0].figure
    if len(columns) > 1 and first.told in (Told.EXACT, Told.BETWEEN):
        ends = sorted({first.low or 0, first.high or 0})
        parts.extend(_ACROSS.format(kind="baseline", y=ground - end * scale) for end in ends)
    return _svg(id_, title, description, ground + 38, parts)


def tells_any(figures: Iterable[Figure]) -> bool:
    """Whether there is anything to draw."""
    return any(figure.told in (Told.EXACT, Told.BETWEEN) for figure in figures)


def nice_top(most: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... that is not below it: for a scale that people read."""
    if most <= 1:
        return 1.0
    power = 10 ** math.floor(math.log10(most))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= most))


def _add_name(parts: list[Markup], name: str, top: float, kind: str) -> float:
    """Write a name in one line or two; returns how tall they are."""
    lines = in_lines(name)
    parts.extend(_text("0", top + 14 + number * _LINE, line, kind, "start") for number, line in enumerate(lines))
    return len(lines) * _LINE + 2


def _lying(id_: str, figure: Figure, top: float, scale: float) -> Iterator[Markup]:
    if figure.told not in (Told.EXACT, Told.BETWEEN):
        return
    low, high = (figure.low or 0) * scale, (figure.high or 0) * scale
    if high > low:
        yield _STRIPED.format(id=id_, x=_share(low), y=top, wide=_share(high - low), high=_BAR)
    if low:
        yield _RECT.format(kind="sure", x="0", y=top, wide=_share(low), high=_BAR)


def _standing(id_: str, figure: Figure, x: str, wide: str, ground: float, scale: float) -> Iterator[Markup]:
    if figure.told not in (Told.EXACT, Told.BETWEEN):
        yield _RECT.format(kind="none", x=x, y=ground - _STUB, wide=wide, high=_STUB)
        return
    low, high = (figure.low or 0) * scale, (figure.high or 0) * scale
    if high > low:
        yield _STRIPED.format(id=id_, x=x, y=ground - high, wide=wide, high=high - low)
    if low:
        yield _RECT.format(kind="sure", x=x, y=ground - low, wide=wide, high=low)


def _track(top: float, wide: float) -> Markup:
    return _TRACK.format(wide=wide, y=top + _BAR / 2)


def _share(part: float) -> str:
    return f"{part:.2f}%"


def _text(x: str, y: float, said: str, kind: str, anchor: str) -> Markup:
    return _TEXT.format(kind=kind, x=x, y=y, anchor=anchor, said=said)


def _svg(id_: str, title: str, description: str, high: float, parts: Sequence[Markup]) -> Markup:
    return _CHART.format(id=id_, title=title, description=description, high=high, body=Markup("\n").join(parts))
