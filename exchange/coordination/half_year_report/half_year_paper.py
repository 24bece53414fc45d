"""The half-yearly monitoring report as PDF/A and as a table for a spreadsheet: each figure with its definition."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, STAGES, Definition
from exchange.coordination.half_year.figure_words import notes, words
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_year_report import Approved
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.half_year_report.monitoring_lines import ReportLine, ReportLines, lines_of
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, bullets, columns, figures, heading, pairs, printable, quiet
from exchange.web.report.render import paper_data, set_pdf

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


def render_monitoring(document: Document, approved: Approved | None) -> bytes:
    """The PDF in the language that is spoken; without an approval each page says that it is a draft. The same document
    gives the same bytes."""
    return set_pdf("monitoring.typ", _data(document, approved))


def _data(document: Document, approved: Approved | None) -> dict[str, Any]:
    lines = lines_of(document)
    return paper_data(
        _("Monitoring %(half)s", half=document.period),
        _(
            "%(jurisdiction)s, from %(start)s to before %(end)s, counted by the node %(node)s",
            jurisdiction=term(document.jurisdiction, "jurisdiction"),
            start=moment(document.period.start),
            end=moment(document.counted_to),
            node=document.node_id,
        ),
        document.node_id,
        datetime.fromisoformat(approved.approved_at if approved else document.counted_to),
        draft=None if approved else printable(_("Draft: not approved for release")),
        blocks=[
            *_approval(approved),
            bullets(*notes(document)),
            *_entered(document, lines),
            *_stages(lines),
            *_articles(document),
            *_nodes(document),
        ],
    )


def _approval(approved: Approved | None) -> list[Block]:
    if approved is None:
        return []
    return [
        pairs(
            (_("Approved for release"), f"{approved.approved_by}, {term('head', 'role')}"),
            (_("When"), moment(approved.approved_at)),
            (_("To whom, and on what ground"), approved.because),
            (_("Statement"), approved.approval),
            (_("SHA-256 of the manifest of both editions"), approved.sha256),
        )
    ]


def _entered(document: Document, lines: ReportLines) -> list[Block]:
    head = [_("Figure"), term(document.jurisdiction, "jurisdiction"), *_past(lines)]
    return [figures(head, [_row(lines.entered)])]


def _stages(lines: ReportLines) -> list[Block]:
    head = [_("Stage"), _("Median"), _("90th percentile"), *_past(lines)]
    return [
        heading(_("How long it took, in hours"), 1),
        figures(head, [_row(line) for line in lines.stages]),
    ]


def _articles(document: Document) -> list[Block]:
    if not document.bases:
        return []
    rows = [
        [
            term(item.partner, "jurisdiction"),
            ", ".join(term(kind, "exhibit_kind") for kind in item.kinds),
            _("allowed, its review is overdue") if item.rule == "review_overdue" else term(item.rule, "sharing_rule"),
            item.article,
            item.review_by,
        ]
        for item in document.bases
    ]
    return [
        heading(_("The articles behind the gap that harmonised law would close"), 1),
        columns([_("Partner"), _("Exhibits"), _("Rule"), _("Article"), _("Review by")], rows),
    ]


def _nodes(document: Document) -> list[Block]:
    rows = [
        (f"{term(item.jurisdiction, 'jurisdiction')}, {item.node_id}", words(item.share, "share"))
        for item in document.nodes
    ]
    return [heading(_(AVAILABILITY.title), 1), quiet(_(AVAILABILITY.text)), pairs(*rows)]


def _past(lines: ReportLines) -> list[str]:
    titles = (_("Baseline %(half)s"), _("Before, %(half)s"))
    named = [title % {"half": half} for title, half in zip(titles, lines.past, strict=False)]
    return [*named, _("Since the baseline")] if named else []


def _row(line: ReportLine) -> tuple[str, str, list[str]]:
    cells = ["" if cell is None else cell.words for cell in line.cells]
    return _(line.definition.title), _(line.definition.text), [*cells, *line.trend]
