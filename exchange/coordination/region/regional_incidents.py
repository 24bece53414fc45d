"""What page, PDF and table say of the region's incidents: the sum of the nodes' annexes, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_words import unverified_words, value_words
from exchange.coordination.incidents.platform_words import ANNEX_DEFINITIONS, TABLE_TITLES, TOTAL_TITLES, all_verified
from exchange.coordination.region.region_incidents import RegionalIncidents
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_lines import key_words, trend_words
from exchange.web.languages import gettext as _
from exchange.web.languages import term


@dataclass(frozen=True)
class RegionalTotal:
    """``cells``: whose, and how much. ``trend``: as of any other figure of the regional report."""

    title: str
    total: str
    cells: tuple[tuple[str, str], ...]
    trend: tuple[str, ...]


@dataclass(frozen=True)
class IncidentCellLine:
    """One figure for a spreadsheet: what it is of, and which part of that."""

    id: str
    title: str
    whose: str
    figure: Figure


def incident_notes(report: RegionalReport) -> list[str]:
    """What a reader must know before the first figure; empty where no report brought an annex."""
    found = report.incidents
    if found is None:
        return []
    said = [_(text) for text in ANNEX_DEFINITIONS]
    if report.edition == "public":
        said.append(
            _(
                "These sums are made of what the public annexes tell, and tell nothing that they do not: counts of "
                "fewer than %(smallest)s are told as ranges, and so is what follows from them. Of an annex that does "
                "not tell a table, each cell is anything from 0 to its total.",
                smallest=found.smallest,
            )
        )
    said += lacking_words(found)
    if not all_verified():
        said.append(unverified_words())
    return said


def lacking_words(found: RegionalIncidents) -> list[str]:
    if not found.lacking:
        return []
    names = "; ".join(f"{term(code, 'jurisdiction')}, {half}" for code, half in found.lacking)
    return [_("Without an annex here, and so not in these sums: %(names)s.", names=names)]


def incident_totals(report: RegionalReport) -> list[RegionalTotal]:
    found = report.incidents
    if found is None:
        return []
    return [
        RegionalTotal(
            _(TOTAL_TITLES[name]),
            words(figure, "count"),
            tuple((key_words(code), words(cell, "count")) for code, cell in found.by_jurisdiction[name].items()),
            trend_words(report, f"incidents_{name}", figure, "count"),
        )
        for name, figure in found.totals.items()
    ]


def incident_lines(found: RegionalIncidents) -> Iterator[IncidentCellLine]:
    for name, figure in found.totals.items():
        for code, cell in found.by_jurisdiction[name].items():
            yield IncidentCellLine(f"incidents_{name}", _(TOTAL_TITLES[name]), key_words(code), cell)
        yield IncidentCellLine(f"incidents_{name}", _(TOTAL_TITLES[name]), _("the region"), figure)
    for name, table in found.tables.items():
        for place, figure in table.cells.items():
            said = [value_words(kind, value) for kind, value in zip(table.kind.properties, place, strict=True)]
            yield IncidentCellLine(f"incidents_{name}", _(TABLE_TITLES[name]), ", ".join(said), figure)
