"""The drawings of an incident annex as SVG, for the page and for the PDF: persons by sex and age band, incidents by
outcome and weapon kind, totals over the half-years. A table with the same figures stands beside each.

Each mark has a class, by which a page colours it in light and dark, and a colour of its own, for paper. A cell that is
a range is drawn solid up to its low end and in outline up to its high end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import NO_DATA, Figure
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.incident_vocabulary import AgeBand, HarmOutcome, Sex, WeaponKind
from exchange.coordination.incidents.incident_words import value_words
from exchange.coordination.incidents.platform_words import TABLE_TITLES, TOTAL_TITLES
from exchange.coordination.incidents.told_incidents import USE_BY_OFFENCE, USE_BY_OUTCOME
from exchange.web.languages import gettext as _

LINE_OF_EM: Final = 1.15
"""From one line to the next, by the size of the letters."""
_NARROW: Final = frozenset(" .,:;!|'’()[]/-·fijlrtIіїјІЇЈ")
_BROAD: Final = frozenset("mwMW@%–—жмфшщыюЖМФШЩЫЮџЏњљЊЉ")
_EM: Final = {"narrow": 0.38, "broad": 0.92, "capital": 0.72, "other": 0.6}


def words_wide(said: str, size: float) -> float:
    """In the unit of ``size``."""
    return sum(_EM[_class_of(letter)] for letter in said) * size


# Pages and papers draw with different fonts: widths are those of a broad one, so words are rather narrower than stated.
def in_lines_of(said: str, room: float, size: float) -> list[str]:
    """Broken between words where a line would be wider than ``room``; a word alone is never broken."""
    lines = [""]
    for word in said.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and words_wide(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _class_of(letter: str) -> str:
    if letter in _NARROW:
        return "narrow"
    if letter in _BROAD:
        return "broad"
    return "capital" if letter.isupper() else "other"


PERSON_TABLES: Final = ("victims_by_sex_and_age", "perpetrators_by_sex_and_age")
OFFENCE_TABLES: Final = (USE_BY_OFFENCE, "victims_by_offence", "perpetrators_by_offence")
WIDE: Final = 720
_NAMES: Final = 190
_SEXES: Final = 110
_LETTERS: Final = 12
_STEP: Final = _LETTERS * LINE_OF_EM
_BOLD: Final = _LETTERS * 1.08
"""As wide as letters of this size are those of a heading."""
_VALUES: Final = 70
_BAR: Final = 20
_GAP: Final = 12
_LINE: Final = 30
_HEAD: Final = 28
_TALL: Final = 90
_SHADES: Final = 5
_PANEL: Final = 150
_MOST_HALVES: Final = 6
_BLUE, _INK = "#0b5c8a", "#16191d"
_PATTERNS: Final = {Sex.FEMALE: 1.0, Sex.MALE: 0.55, Sex.UNKNOWN: 0.25}
"""How dark the bars of a sex are: read in grey, and by who does not tell red from green."""


def drawings(annex: ToldAnnex) -> dict[str, str]:
    """Each drawing by the name of the table that says the same; without those of which nothing is told."""
    found = {name: person_bars(annex, name) for name in PERSON_TABLES} | {USE_BY_OUTCOME: outcome_map(annex)}
    found |= {name: offence_bars(annex, name) for name in OFFENCE_TABLES}
    return {name: svg for name, svg in found.items() if svg}


def person_bars(annex: ToldAnnex, name: str) -> str:
    """Lying bars: a group for each age band, in it a bar for each sex. Empty where the table is not told."""
    table = annex.tables[name]
    if not table.is_told:
        return ""
    scale = (WIDE - _NAMES - _SEXES - _VALUES) / _most(table.cells.values())
    parts, y = list[str](), 0.0
    for age in AgeBand:
        begun, lines = y, in_lines_of(value_words("age", age), _NAMES - _GAP, _BOLD)
        parts += [_text(0, y + 15 + line * _STEP, said, "head") for line, said in enumerate(lines)]
        for sex in Sex:
            figure = table.cells[str(sex), str(age)]
            tall = _add_name(parts, _NAMES, y, value_words("sex", sex), _SEXES, _BAR)
            parts.append(
                _lying(_NAMES + _SEXES, y + 1 + (tall - _BAR) / 2, figure, scale, _PATTERNS[sex], f"sex-{sex}")
            )
            y += tall
        y = max(y, begun + len(lines) * _STEP + 4) + _GAP
    return _svg(y, _(TABLE_TITLES[name]), parts)


def offence_bars(annex: ToldAnnex, name: str) -> str:
    """Lying bars, one for each offence. Empty where the table is not told."""
    table = annex.tables[name]
    if not table.is_told:
        return ""
    scale = (WIDE - _NAMES - _VALUES) / _most(table.cells.values())
    parts, y = list[str](), 0.0
    for (offence,), figure in table.cells.items():
        tall = _add_name(parts, 0, y, value_words("offence", offence), _NAMES, _BAR + 2)
        parts.append(_lying(_NAMES, y + (tall - _BAR) / 2, figure, scale, 1.0, "offence"))
        y += tall
    return _svg(y, _(TABLE_TITLES[name]), parts)


def outcome_map(annex: ToldAnnex) -> str:
    """A row for each weapon kind, a column for each outcome: the darker, the more. Empty where it is not told."""
    table = annex.tables[USE_BY_OUTCOME]
    if not table.is_told:
        return ""
    most = _most(table.cells.values())
    wide = (WIDE - _NAMES) / len(HarmOutcome)
    heads = [in_lines_of(value_words("outcome", outcome), wide - 8, _LETTERS) for outcome in HarmOutcome]
    parts = [
        _text(_NAMES + (number + 0.5) * wide, 15 + line * _STEP, said, middle=True)
        for number, lines in enumerate(heads)
        for line, said in enumerate(lines)
    ]
    y = float(_HEAD + (max(map(len, heads)) - 1) * _STEP)
    for weapon in WeaponKind:
        tall = _add_name(parts, 0, y, value_words("weapon", weapon), _NAMES, _LINE)
        for number, outcome in enumerate(HarmOutcome):
            figure = table.cells[str(outcome), str(weapon)]
            shade = math.ceil(((figure.low or 0) + (figure.high or 0)) / 2 / most * _SHADES)
            x = _NAMES + number * wide
            parts.append(
                f'<rect class="shade-{shade}" x="{x + 1:.1f}" y="{y + 1:.1f}" width="{wide - 2:.1f}" '
                f'height="{tall - 2:.1f}" '
                f'fill="{_BLUE}" fill-opacity="{0.08 * shade:.2f}"/>'
            )
            parts.append(_text(x + wide / 2, y + tall / 2 + 5, words(figure, "count"), "value", middle=True))
        y += tall
    return _svg(y, _(TABLE_TITLES[USE_BY_OUTCOME]), parts)


def trend(annex: ToldAnnex) -> str:
    """Standing bars, a panel for each total and a bar for each half-year. Empty where there is no earlier one."""
    earlier = annex.earlier[-(_MOST_HALVES - 1) :]
    if not earlier:
        return ""
    parts = []
    across = 2
    titles = {name: in_lines_of(_(TOTAL_TITLES[name]), WIDE / across - _GAP, _BOLD) for name in annex.totals}
    tall = _PANEL + (max(map(len, titles.values())) - 1) * _STEP
    for number, name in enumerate(annex.totals):
        figures: dict[str, Figure] = {item.half: item.totals.get(name, NO_DATA) for item in earlier}
        figures[str(annex.head.half)] = annex.totals[name]
        x, y = number % across * (WIDE / across), number // across * tall
        parts += _panel(x, y, tall, titles[name], figures)
    return _svg(math.ceil(len(annex.totals) / across) * tall, _("Totals over the half-years"), parts)


def _panel(x: float, y: float, tall: float, title: Sequence[str], figures: Mapping[str, Figure]) -> list[str]:
    scale, ground = _TALL / _most(figures.values()), y + tall - 22
    parts = [_text(x, y + 14 + line * _STEP, said, "head") for line, said in enumerate(title)]
    for number, (half, figure) in enumerate(figures.items()):
        at, low, high = x + 6 + number * 56, (figure.low or 0) * scale, (figure.high or 0) * scale
        if high > low:
            parts.append(_rect(at + 0.5, ground - high, 39, high, "unsure"))
        parts.append(_rect(at, ground - low, 40, low, "sure"))
        parts.append(_text(at + 20, ground - high - 4, words(figure, "count"), "value", middle=True))
        parts.append(_text(at + 20, ground + 15, half, "small", middle=True))
    return parts


def _add_name(parts: list[str], x: float, y: float, said: str, room: float, least: float) -> float:
    """Write a name in as many lines as it needs, in the middle of its row; returns how tall that is."""
    lines = in_lines_of(said, room - _GAP, _LETTERS)
    tall = max(least, len(lines) * _STEP + 4)
    first = y + tall / 2 + 5 - (len(lines) - 1) * _STEP / 2
    parts.extend(_text(x, first + line * _STEP, text) for line, text in enumerate(lines))
    return tall


def _lying(x: float, y: float, figure: Figure, scale: float, opacity: float, name: str) -> str:
    low, high = (figure.low or 0) * scale, (figure.high or 0) * scale
    outline = _rect(x, y + 0.5, high, _BAR - 3, "unsure") if high > low else ""
    solid = _rect(x, y, low, _BAR - 2, f"sure {name}", opacity)
    return outline + solid + _text(x + high + 6, y + 14, words(figure, "count"), "value")


def _rect(x: float, y: float, width: float, height: float, name: str, opacity: float = 1.0) -> str:
    if name == "unsure":
        drawn = f'fill="none" stroke="{_BLUE}" stroke-dasharray="3 2"'
    else:
        drawn = f'fill="{_BLUE}" fill-opacity="{opacity}"'
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {drawn}/>'


def _text(x: float, y: float, said: str, name: str = "", *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    weight = ' font-weight="600"' if name == "head" else ""
    kind = f' class="{name}"' if name else ""
    place = f'x="{x:.1f}" y="{y:.1f}"{anchor}{weight} font-size="{_LETTERS}" fill="{_INK}"'
    return f"<text{kind} {place}>{escape(said)}</text>"


def _svg(height: float, title: str, parts: Iterable[str]) -> str:
    label = quoteattr(_("%(title)s; the table beside it says the same.", title=title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bars drawing incident-chart" '
        f'viewBox="0 0 {WIDE} {height:.0f}" '
        f'font-family="Libertinus Serif" role="img" aria-label={label}>{"".join(parts)}</svg>'
    )


def _most(figures: Iterable[Figure]) -> float:
    return max(1.0, *(figure.high or 0 for figure in figures))
