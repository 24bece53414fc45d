"""The charts of the region: figures by pair of sides, and the main figures over the periods. Tables say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exchange.coordination.half_year.figure_words import bar, words
from exchange.coordination.half_year.small_counts import NO_DATA
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport
from exchange.coordination.region.regional_lines import figure_title, sides_below
from exchange.coordination.region_files.file_kinds import DEFINITIONS, sides_key
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.charts import Chart, shade_of, squares, standing_bars

DRAWN_OVER_PERIODS: Final = ("exhibits_entered", "exhibits_shared", "leads_across", "confirmed_hits_across")
"""Those of them that the edition has."""
_MOST_PERIODS: Final = 6


def pair_chart(report: RegionalReport, name: str) -> Chart:
    """A square for each pair of jurisdictions, and on the diagonal for hits within one: the darker, the more. Only a
    restricted edition has pairs."""
    codes, row = report.jurisdictions, report.row(name)
    figures = {
        (line, column): row.cells.get(one if one == other else sides_key(one, other), NO_DATA)
        for line, one in enumerate(codes)
        for column, other in enumerate(codes)
    }
    most = max(figure.high or 0 for figure in figures.values())
    cells = {
        place: (words(figure, "count"), shade_of(figure.low, figure.high, most)) for place, figure in figures.items()
    }
    names = [term(code, "jurisdiction") for code in codes]
    title = _("%(figure)s, %(period)s", figure=_(DEFINITIONS[name].title), period=report.period)
    return squares(title, names, names, cells)


def period_chart(title: str, points: Sequence[RegionalEarlier]) -> Chart | None:
    """A panel for each main figure, in it a column for each period; None where no period has a figure to draw."""
    drawn = points[-_MOST_PERIODS:]
    panels = []
    for name in DRAWN_OVER_PERIODS:
        if name in points[-1].figures:
            below = sides_below([point.sides for point in drawn], name)
            found = [
                bar(point.period, point.figures.get(name, NO_DATA), below=sides)
                for point, sides in zip(drawn, below, strict=True)
            ]
            panels.append((figure_title(name), found))
    if all(one.low is None for _figure, found in panels for one in found):
        return None
    return standing_bars(title, panels)
