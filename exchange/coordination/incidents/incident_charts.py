"""The charts of an incident annex, for the page and for the PDF: persons by sex and age band, incidents by outcome and
weapon kind, totals over the half-years. A table with the same figures stands next to each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.coordination.half_year.figure_words import bar, words
from exchange.coordination.half_year.small_counts import NO_DATA
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.incident_vocabulary import AgeBand, HarmOutcome, Sex, WeaponKind
from exchange.coordination.incidents.incident_words import value_words
from exchange.coordination.incidents.platform_words import TABLE_TITLES, TOTAL_TITLES
from exchange.coordination.incidents.told_incidents import USE_BY_OFFENCE, USE_BY_OUTCOME, ToldTable
from exchange.web.languages import gettext as _
from exchange.web.report.charts import Bar, Chart, bars, shade_of, squares, standing_bars

PERSON_TABLES: Final = ("victims_by_sex_and_age", "perpetrators_by_sex_and_age")
OFFENCE_TABLES: Final = (USE_BY_OFFENCE, "victims_by_offence", "perpetrators_by_offence")
_MOST_HALVES: Final = 6
_DARKNESS: Final = {Sex.FEMALE: 1.0, Sex.MALE: 0.55, Sex.UNKNOWN: 0.25}
"""Of the bars of a sex: read in grey, and by readers who do not tell red from green."""


def table_chart(name: str, table: ToldTable) -> Chart | None:
    """The chart of a table; None where the table is not told, or needs none."""
    if not table.is_told:
        return None
    title = _(TABLE_TITLES[name])
    if name in PERSON_TABLES:
        return bars(title, list(_person_bars(table)))
    if name in OFFENCE_TABLES:
        return bars(title, [bar(value_words("offence", place[0]), figure) for place, figure in table.cells.items()])
    return _outcome_map(title, table) if name == USE_BY_OUTCOME else None


def _person_bars(table: ToldTable) -> Iterator[Bar | str]:
    """A group for each age band, in it a bar for each sex."""
    for age in AgeBand:
        yield value_words("age", age)
        for sex in Sex:
            yield bar(value_words("sex", sex), table.cells[str(sex), str(age)], opacity=_DARKNESS[sex])


def _outcome_map(title: str, table: ToldTable) -> Chart:
    """A row for each weapon kind, a column for each outcome: the darker, the more."""
    most = max(figure.high or 0 for figure in table.cells.values())
    figures = {
        (row, column): table.cells[str(outcome), str(weapon)]
        for row, weapon in enumerate(WeaponKind)
        for column, outcome in enumerate(HarmOutcome)
    }
    cells = {
        place: (words(figure, "count"), shade_of(figure.low, figure.high, most)) for place, figure in figures.items()
    }
    rows = [value_words("weapon", weapon) for weapon in WeaponKind]
    return squares(title, rows, [value_words("outcome", outcome) for outcome in HarmOutcome], cells)


def totals_chart(annex: ToldAnnex) -> Chart | None:
    """A panel for each total, in it a column for each half-year; None where there is no earlier one."""
    earlier = annex.earlier[-(_MOST_HALVES - 1) :]
    panels = [
        (
            _(TOTAL_TITLES[name]),
            [*(bar(item.half, item.totals.get(name, NO_DATA)) for item in earlier), bar(str(annex.head.half), figure)],
        )
        for name, figure in annex.totals.items()
    ]
    return standing_bars(_("Totals over the half-years"), panels) if earlier else None
