"""The files of a regional report: of each edition JSON, a table, a PDF and drawings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.incidents.platform_words import all_verified
from exchange.coordination.region.combine import Combined
from exchange.coordination.region.region_charts import pair_chart, period_chart
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.region_paper import render_region
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_incidents import incident_lines
from exchange.coordination.region.regional_lines import key_words, of_some
from exchange.coordination.region_files.file_kinds import DEFINITIONS
from exchange.web.languages import gettext, spoken
from exchange.web.report.charts import Chart
from exchange.web.report.sheet import number_cell, written_sheet

REGIONAL_COLUMNS: Final = (
    "period",
    "edition",
    "id",
    "figure",
    "of",
    "told",
    "low",
    "high",
    "unit",
    "goal",
    "kpi_2024",
    "kpi_2030",
    "verified",
    "definition",
)
RegionalCell = tuple[str, Definition, str, Figure, str]
"""Id, definition, whose, figure, unit."""


def regional_sheet(report: RegionalReport) -> bytes:
    """`low` equals `high` for an exact figure. Both are empty for a figure that is held back; `high` alone is empty for
    the highest class of a time."""
    return written_sheet(REGIONAL_COLUMNS, (*_figure_rows(report), *_incidents(report)))


def _figure_rows(report: RegionalReport) -> Iterator[tuple[str, ...]]:
    for name, definition, whose, figure, unit in _lines(report):
        number = report.indicators[name]
        yield (
            *(report.period, report.edition, name, gettext(definition.title), whose),
            *(str(figure.told), number_cell(figure.low), number_cell(figure.high), unit, str(number.goal)),
            number.kpi_2024 or gettext("not entered"),
            number.kpi_2030 or gettext("not entered"),
            gettext("verified") if number.verified else gettext("unverified"),
            gettext(definition.text),
        )


def _lines(report: RegionalReport) -> Iterator[RegionalCell]:
    for row in report.rows:
        definition = DEFINITIONS[row.id]
        for key, figure in row.cells.items():
            yield row.id, definition, key_words(key), figure, "count"
        if row.across is not None:
            yield row.id, definition, of_some(report, row.id, gettext("across borders")), row.across, "count"
        if row.total.told is not Told.RESTRICTED:
            yield row.id, definition, of_some(report, row.id, gettext("the region")), row.total, "count"
    for key, figure in report.rate.cells.items():
        yield "feedback_rate", FEEDBACK_RATE, key_words(key), figure, "share"
    whole = of_some(report, "feedback_rate", gettext("the region"))
    yield "feedback_rate", FEEDBACK_RATE, whole, report.rate.total, "share"
    for stage in report.stages:
        yield stage.id, STAGES[stage.id], gettext("Median"), stage.median, "hours"
        yield stage.id, STAGES[stage.id], gettext("90th percentile"), stage.most, "hours"
    for item in report.availability:
        yield "availability", AVAILABILITY, key_words(item.jurisdiction), item.own, "share"


def _incidents(report: RegionalReport) -> Iterator[tuple[str, ...]]:
    """They speak to no goal and have no number of their own."""
    checked = gettext("verified") if all_verified() else gettext("unverified")
    for line in incident_lines(report.incidents) if report.incidents is not None else ():
        told = (str(line.figure.told), number_cell(line.figure.low), number_cell(line.figure.high))
        yield report.period, report.edition, line.id, line.title, line.whose, *told, "count", "", "", "", checked, ""


def written_files(combined: Combined, *, with_pdf: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content, in the language that is spoken; the public edition first. Raises ExtraMissing where a PDF is
    wanted and typst is not installed."""
    for report in (combined.public, combined.restricted):
        if report is not None:
            yield from edition_files(report, with_pdf=with_pdf)


def edition_files(report: RegionalReport, *, with_pdf: bool) -> Iterator[tuple[str, bytes]]:
    name = f"region-{report.period}-{report.edition}"
    yield f"{name}.json", write_region(report, spoken().jurisdictions)
    yield f"{name}.csv", regional_sheet(report)
    if with_pdf:
        yield f"{name}.pdf", render_region(report)
    for drawing, drawn in drawings_of(report).items():
        yield f"{name}-{drawing}.svg", drawn.file(spoken().footnotes())


def drawings_of(report: RegionalReport) -> dict[str, Chart]:
    """By the end of their names. Pairs stand in the restricted edition alone."""
    pairs = {"leads": "leads", "confirmed": "confirmed_hits"} if report.edition == "restricted" else {}
    found = {name: pair_chart(report, figure) for name, figure in pairs.items()}
    over_time = period_chart(gettext("The region over the periods"), report.points)
    return {**found, "periods": over_time} if over_time else found
