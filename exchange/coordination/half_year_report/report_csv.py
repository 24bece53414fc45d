"""A monitoring report as a table for a spreadsheet: one figure a line, each with its definition."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, STAGES, Definition
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import Figure
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext, spoken, term

MONITORING_COLUMNS = (
    "period",
    "node",
    "state",
    "part",
    "id",
    "figure",
    "of",
    "with",
    "told",
    "low",
    "high",
    "unit",
    "definition",
)
SheetLine = tuple[str, str, Definition, str, Figure, str]
"""Part, id, definition, whose or with whom, figure, unit."""


def monitoring_sheet(document: Document, *, draft: bool) -> bytes:
    """`low` equals `high` for an exact figure. Both are empty for a figure that is held back; `high` alone is empty for
    the highest class of a time."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(MONITORING_COLUMNS)
    for part, name, definition, whose, figure, unit in _lines(document):
        cells = (
            str(document.period),
            document.node_id,
            "draft" if draft else "approved",
            part,
            name,
            gettext(definition.title),
            term(document.jurisdiction, "jurisdiction"),
            whose,
            str(figure.told),
            _number(figure.low),
            _number(figure.high),
            unit,
            gettext(definition.text),
        )
        table.writerow([guarded(cell) for cell in cells])
    for footnote in spoken().footnotes():
        table.writerow([guarded(footnote)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _lines(document: Document) -> Iterator[SheetLine]:
    yield "indicator", ENTERED, COUNTS[ENTERED], gettext("all"), document.entered, "count"
    for name, (median, high) in document.stages.items():
        yield "stage", f"{name}_median_h", STAGES[name], gettext("Median"), median, "hours"
        yield "stage", f"{name}_p90_h", STAGES[name], gettext("90th percentile"), high, "hours"
    for item in document.nodes:
        yield "availability", item.node_id, AVAILABILITY, term(item.jurisdiction, "jurisdiction"), item.share, "share"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
