"""The drawings of a meeting pack, each a file of SVG that stands by itself. The tables say the same.

Read in greys and by who does not tell red from green: by darkness, length and words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import Figure
from exchange.web.report.blocks import printable

PACK_WIDE: Final = 720
PACK_SHADES: Final = ("#f4f6f8", "#d5e0ea", "#adc6d9", "#7fa6c4", "#4f83aa", "#22577f")
_INK: Final = "#16191d"
_SOFT: Final = "#4b545e"
_LATE: Final = "#8a1c12"
_FONT: Final = "Libertinus Serif"
_NAMES: Final = 180
_ROW: Final = 34
_HEAD: Final = 30
_NAME_LETTERS: Final = 25
"""Of a row's name, in one line."""
_LETTERS: Final = 40
"""Of a panel's title: what is longer goes on in a second line."""


def bars_over_periods(panels: Sequence[tuple[str, Sequence[tuple[str, Figure, str]]]]) -> bytes:
    """A panel for each figure: standing bars, one a half-year, the last one dark; a range is pale from its low end on.
    Of each bar its period, and what stands below that."""
    high, across = 170, 2
    parts: list[str] = []
    for number, (title, figures) in enumerate(panels):
        parts += _panel(number % across * PACK_WIDE / across, number // across * high, title, figures)
    return _svg(math.ceil(len(panels) / across) * high, parts)


def _panel(x: float, y: float, title: str, figures: Sequence[tuple[str, Figure, str]]) -> list[str]:
    scale, ground = 74 / max([1.0, *(figure.high or 0 for _, figure, _ in figures)]), y + 140
    lines = _two_lines(title)
    parts = [_text(x, y + 14 + 15 * place, line, bold=True) for place, line in enumerate(lines)]
    for number, (period, figure, below) in enumerate(figures):
        at, low, high = x + number * 58, (figure.low or 0) * scale, (figure.high or 0) * scale
        shade = PACK_SHADES[5] if number == len(figures) - 1 else PACK_SHADES[3]
        if high > low:
            parts.append(_rect(at + 0.5, ground - high, 43, high, PACK_SHADES[1], line=PACK_SHADES[4]))
        parts.append(_rect(at, ground - low, 44, low, shade))
        parts.append(_text(at + 22, ground - high - 5, words(figure, "count"), middle=True, size=11))
        parts.append(_text(at + 22, ground + 15, period, middle=True, size=11, ink=_SOFT))
        parts.append(_text(at + 22, ground + 27, below, middle=True, size=11, ink=_SOFT))
    parts.append(
        f'<path d="M{x:.1f} {ground + 0.5:.1f}h{PACK_WIDE / 2 - 30:.1f}" stroke="{_SOFT}" stroke-width="0.8"/>'
    )
    return parts


def square_map(rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[int, int], tuple[str, int]]) -> bytes:
    """A square for each row and column that ``cells`` names, with its words and its shade from 0 to 5; those that it
    does not name stay empty."""
    wide = (PACK_WIDE - _NAMES) / max(1, len(columns))
    top = 46 if any(len(name) * 7 > wide for name in columns) else _HEAD
    parts = []
    for number, name in enumerate(columns):
        for place, piece in enumerate(_wrapped(name, max(6, int(wide / 7)))[:2]):
            parts.append(_text(_NAMES + (number + 0.5) * wide, 14 + 15 * place, piece, middle=True))
    for line, name in enumerate(rows):
        y = top + line * _ROW
        parts += _name(y, name)
        for number in range(len(columns)):
            x = _NAMES + number * wide
            said, shade = cells.get((line, number), ("", 0))
            fill = PACK_SHADES[shade] if (line, number) in cells else "#ffffff"
            parts.append(_rect(x + 1, y + 1, wide - 2, _ROW - 2, fill, line=PACK_SHADES[1]))
            size = 17 if len(said) == 1 and not said.isdigit() else 13
            parts.append(_text(x + wide / 2, y + 21, said, middle=True, size=size, ink=_on(shade)))
    return _svg(top + len(rows) * _ROW + 4, parts)


