"""A monitoring report as a table for a spreadsheet: one figure a line, each with its definition."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from exchange.flows.monitoring.definitions import AVAILABILITY, COUNTS, FEEDBACK_RATE, GAPS, HELD, STAGES, Definition
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.small_counts import Figure, Row
from exchange.web.languages import gettext, spoken, term
from exchange.web.wording.spreadsheet_cells import guarded

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
    """``low`` and ``high`` are the same where a figure is exact, and empty where nothing is told."""
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
    for name, row in document.counts.items():
        yield from _row(document, "indicator", name, COUNTS[name], row, "count")
    yield from _row(document, "indicator", "feedback_rate", FEEDBACK_RATE, document.rate, "share")
    for name, (median, high) in document.stages.items():
        yield "stage", f"{name}_median_h", STAGES[name], gettext("Median"), median, "hours"
        yield "stage", f"{name}_p90_h", STAGES[name], gettext("90th percentile"), high, "hours"
    for name, row in document.gaps.items():
        yield from _row(document, "gap", name, GAPS[name], row, "count")
    for name, row in document.held.items():
        yield from _row(document, "held", name, HELD[name], row, "count")
    for item in document.nodes:
        yield "availability", item.node_id, AVAILABILITY, term(item.jurisdiction, "jurisdiction"), item.share, "share"


def _row(document: Document, part: str, name: str, definition: Definition, row: Row, unit: str) -> Iterator[SheetLine]:
    for column, figure in row.cells.items():
        own = column == document.jurisdiction
        yield part, name, definition, gettext("within") if own else term(column, "jurisdiction"), figure, unit
    yield part, name, definition, gettext("all"), row.total, unit


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
