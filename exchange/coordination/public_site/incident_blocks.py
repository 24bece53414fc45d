"""The incident annexes on the public site: totals of the region and of each jurisdiction, and the tables of the region
as far as the annexes tell them."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import NO_DATA, told_sum
from exchange.coordination.incidents.incident_document import ToldAnnex, read_told
from exchange.coordination.incidents.incident_words import WordedTable, notes_of, table_in_words
from exchange.coordination.incidents.platform_words import ANNEX_DEFINITIONS, TOTAL_TITLES
from exchange.coordination.incidents.told_incidents import TABLES, TOTALS, ToldTable
from exchange.coordination.public_site.publication import PublishedPeriod
from exchange.coordination.public_site.site_blocks import SAME_IN_TABLE, FigureBlock
from exchange.coordination.public_site.site_charts import NamedBar, bar_chart
from exchange.web.languages import gettext as _
from exchange.web.languages import term


def annexes_of(published: PublishedPeriod) -> list[ToldAnnex]:
    """Those of the half-year that are bound into its signed reports, in the order of the jurisdictions."""
    found = [item.files.annexes.get(str(published.period)) for item in published.signed]
    return [read_told(signed.public) for signed in found if signed is not None]


def annex_notes(annexes: Sequence[ToldAnnex]) -> list[str]:
    """What a reader must know before the first figure; by the greatest bound of the annexes."""
    if not annexes:
        return [_(text) for text in ANNEX_DEFINITIONS]
    return notes_of(max(annexes, key=lambda annex: annex.head.smallest))


def incident_blocks(annexes: Sequence[ToldAnnex]) -> list[FigureBlock]:
    """Each total by jurisdiction, and of the region what follows from that."""
    found = []
    for name in TOTALS:
        title = _(TOTAL_TITLES[name])
        figures = [(term(annex.head.jurisdiction, "jurisdiction"), annex.totals[name]) for annex in annexes]
        bars = [NamedBar(whose, figure, words(figure, "count")) for whose, figure in figures]
        found.append(
            FigureBlock(
                id=f"incidents-{name}",
                title=title,
                definition="",
                aim="",
                headline=words(told_sum([figure for _whose, figure in figures]), "count"),
                headline_of=_("in the region"),
                chart=bar_chart(f"incidents-{name}", title, _(SAME_IN_TABLE), bars),
                columns=(_("Jurisdiction"), _("Count")),
                rows=tuple((bar.name, bar.said) for bar in bars),
            )
        )
    return found


def annex_tables(annexes: Sequence[ToldAnnex]) -> list[WordedTable]:
    """Of the region: each cell is the sum of what the annexes tell of it. A table that some annex does not tell is left
    out."""
    found = []
    for name, kind in TABLES.items():
        tables = [annex.tables[name] for annex in annexes]
        if not tables or not all(table.is_told for table in tables):
            continue
        cells = {place: told_sum([table.cells.get(place, NO_DATA) for table in tables]) for place in tables[0].cells}
        found.append(table_in_words(name, ToldTable(kind, cells)))
    return found
