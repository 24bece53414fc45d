"""The charts of a document as SVG: the same drawing stands in a page, in a PDF, and in a file of its own.

Widths are per cent and heights pixels, so that letters are as large on a telephone as on paper. Each mark has a class,
by which a page colours it in light and dark, and a colour of its own, for paper. Charts are read in grey: by length,
darkness and words. A range is pale from its low end to its high end. A table with the same figures stands next to each.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

WIDE: Final = 720
"""Pixels on paper and in a file; on a page a chart is as wide as its place."""
SHADES: Final = 5
_BLUE, _PALE, _INK, _SOFT = "#0b5c8a", "#cfe0ec", "#16191d", "#4b545e"
_NAME_LETTERS: Final = 31
"""A longer name goes on in a second line: so many letters fit a telephone of 320 pixels."""
_LINE, _BAR, _GAP, _ROW = 17, 12, 12, 34
_TALL: Final = 110
"""Pixels of the tallest column."""
_STUB: Final = 16
"""Of a column whose figure is not published."""
_BAR_ROOM: Final = 68
"""Per cent of the width for the longest bar; the words of the figure need the rest."""
_NAMES: Final = 26
"""Per cent of the width for the names of rows."""
_RECT: Final = Markup('<rect class="{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}" {}/>')
_LINE_ACROSS: Final = Markup('<line class="{}" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}" stroke="{}" {}/>')
_TEXT: Final = Markup(
    '<text class="{}" x="{:.2f}%" y="{:.1f}" text-anchor="{}" font-size="{}" font-weight="{}" fill="{}">{}</text>'
)
_PAINT: Final = {
    "sure": Markup('fill="{}"').format(_BLUE),
    "may": Markup('fill="{}" stroke="{}" stroke-dasharray="3 2"').format(_PALE, _BLUE),
    "none": Markup('fill="none" stroke="{}" stroke-dasharray="2 3"').format(_SOFT),
}


@dataclass(frozen=True)
class Bar:
    """A named figure. ``low`` and ``high`` are equal for an exact figure, and None for one that is not published."""

    name: str
    words: str
    low: float | None
    high: float | None
    opacity: float = 1.0
    below: str = ""


@dataclass(frozen=True)
class Span:
    """A time. ``middle`` and ``most``: the shares of the axis up to the median and to the 90th percentile; None for a
    time that is not published."""

    name: str
    words: str
    middle: float | None
    most: float | None


@dataclass(frozen=True)
class Chart:
    title: str
    high: float
    body: Markup

    def __html__(self) -> str:
        return self._drawn(self.high, self.body)

    def file(self, notes: Sequence[str]) -> bytes:
        """The chart on white ground, with its title and with notes below it."""
        ground = Markup('<rect width="100%" height="100%" fill="#ffffff"/>')
        title = _text(0, 16, self.title, "head")
        lines = [line for note in notes for line in textwrap.wrap(note, 110)]
        below = [_text(0, self.high + 24 + _LINE * (place + 1), line, "small") for place, line in enumerate(lines)]
        moved = Markup('<g transform="translate(0 24)">{}</g>').format(self.body)
        body = Markup("\n").join((ground, title, moved, *below))
        return self._drawn(self.high + 36 + _LINE * len(lines), body).encode()

    def _drawn(self, high: float, body: Markup) -> str:
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{}" width="{}" '
            'height="{:.0f}" font-family="Libertinus Serif, sans-serif">\n{}\n</svg>'
        ).format(self.title, WIDE, high, body)


def bars(title: str, lines: Sequence[Bar | str]) -> Chart:
    """Lying bars of one scale, one below the other; a text between them is the heading of a group."""
    scale = _BAR_ROOM / _most(line for line in lines if isinstance(line, Bar))
    parts, top = list[Markup](), 0.0
    for line in lines:
        if isinstance(line, str):
            top += _add_lines(parts, line, 0, top, "head")
            continue
        top += _add_lines(parts, line.name, 0, top, "name") + 4
        parts.append(_across("track", 0, _BAR_ROOM, top + _BAR / 2, _SOFT, "1 5"))
        low, high = (line.low or 0) * scale, (line.high or 0) * scale
        parts += _two_ends("may", low, top, high - low, _BAR)
        parts += _two_ends("sure", 0, top, low, _BAR, line.opacity)
        parts.append(_text(100, top + 11, line.words, "said", "end"))
        top += _BAR + _GAP
    return _chart(title, top, parts)


def standing_bars(
    title: str, panels: Sequence[tuple[str, Sequence[Bar]]], *, across: int = 2, baseline: bool = False
) -> Chart:
    """Standing columns, in a panel for each title with a scale of its own; ``across`` panels stand next to each other.
    ``baseline``: a broken line leads over the others at the height of the first, one from each end of a range."""
    parts, top, wide = list[Markup](), 0.0, 100 / across
    for first in range(0, len(panels), across):
        row = panels[first : first + across]
        heads = [_add_lines(parts, said, place * wide, top, "head") for place, (said, _) in enumerate(row)]
        ground = top + max(heads) + 20 + _TALL
        for place, (_said, found) in enumerate(row):
            parts += _panel(found, place * wide, wide - 4 * (across > 1), ground, baseline=baseline)
        top = ground + 15 * max((len(_below(bar)) for _said, found in row for bar in found), default=0) + 12
    return _chart(title, top, parts)


def _panel(found: Sequence[Bar], left: float, wide: float, ground: float, *, baseline: bool) -> list[Markup]:
    parts = [_across("ground", left, left + wide, ground, _SOFT)]
    scale, step = _TALL / _most(found), wide / max(5, len(found))
    for place, bar in enumerate(found):
        x, width = left + (place + 0.18) * step, step * 0.64
        low, high = (bar.low or 0) * scale, (bar.high or 0) * scale
        if bar.low is None:
            parts += _two_ends("none", x, ground - _STUB, width, _STUB)
            for line, word in enumerate(reversed(bar.words.split())):
                parts.append(_text(x + width / 2, ground - _STUB - 4 - 13 * line, word, "small", "middle"))
        else:
            parts += _two_ends("may", x, ground - high, width * (high > low), high - low)
            parts += _two_ends("sure", x, ground - low, width * (low > 0), low)
            parts.append(_text(x + width / 2, ground - high - 5, bar.words, "value", "middle"))
        for line, word in enumerate(_below(bar)):
            parts.append(_text(x + width / 2, ground + 15 * (line + 1), word, "small", "middle"))
    if baseline and found[0].low is not None:
        ends = sorted({found[0].low, found[0].high or 0})
        parts += [_across("baseline", left, left + wide, ground - end * scale, _INK, "6 4") for end in ends]
    return parts


def _below(bar: Bar) -> list[str]:
    return [*bar.name.split(), *([bar.below] if bar.below else [])]


def squares(
    title: str, rows: Sequence[str], heads: Sequence[str], cells: Mapping[tuple[int, int], tuple[str, int]]
) -> Chart:
    """A square for each place, as row and column, that ``cells`` has, with its words and its shade from 0 to
    ``SHADES``; other places stay empty."""
    wide = (100 - _NAMES) / max(1, len(heads))
    parts: list[Markup] = []
    found = [
        _add_lines(parts, head, _NAMES + (place + 0.5) * wide, 0, "small", max(6, int(wide)), "middle")
        for place, head in enumerate(heads)
    ]
    top = max(found, default=0) + 6
    for line, name in enumerate(rows):
        tall = len(in_lines(name, 22)) * _LINE + 2
        high = max(_ROW, tall)
        _add_lines(parts, name, 0, top + (high - tall) / 2, "name", 22)
        for place in range(len(heads)):
            if (line, place) in cells:
                said, shade = cells[line, place]
                x = _NAMES + place * wide
                parts.append(_shaded(x + 0.15, top + 1, wide - 0.3, high - 2, shade))
                parts.append(_text(x + wide / 2, top + high / 2 + 5, said, "value", "middle"))
        top += high
    return _chart(title, top, parts)


def divided(title: str, rows: Sequence[tuple[str, Sequence[int]]], legend: Sequence[str]) -> Chart:
    """Lying bars of one scale, each divided as its counts are; its sum stands at its end. ``legend``: of the parts, at
    most three."""
    tones, wide = (SHADES, SHADES // 2, 0), 100 / len(legend)
    parts = [_shaded(place * wide, 3, 2, _BAR, tones[place]) for place in range(len(legend))]
    parts += [_text(place * wide + 3, 14, said, "name") for place, said in enumerate(legend)]
    top, scale = 26.0, _BAR_ROOM / max(1, *(sum(counts) for _name, counts in rows))
    for name, counts in rows:
        top += _add_lines(parts, name, 0, top, "name") + 4
        x = 0.0
        for tone, count in zip(tones, counts, strict=False):
            share = count * scale
            parts += [_shaded(x, top, share, 18, tone)] * (count > 0)
            parts += [_text(x + share / 2, top + 14, str(count), "value", "middle")] * (share > 2 * len(str(count)))
            x += share
        parts.append(_text(x + 1, top + 14, str(sum(counts)), "said"))
        top += 18 + _GAP
    return _chart(title, top, parts)


def shade_of(low: float | None, high: float | None, most: float) -> int:
    """The shade of a figure where ``most`` has the darkest."""
    return math.ceil(((low or 0) + (high or 0)) / 2 / max(1.0, most) * SHADES)


def spans(title: str, lines: Sequence[Span], marks: Sequence[tuple[str, float]] = ()) -> Chart:
    """Lying bars: dark up to the median, pale up to the 90th percentile. ``marks``: words at shares of the axis."""
    parts = [_text(share * 100, 13, said, "small", "middle") for said, share in marks]
    begin = top = 20.0 if marks else 0.0
    for line in lines:
        top += _add_lines(parts, line.name, 0, top, "name")
        top += _add_lines(parts, line.words, 0, top, "said") + 4
        parts.append(_across("track", 0, 100, top + _BAR / 2, _SOFT, "1 5"))
        parts += _two_ends("most", 0, top, (line.most or 0) * 100, _BAR, 0.35)
        parts += _two_ends("sure", 0, top, (line.middle or 0) * 100, _BAR)
        top += _BAR + _GAP
    grid = Markup('<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1:.0f}" y2="{2:.0f}" stroke="{3}"/>')
    return _chart(title, top, [*(grid.format(share * 100, begin, top, _PALE) for _said, share in marks), *parts])


def in_lines(said: str, letters: int = _NAME_LETTERS) -> list[str]:
    """In one line, or in some that are about as long; a word is never broken."""
    if len(said) <= letters:
        return [said]
    wide = min(letters, max(letters * 2 // 3, len(said) // 2 + 6))
    return textwrap.wrap(said, wide, break_long_words=False)


def _add_lines(
    parts: list[Markup],
    said: str,
    x: float,
    top: float,
    kind: str,
    letters: int = _NAME_LETTERS,
    anchor: str = "start",
) -> float:
    """Write a text in as many lines as it needs. Return how tall they are."""
    lines = in_lines(said, letters)
    parts += [_text(x, top + 14 + place * _LINE, line, kind, anchor) for place, line in enumerate(lines)]
    return len(lines) * _LINE + 2


def _two_ends(kind: str, x: float, y: float, wide: float, high: float, opacity: float = 1.0) -> list[Markup]:
    """A rectangle; none where it has no size."""
    if wide <= 0 or high <= 0:
        return []
    paint = _PAINT.get(kind, _PAINT["sure"])
    faint = Markup(' fill-opacity="{}"').format(opacity) if opacity != 1 else Markup()
    return [_RECT.format(kind, x, y, wide, high, paint + faint)]


def _shaded(x: float, y: float, wide: float, high: float, shade: int) -> Markup:
    paint = Markup('fill="{}" fill-opacity="{:.2f}" stroke="{}"').format(_BLUE, 0.08 * shade, _PALE)
    return _RECT.format(f"shade-{shade}", x, y, wide, high, paint)


def _across(kind: str, left: float, right: float, y: float, ink: str, dashes: str = "none") -> Markup:
    return _LINE_ACROSS.format(kind, left, right, y, y, ink, Markup('stroke-dasharray="{}"').format(dashes))


def _text(x: float, y: float, said: str, kind: str, anchor: str = "start") -> Markup:
    size, ink = (12, _SOFT) if kind == "small" else (14, _INK)
    weight = "bold" if kind in ("head", "said") else "normal"
    return _TEXT.format(kind, x, y, anchor, size, weight, ink, said)


def _most(found: Iterable[Bar]) -> float:
    return max(1.0, *(bar.high or 0 for bar in found), 0)


def _chart(title: str, high: float, parts: Iterable[Markup]) -> Chart:
    return Chart(title, high + 4, Markup("\n").join(parts))
