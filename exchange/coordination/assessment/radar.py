"""A radar as SVG: one spoke for each area, now and last time. Read in black and white: now is a whole line with full
dots, last time a broken line with empty squares. What nobody knows has no dot, and is no zero.

The same figures stand in a table beneath: a drawing alone tells nobody who cannot see it.
"""

from __future__ import annotations

import math
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
_NOW, _BEFORE, _GRID, _TEXT = "#0b5c8a", "#333333", "#b5bcc4", "#1c2126"
_FONT: Final = "Libertinus Serif"


@dataclass(frozen=True)
class RadarSpoke:
    """``now`` and ``before`` from 0 to 1; None is no data."""

    label: str
    now: float | None
    before: float | None = None


def radar(spokes: Sequence[RadarSpoke], *, now: str, before: str | None) -> str:
    """``now`` and ``before`` are the words of the legend; without ``before`` there is no last time. At least three
    spokes."""
    if len(spokes) < 3:
        raise ValueError("a radar has three spokes or more")
    drawn = [
        *_grid(len(spokes)),
        *(_before(spokes) if before is not None else ()),
        *_now(spokes),
        *(line for place, spoke in enumerate(spokes) for line in _label(spoke.label, place, len(spokes))),
        *_legend(now, before),
    ]
    size = f'viewBox="0 0 {RADAR_WIDE} {HIGH}" width="{RADAR_WIDE}" height="{HIGH}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join((head, *drawn, "</svg>")) + "\n"


def _grid(count: int) -> Iterator[str]:
    for ring in _RINGS:
        points = " ".join(_written(_at(place, count, ring)) for place in range(count))
        yield f'<polygon points="{points}" fill="none" stroke="{_GRID}" stroke-width="{1.4 if ring == 1 else 0.8}"/>'
    for place in range(count):
        (x, y), (to_x, to_y) = _MIDDLE, _at(place, count, 1)
        yield f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{_GRID}" stroke-width="0.8"/>'
    for ring in _RINGS:
        x, y = _at(0, count, ring)
        yield _text(f"{ring * 100:.0f}", x - 4, y + 4, "end", size=10)


def _now(spokes: Sequence[RadarSpoke]) -> Iterator[str]:
    known = [_at(place, len(spokes), spoke.now) for place, spoke in enumerate(spokes) if spoke.now is not None]
    if len(known) == len(spokes):
        points = " ".join(map(_written, known))
        yield f'<polygon points="{points}" fill="{_NOW}" fill-opacity="0.14" stroke="none"/>'
    for (x, y), (to_x, to_y) in _edges([spoke.now for spoke in spokes]):
        yield (f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{_NOW}" stroke-width="2.4"/>')
    yield from (_dot(x, y) for x, y in known)


def _before(spokes: Sequence[RadarSpoke]) -> Iterator[str]:
    for (x, y), (to_x, to_y) in _edges([spoke.before for spoke in spokes]):
        yield (
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{_BEFORE}" '
            'stroke-width="1.4" stroke-dasharray="6 4"/>'
        )
    for place, spoke in enumerate(spokes):
        if spoke.before is not None:
            yield _square(*_at(place, len(spokes), spoke.before))


def _edges(values: Sequence[float | None]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """From each spoke to the next one, where both are known."""
    count = len(values)
    for place, value in enumerate(values):
        following = values[(place + 1) % count]
        if value is not None and following is not None:
            yield _at(place, count, value), _at((place + 1) % count, count, following)


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
    lines = [""]
    for word in label.split():
        rest = word
        if lines[-1] and len(lines[-1]) + 1 + len(rest) <= _LETTERS:
            lines[-1] += f" {rest}"
            continue
        if lines[-1]:
            lines.append("")
        while len(rest) > _LETTERS:
            lines[-1] = f"{rest[: _LETTERS - 1]}-"
            rest = rest[_LETTERS - 1 :]
            lines.append("")
        lines[-1] = rest
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], f"{lines[_LINES - 1][: _LETTERS - 1]}…"]
    return lines


def _legend(now: str, before: str | None) -> Iterator[str]:
    y = HIGH - 14.0
    x = RADAR_WIDE / 2 - (190 if before is not None else 60)
    yield f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x + 36:.1f}" y2="{y:.1f}" stroke="{_NOW}" stroke-width="2.4"/>'
    yield _dot(x + 18, y)
    yield _text(printable(now), x + 44, y + 4, "start")
    if before is not None:
        x += 200
        yield (
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x + 36:.1f}" y2="{y:.1f}" stroke="{_BEFORE}" stroke-width="1.4" '
            'stroke-dasharray="6 4"/>'
        )
        yield _square(x + 18, y)
        yield _text(printable(before), x + 44, y + 4, "start")


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="{_NOW}"/>'


def _square(x: float, y: float) -> str:
    return (
        f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#ffffff" stroke="{_BEFORE}" '
        'stroke-width="1.3"/>'
    )


def _text(text: str, x: float, y: float, anchor: str, size: int = _SIZE) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{_FONT}" font-size="{size}" fill="{_TEXT}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _at(place: int, count: int, share: float) -> tuple[float, float]:
    """The first spoke stands upright, the others follow clockwise."""
    angle = 2 * math.pi * place / count - math.pi / 2
    return _MIDDLE[0] + share * _RADIUS * math.cos(angle), _MIDDLE[1] + share * _RADIUS * math.sin(angle)


def _written(point: tuple[float, float]) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
