"""The drawings of a monitoring report, as the template needs them: who exchanges with whom, the way from an exhibit to
a confirmed hit, how long each stage takes, the trend by half-year and by month. The tables beneath say the same.

Lengths are in the units of each drawing, which is ``CHART_WIDE`` across; panels of bars are 262.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.coordination.half_year.figure_counts import Counts
from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_year_report import Months
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, exact, middle_and_most
from exchange.web.languages import gettext, term

WITH_PARTNERS: Final = (
    "exhibits_shared",
    "exhibits_received",
    "queries_asked",
    "queries_received",
    "conclusions",
    "leads",
    "confirmed_hits",
)
TO_A_HIT: Final = ("exhibits_searched", "conclusions", "leads", "confirmed_hits")
CHART_WIDE: Final = 720
NAMES_WIDE: Final = 260
TALLEST: Final = 84
SHADES: Final = 5
_COLUMN: Final = 43
_HEAD: Final = 30
_LINE: Final = 34
_MOST_HALVES: Final = 6
_SHORTEST_H: Final = 0.25
_LONGEST_H: Final = 8760
"""Where the axis of times begins and ends."""


@dataclass(frozen=True)
class Bar:
    """``sure`` is the length up to the low end of what is told, ``length`` up to the high end."""

    label: str
    words: str
    at: int
    sure: int
    length: int


@dataclass(frozen=True)
class Panel:
    title: str
    height: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Square:
    """One cell of a heat map; ``shade`` from 0, nothing, to ``SHADES``, the most of its row."""

    words: str
    x: float
    shade: int


@dataclass(frozen=True)
class HeatRow:
    title: str
    y: int
    squares: tuple[Square, ...]


@dataclass(frozen=True)
class HeatMap:
    """``columns``: each partner's name and the middle of its column. ``square``: how wide a cell is."""

    columns: tuple[tuple[str, float], ...]
    rows: tuple[HeatRow, ...]
    square: float
    height: int


@dataclass(frozen=True)
class Span:
    """How long one stage takes: ``median`` and ``most`` (the 90th percentile) are where they lie on the axis, None
    where they are not told; ``words`` says both."""

    title: str
    y: int
    median: float | None
    most: float | None
    words: str


@dataclass(frozen=True)
class Spans:
    """``marks``: the words of the axis and where they stand."""

    marks: tuple[tuple[str, float], ...]
    spans: tuple[Span, ...]
    height: int


def heat_map(partners: Sequence[str], counts: Mapping[str, Counts]) -> HeatMap | None:
    """A row for each figure, a column for each partner: the darker, the more, each row for itself. None without
    partners."""
    if not partners:
        return None
    square = (CHART_WIDE - NAMES_WIDE) / len(partners)
    lefts = [NAMES_WIDE + number * square for number in range(len(partners))]
    rows = []
    for line, name in enumerate(WITH_PARTNERS):
        found = [counts[name].get(column) for column in partners]
        most = max(1, *(count or 0 for count in found))
        squares = (
            Square(_words(count), left, math.ceil((count or 0) / most * SHADES))
            for left, count in zip(lefts, found, strict=True)
        )
        rows.append(HeatRow(gettext(COUNTS[name].title), _HEAD + line * _LINE, tuple(squares)))
    columns = tuple(
        (term(column, "jurisdiction"), left + square / 2) for column, left in zip(partners, lefts, strict=True)
    )
    return HeatMap(columns, tuple(rows), square, _HEAD + len(rows) * _LINE)


def funnel(counts: Mapping[str, Counts]) -> Panel:
    """What came of the exhibits that were searched: lying bars of one scale, in their middle, each of one step."""
    figures = [_sum(counts[name]) for name in TO_A_HIT]
    scale = _scale(figures, CHART_WIDE - NAMES_WIDE - 80)
    bars = tuple(
        _bar(gettext(COUNTS[name].title), figure, line * _LINE, scale)
        for line, (name, figure) in enumerate(zip(TO_A_HIT, figures, strict=True))
    )
    return Panel(gettext("From an exhibit that was searched to a confirmed hit"), len(bars) * _LINE, bars)


def stage_spans(hours: Mapping[str, Sequence[float]]) -> Spans:
    """The exact median of each stage, and how far it spreads, on an axis whose marks are an hour, a day, a week, a
    month and half a year."""
    spans = []
    for line, name in enumerate(STAGES):
        median, most = middle_and_most(hours.get(name, ()))
        said = words(median, "hours")
        if most.low is not None and median.low is not None:
            said = gettext("%(median)s h, nine of ten within %(most)s h") % {
                "median": said,
                "most": words(most, "hours"),
            }
        spans.append(Span(gettext(STAGES[name].title), _HEAD + line * _LINE, _along(median), _along(most), said))
    return Spans(_marks(), tuple(spans), _HEAD + len(spans) * _LINE)


def over_time(document: Document) -> list[Panel]:
    """Standing bars, one for each half-year that was approved and for this one; none where there is no earlier one."""
    earlier = document.earlier[-(_MOST_HALVES - 1) :]
    if not earlier:
        return []
    figures = {item.period: item.figures.get(ENTERED, NO_DATA) for item in earlier}
    figures[str(document.period)] = document.entered
    scale = _scale(list(figures.values()), TALLEST)
    bars = tuple(
        _bar(half[2:], figure, number * _COLUMN, scale) for number, (half, figure) in enumerate(figures.items())
    )
    return [Panel(gettext(COUNTS[ENTERED].title), _HEAD + TALLEST + 40, bars)]


def month_lines(months: Months) -> list[Panel]:
    """Standing bars, one for each month of a year; none where there is one month alone."""
    panels = []
    wide = 262 // max(1, len(months.names))
    for name, counts in months.counts.items() if len(months.names) > 1 else ():
        scale = TALLEST / max(1, *counts)
        bars = tuple(
            Bar(month[5:], str(count), number * wide, round(count * scale), round(count * scale))
            for number, (month, count) in enumerate(zip(months.names, counts, strict=True))
        )
        panels.append(Panel(gettext(COUNTS[name].title), _HEAD + TALLEST + 40, bars))
    return panels


def _words(count: int | None) -> str:
    return words(NO_DATA if count is None else exact(count), "count")


def _sum(counts: Counts) -> Figure:
    known = [count for count in counts.values() if count is not None]
    return exact(sum(known)) if known else NO_DATA


def _marks() -> tuple[tuple[str, float], ...]:
    return (
        (gettext("1 hour"), _at(1)),
        (gettext("1 day"), _at(24)),
        (gettext("1 week"), _at(168)),
        (gettext("1 month"), _at(730)),
        (gettext("6 months"), _at(4380)),
    )


def _along(figure: Figure) -> float | None:
    return None if figure.low is None else _at(figure.low)


def _at(hours: float) -> float:
    """Where a time lies on the axis, by its logarithm; what is shorter or longer than the axis lies at its end."""
    share = math.log(max(_SHORTEST_H, hours) / _SHORTEST_H) / math.log(_LONGEST_H / _SHORTEST_H)
    return round(NAMES_WIDE + min(1.0, share) * (CHART_WIDE - NAMES_WIDE - 8), 1)


def _bar(label: str, figure: Figure, at: int, scale: float) -> Bar:
    return Bar(label, words(figure, "count"), at, round((figure.low or 0) * scale), round((figure.high or 0) * scale))


def _scale(figures: Sequence[Figure], longest: int) -> float:
    return longest / max(1.0, *(figure.high or 0 for figure in figures))
