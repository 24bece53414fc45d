"""The charts of a monitoring report: who exchanges with whom, the way from an exhibit to a confirmed hit, how long each
stage takes, the trend by half-year and by month. The tables say the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from exchange.coordination.half_year.figure_counts import Counts
from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.figure_words import bar, words
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_year_report import Months
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, exact, middle_and_most
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.charts import Chart, Span, bars, shade_of, spans, squares, standing_bars

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
_MOST_HALVES: Final = 6
_SHORTEST_H: Final = 0.25
_LONGEST_H: Final = 8760
"""Where the axis of times begins and ends."""


def heat_map(partners: Sequence[str], counts: Mapping[str, Counts]) -> Chart | None:
    """A row for each figure, a column for each partner: the darker, the more, each row for itself. None without
    partners."""
    if not partners:
        return None
    cells = {}
    for row, name in enumerate(WITH_PARTNERS):
        found = [_figure(counts[name].get(partner)) for partner in partners]
        most = max(figure.high or 0 for figure in found)
        for column, figure in enumerate(found):
            cells[row, column] = words(figure, "count"), shade_of(figure.low, figure.high, most)
    rows = [_(COUNTS[name].title) for name in WITH_PARTNERS]
    title = _("How much was exchanged with each partner; the tables below say the same.")
    return squares(title, rows, [term(partner, "jurisdiction") for partner in partners], cells)


def funnel(counts: Mapping[str, Counts]) -> Chart:
    """What became of the exhibits that were searched: one bar for each step, all on one scale."""
    lines = [bar(_(COUNTS[name].title), _sum(counts[name])) for name in TO_A_HIT]
    return bars(_("From an exhibit that was searched to a confirmed hit"), lines)


def stage_spans(hours: Mapping[str, Sequence[float]]) -> Chart:
    """The exact median of each stage, and how far it spreads, on an axis whose marks are an hour, a day, a week, a
    month and half a year."""
    lines = []
    for name, definition in STAGES.items():
        median, most = middle_and_most(hours.get(name, ()))
        said = words(median, "hours")
        if median.low is not None and most.low is not None:
            said = _("%(median)s h, nine of ten within %(most)s h", median=said, most=words(most, "hours"))
        lines.append(Span(_(definition.title), said, share_of_axis(median), share_of_axis(most)))
    marks = {_("1 hour"): 1, _("1 day"): 24, _("1 week"): 168, _("1 month"): 730, _("6 months"): 4380}
    return spans(_("How long each stage takes"), lines, [(said, _share(at)) for said, at in marks.items()])


def over_time(document: Document) -> Chart | None:
    """A column for each earlier half-year that was approved, and for this one; None if there is no earlier one."""
    earlier = document.earlier[-(_MOST_HALVES - 1) :]
    if not earlier:
        return None
    found = [bar(item.period, item.figures.get(ENTERED, NO_DATA)) for item in earlier]
    found.append(bar(str(document.period), document.entered))
    return standing_bars(_("Over the half-years"), [(_(COUNTS[ENTERED].title), found)])


def month_columns(months: Months) -> Chart:
    panels = [
        (
            _(COUNTS[name].title),
            [bar(month[5:], exact(count)) for month, count in zip(months.names, counts, strict=True)],
        )
        for name, counts in months.counts.items()
    ]
    return standing_bars(_("By month"), panels)


def share_of_axis(figure: Figure) -> float | None:
    return None if figure.low is None else _share(figure.low)


def _figure(count: int | None) -> Figure:
    return NO_DATA if count is None else exact(count)


def _sum(counts: Counts) -> Figure:
    known = [count for count in counts.values() if count is not None]
    return exact(sum(known)) if known else NO_DATA


def _share(hours: float) -> float:
    """Where a time lies on the axis, by its logarithm; what is shorter or longer than the axis lies at its end."""
    return min(1.0, math.log(max(_SHORTEST_H, hours) / _SHORTEST_H) / math.log(_LONGEST_H / _SHORTEST_H))
