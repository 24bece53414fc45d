"""A radar as SVG: one spoke for each area, now and last time. Read in black and white: now is a whole line with full
dots, last time a broken line with empty squares. What nobody knows has no dot, and is no zero.

The same figures stand in a table beneath: a drawing alone tells nobody who cannot see it.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from exchange.web.report.blocks import printable

RADAR_WIDE: Final = 680
HIGH: Final = 412
_MIDDLE: Final = (RADAR_WIDE / 2, 193.0)
_RADIUS: Final = 130
_RINGS: Final = (0.25, 0.5, 0.75, 1.0)
_SIZE: Final = 13
_LINE: Final = 15
_LETTERS: Final = 20
"""So many letters of a label stand in one line: half the width beside the rings holds them also in Cyrillic."""
_LINES: Final = 3
_GRID, _TEXT = "#b5bcc4", "#1c2126"
_FONT: Final = "Libertinus Serif"


@dataclass(frozen=True)
class RadarSpoke:
    """``now`` and ``before`` from 0 to 1; None is no data."""

    label: str
    now: float | None
    before: float | None = None


@dataclass(frozen=True)
class _Series:
    """How a half-year is drawn: the stroke of its lines, and the shape of its dots."""

    stroke: str
    dot: str

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> str:
        return _line(start, end, self.stroke)

    def mark(self, point: tuple[float, float]) -> str:
        return self.dot.format(x=point[0], y=point[1], left=point[0] - 4, top=point[1] - 4)


_NOW: Final = _Series(
    'stroke="#0b5c8a" stroke-width="2.4"', '<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="#0b5c8a"/>'
)
_BEFORE: Final = _Series(
    'stroke="#333333" stroke-width="1.4" stroke-dasharray="6 4"',
    '<rect x="{left:.1f}" y="{top:.1f}" width="8" height="8" fill="#ffffff" stroke="#333333" stroke-width="1.3"/>',
)


def radar(spokes: Sequence[RadarSpoke], *, now: str, before: str | None) -> str:
    """``now`` and ``before`` are the words of the legend; without ``before`` there is no last time. At least three
    spokes."""
    if len(spokes) < 3:
        raise ValueError("a radar has three spokes or more")
    drawn = [
        *_grid(len(spokes)),
        *(_drawn([spoke.before for spoke in spokes], _BEFORE) if before is not None else ()),
        *_filled([spoke.now for spoke in spokes]),
        *_drawn([spoke.now for spoke in spokes], _NOW),
        *(line for place, spoke in enumerate(spokes) for line in _label(spoke.label, place, len(spokes))),
        *_legend(now, before),
    ]
    size = f'viewBox="0 0 {RADAR_WIDE} {HIGH}" width="{RADAR_WIDE}" height="{HIGH}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join((head, *drawn, "</svg>")) + "\n"


def _grid(count: int) -> Iterator[str]:
    for ring in _RINGS:
        yield _polygon([_at(place, count, ring) for place in range(count)], f'fill="none" stroke="{_GRID}"')
        x, y = _at(0, count, ring)
        yield _text(f"{ring * 100:.0f}", x - 4, y + 4, "end", size=10)
    for place in range(count):
        yield _line(_MIDDLE, _at(place, count, 1), f'stroke="{_GRID}" stroke-width="0.8"')


def _filled(values: Sequence[float | None]) -> Iterator[str]:
    """The area of a half-year of which each spoke is known."""
    known = [_at(place, len(values), value) for place, value in enumerate(values) if value is not None]
    if len(known) == len(values):
        yield _polygon(known, 'fill="#0b5c8a" fill-opacity="0.14" stroke="none"')


def _drawn(values: Sequence[float | None], series: _Series) -> Iterator[str]:
    """A dot on each spoke that is known, and a line to the next one where both are."""
    points = [None if value is None else _at(place, len(values), value) for place, value in enumerate(values)]
    for point, following in zip(points, [*points[1:], points[0]], strict=True):
        if point is not None and following is not None:
            yield series.line(point, following)
    yield from (series.mark(point) for point in points if point is not None)


def _label(label: str, place: int, count: int) -> Iterator[str]:
    x, y = _at(place, count, 1)
    across, down = (x - _MIDDLE[0]) / _RADIUS, (y - _MIDDLE[1]) / _RADIUS
    lines = wrapped(printable(label))
    anchor = "middle" if abs(across) < 0.2 else "start" if across > 0 else "end"
    x += across * 12
    high = len(lines) * _LINE
    top = y + down * 12 - (high if down < -0.9 else 0 if down > 0.9 else high / 2)
    for number, line in enumerate(lines):
        yield _text(line, x, top + (number + 0.8) * _LINE, anchor)


def wrapped(label: str) -> list[str]:
    """In at most three lines; a word that no line holds is broken, and what is left over ends with dots."""
    long = re.compile(rf"(\S{{{_LETTERS - 1}}})(?=\S{{2}})")
    return textwrap.wrap(
        " ".join(long.sub(r"\1- ", label).split()), _LETTERS, max_lines=_LINES, placeholder="…", break_on_hyphens=False
    ) or [""]


def _legend(now: str, before: str | None) -> Iterator[str]:
    x, y = RADAR_WIDE / 2 - (190 if before is not None else 60), HIGH - 14.0
    for series, words in ((_NOW, now), (_BEFORE, before)):
        if words is not None:
            yield series.line((x, y), (x + 36, y))
            yield series.mark((x + 18, y))
            yield _text(printable(words), x + 44, y + 4, "start")
            x += 200


def _line(start: tuple[float, float], end: tuple[float, float], stroke: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" {stroke}/>'


def _polygon(points: Sequence[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {style}/>'


def _text(text: str, x: float, y: float, anchor: str, size: int = _SIZE) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{_FONT}" font-size="{size}" fill="{_TEXT}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _at(place: int, count: int, share: float) -> tuple[float, float]:
    """The first spoke stands upright, the others follow clockwise."""
    angle = 2 * math.pi * place / count - math.pi / 2
    return _MIDDLE[0] + share * _RADIUS * math.cos(angle), _MIDDLE[1] + share * _RADIUS * math.sin(angle)