def shares(rows: Sequence[tuple[str, Sequence[int]]], legend: Sequence[str]) -> bytes:
    """A lying bar for each row, divided as its counts are; of a row without anybody a line of its own says so."""
    tones = (PACK_SHADES[5], PACK_SHADES[2], PACK_SHADES[0])
    parts: list[str] = []
    x = 0.0
    for number, said in enumerate(legend):
        parts.append(_rect(x, 4, 14, 14, tones[number], line=PACK_SHADES[4]))
        parts.append(_text(x + 20, 16, said))
        x += 44 + 7.5 * len(said)
    whole = max([1, *(sum(counts) for _, counts in rows)])
    for line, (name, counts) in enumerate(rows):
        y, at = _HEAD + line * _ROW, float(_NAMES)
        parts += _name(y, name)
        for number, count in enumerate(counts):
            wide = count / whole * (PACK_WIDE - _NAMES - 60)
            if count:
                parts.append(_rect(at, y + 4, wide, _ROW - 10, tones[number], line=PACK_SHADES[4]))
                if wide > 9 * len(str(count)) + 4:
                    ink = "#ffffff" if number == 0 else _INK
                    parts.append(_text(at + wide / 2, y + 21, str(count), middle=True, ink=ink))
            at += wide
        parts.append(_text(at + 8, y + 21, str(sum(counts)), ink=_SOFT))
    return _svg(_HEAD + len(rows) * _ROW + 4, parts)


def levels(rows: Sequence[tuple[str, int | None, int | None]], most: int, words_of: Sequence[str]) -> bytes:
    """A line for each side with a box for each level: filled up to the level that is reached; where the level of before
    was another one, an arrow says so. ``words_of``: what a level is called."""
    wide = (PACK_WIDE - _NAMES - 90) / max(1, most)
    parts = []
    for number, name in enumerate(words_of):
        for place, piece in enumerate(_wrapped(name, max(8, int(wide / 6.6)))[:2]):
            parts.append(_text(_NAMES + (number + 0.5) * wide, 12 + 14 * place, piece, middle=True, size=11, ink=_SOFT))
    for line, (name, before, now) in enumerate(rows):
        y = 40 + line * _ROW
        parts += _name(y, name)
        for number in range(most):
            reached = now is not None and number < now
            x = _NAMES + number * wide
            parts.append(
                _rect(
                    x + 2,
                    y + 6,
                    wide - 4,
                    _ROW - 14,
                    PACK_SHADES[4] if reached else PACK_SHADES[0],
                    line=PACK_SHADES[2],
                )
            )
        said = "–" if now is None else str(now)
        if before is not None and now is not None and before != now:
            said = f"{before} → {now}"
        fell = before is not None and now is not None and now < before
        parts.append(_text(PACK_WIDE - 78, y + 21, said, bold=True, ink=_LATE if fell else _INK))
    return _svg(44 + len(rows) * _ROW, parts)


def _name(y: float, name: str) -> list[str]:
    """Of a row, in two lines where one does not hold it."""
    lines = _wrapped(name, _NAME_LETTERS)[:2]
    top = y + 21 if len(lines) == 1 else y + 14
    return [_text(0, top + 14 * place, line, size=13 if len(lines) == 1 else 12) for place, line in enumerate(lines)]


def _on(shade: int) -> str:
    """The ink that is read on it."""
    return "#ffffff" if shade >= 4 else _INK


def _two_lines(title: str) -> list[str]:
    return _wrapped(title, _LETTERS)[:2]


def _wrapped(said: str, letters: int) -> list[str]:
    lines = [""]
    for word in said.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and len(longer) > letters:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _rect(x: float, y: float, width: float, height: float, fill: str, *, line: str | None = None) -> str:
    stroke = f' stroke="{line}" stroke-width="0.8"' if line is not None else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"{stroke}/>'


def _text(
    x: float, y: float, said: str, *, middle: bool = False, bold: bool = False, size: int = 13, ink: str = _INK
) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{ink}"'
    return f"<text {place}{anchor}{weight}>{escape(printable(said))}</text>"


def _svg(high: float, parts: Sequence[str]) -> bytes:
    size = f'viewBox="0 0 {PACK_WIDE} {high:.0f}" width="{PACK_WIDE}" height="{high:.0f}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONT}" role="img">\n{body}\n</svg>\n'.encode()
    )
