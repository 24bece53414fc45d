"""The drawings of the regional report, each a file of SVG that stands by itself: hits by pair, and the way over the
periods. The tables say the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import NO_DATA, Figure
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_lines import sides_below
from exchange.coordination.region_files.file_kinds import DEFINITIONS, sides_key
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term

DRAWN_OVER_PERIODS: Final = ("exhibits_entered", "exhibits_shared", "leads_across", "confirmed_hits_across")
"""Those of them that the edition has."""
MAP_SHADES: Final = ("#f4f6f8", "#d5e0ea", "#adc6d9", "#7fa6c4", "#4f83aa", "#22577f")
"""Readable in greys and by whoever does not tell red from green."""
_INK, _SOFT = "#1d2733", "#5a6672"
_SIDE, _HEAD, _NAMES = 84, 64, 170


def pair_map(report: RegionalReport, name: str) -> bytes:
    """A square for each pair of jurisdictions, and on the diagonal for hits within one: the darker, the more. Of a
    restricted edition: a public one has no pairs."""
    codes = report.jurisdictions
    row = report.row(name)
    figures = {
        (one, other): row.cells.get(one if one == other else sides_key(one, other), NO_DATA)
        for one in codes
        for other in codes
    }
    most = max([1.0, *(_middle(figure) for figure in figures.values())])
    wide, high = _NAMES + len(codes) * _SIDE + 10, _HEAD + len(codes) * 34 + 40
    title = _("%(figure)s, %(period)s", figure=_(DEFINITIONS[name].title), period=report.period)
    parts = [_text(0, 18, title, bold=True)]
    for column, code in enumerate(codes):
        parts.append(_text(_NAMES + column * _SIDE + _SIDE / 2, _HEAD - 10, code, middle=True))
    for line, one in enumerate(codes):
        y = _HEAD + line * 34
        parts.append(_text(0, y + 22, term(one, "jurisdiction")))
        for column, other in enumerate(codes):
            figure = figures[one, other]
            shade = math.ceil(_middle(figure) / most * (len(MAP_SHADES) - 1))
            x = _NAMES + column * _SIDE
            parts.append(f'<rect x="{x + 1}" y="{y + 1}" width="{_SIDE - 2}" height="32" fill="{MAP_SHADES[shade]}"/>')
            parts.append(
                _text(x + _SIDE / 2, y + 22, words(figure, "count"), middle=True, light=shade >= len(MAP_SHADES) - 2)
            )
    return _svg(wide, high, title, parts)


def over_periods(report: RegionalReport) -> bytes:
    """Standing bars of the main figures for each period; what is told as a range is pale from its low end on."""
    periods = [*(item.period for item in report.earlier), report.period][-6:]
    known = {item.period: item.figures for item in report.earlier} | {report.period: report.trend}
    sides = {item.period: item.sides for item in report.earlier} | {report.period: report.sides}
    title = _("The region over the periods")
    parts, panel = [_text(0, 18, title, bold=True)], 190
    drawn = [name for name in DRAWN_OVER_PERIODS if name in report.trend]
    for number, name in enumerate(drawn):
        left = number % 2 * 330
        top = 40 + number // 2 * panel
        figures = [known[period].get(name, NO_DATA) for period in periods]
        below = sides_below([sides[period] for period in periods], name)
        parts += _panel(left, top, _panel_title(name), periods, figures, below)
    return _svg(660, 40 + math.ceil(len(drawn) / 2) * panel, title, parts)


def _panel_title(name: str) -> str:
    row = name.removesuffix("_across")
    title = _(DEFINITIONS[row].title)
    return _("%(figure)s across borders", figure=title) if row != name else title


def _panel(
    left: int, top: int, title: str, periods: Sequence[str], figures: Sequence[Figure], below: Sequence[str]
) -> list[str]:
    scale = 90 / max([1.0, *(figure.high or 0 for figure in figures)])
    found = [_text(left, top + 14, title)]
    for at, (period, figure, sides) in enumerate(zip(periods, figures, below, strict=True)):
        x, ground = left + at * 52, top + 140
        low, high = (figure.low or 0) * scale, (figure.high or 0) * scale
        if high > low:
            found.append(
                f'<rect x="{x}" y="{ground - high:.1f}" width="40" height="{high:.1f}" fill="{MAP_SHADES[1]}" '
                f'stroke="{MAP_SHADES[4]}"/>'
            )
        found.append(f'<rect x="{x}" y="{ground - low:.1f}" width="40" height="{low:.1f}" fill="{MAP_SHADES[4]}"/>')
        found.append(_text(x + 20, ground - high - 5, words(figure, "count"), middle=True, small=True))
        found.append(_text(x + 20, ground + 16, period, middle=True, small=True))
        found.append(_text(x + 20, ground + 29, sides, middle=True, small=True))
    found.append(f'<path d="M{left} {top + 140.5}H{left + 312}" stroke="{_SOFT}"/>')
    return found


def _middle(figure: Figure) -> float:
    return ((figure.low or 0) + (figure.high or 0)) / 2


def _text(
    x: float, y: float, said: str, *, middle: bool = False, bold: bool = False, small: bool = False, light: bool = False
) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    weight = ' font-weight="600"' if bold else ""
    size = 11 if small else 13
    ink = "#ffffff" if light else _INK
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{ink}"{anchor}{weight}>{escape(said)}</text>'


def _svg(wide: int, high: int, title: str, parts: Sequence[str]) -> bytes:
    footnotes = spoken().footnotes()
    notes = [
        f'<text x="0" y="{high + 14 + 14 * number}" font-size="10" fill="{_SOFT}">{escape(note)}</text>'
        for number, note in enumerate(footnotes)
    ]
    total, across = high + 20 + 14 * len(footnotes), max(wide, 660)
    body = "\n".join([*parts, *notes])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -4 {across + 16} {total}" role="img" '
        f'font-family="sans-serif" width="{across + 16}" height="{total}">\n<title>{escape(title)}</title>\n'
        f'<rect x="-8" y="-4" width="{across + 16}" height="{total}" fill="#ffffff"/>\n{body}\n</svg>\n'
    ).encode()
