"""The half-yearly monitoring report: its blocks and charts for the page and the PDF, and its table for a
spreadsheet. Each figure stands next to its definition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from exchange.coordination.half_year.figure_counts import Counts
from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, STAGES, Definition
from exchange.coordination.half_year.figure_words import bar, notes, words
from exchange.coordination.half_year.half_year_document import Document, write_document
from exchange.coordination.half_year.half_year_report import Approved, Months, approve_next, find_approved, released
from exchange.coordination.half_year.half_year_report import draft as draft_report
from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.restricted_edition import Restricted, exact_counts, exact_hours
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, exact, middle_and_most
from exchange.coordination.half_year_report.monitoring_lines import ExactLines, ReportLine, exact_lines, lines_of
from exchange.coordination.handed_out import HandedOut, ReportForm, hand_out, note_handed_out
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Actor
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import (
    Block,
    bullets,
    chart,
    columns,
    details,
    figures,
    heading,
    pairs,
    paragraph,
    quiet,
)
from exchange.web.report.charts import Chart, Span, bars, shade_of, spans, squares, standing_bars
from exchange.web.report.render_report import paper_data, set_pdf
from exchange.web.report.sheet import number_cell, written_sheet

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
    """Draw a heat map with a row for each figure and a column for each partner. Each row has its own scale, darker is
    more. Return None if there are no partners."""
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
    """Draw a column for each approved earlier half-year and for this one, or return None if there is no earlier one."""
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
    begin = (str(document.period), document.node_id, "draft" if draft else "approved")
    whose = term(document.jurisdiction, "jurisdiction")
    rows = (
        (
            *(*begin, part, name, _(definition.title), whose, partner, str(figure.told)),
            *(number_cell(figure.low), number_cell(figure.high), unit, _(definition.text)),
        )
        for part, name, definition, partner, figure, unit in _lines(document)
    )
    return written_sheet(MONITORING_COLUMNS, rows)


def _lines(document: Document) -> Iterator[SheetLine]:
    yield "indicator", ENTERED, COUNTS[ENTERED], _("all"), document.entered, "count"
    for name, (median, high) in document.stages.items():
        yield "stage", f"{name}_median_h", STAGES[name], _("Median"), median, "hours"
        yield "stage", f"{name}_p90_h", STAGES[name], _("90th percentile"), high, "hours"
    for item in document.nodes:
        yield "availability", item.node_id, AVAILABILITY, term(item.jurisdiction, "jurisdiction"), item.share, "share"


def render_monitoring(document: Document, approved: Approved | None) -> bytes:
    """The PDF in the language that is spoken; without an approval each page says that it is a draft. The same document
    gives the same bytes."""
    data = paper_data(
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
        [*([approval_block(approved)] if approved else []), *report_blocks(document)],
        wide=True,
        warning="" if approved else _("Draft: not approved for release"),
    )
    return set_pdf(data)


def hand_out_report(node: Node, by: Actor, period: Period, form: ReportForm, *, draft: bool = False) -> HandedOut:
    """The public edition of a report, its manifest, or the approval; noted once it is approved. ``draft``: also before
    that. Raises NotFound, code "not-approved"."""
    found = find_approved(node, period)
    if found is None and not draft:
        found = released(node, period)
    document = found.document if found is not None else draft_report(node, period).document
    made = hand_out(
        form,
        found,
        f"The report of {period} is not approved for release. {approve_next(period)}",
        draft=lambda: write_document(document, node.jurisdictions, draft=True),
        sheet=lambda: monitoring_sheet(document, draft=found is None),
        paper=lambda: render_monitoring(document, found),
    )
    if found is not None:
        note_handed_out(node, by, found, f"{period} {form}")
    return made


def approval_block(approved: Approved) -> Block:
    return pairs(
        (_("Approved for release"), f"{approved.approved_by}, {term('head', 'role')}"),
        (_("When"), moment(approved.approved_at)),
        (_("To whom, and on what ground"), approved.because),
        (_("Statement"), approved.approval),
        (_("SHA-256 of the manifest of both editions"), approved.sha256),
    )


def report_blocks(
    document: Document,
    restricted: Restricted | None = None,
    months: Months | None = None,
    addresses: Mapping[str, str] | None = None,
) -> list[Block]:
    """``restricted`` and ``months``: the exact figures, for the node's own people. ``addresses``: for the id of a
    figure, the address of the page that lists what the figure counts."""
    counts = exact_counts(restricted) if restricted else {}
    hours = exact_hours(restricted) if restricted else {}
    lines = lines_of(document, counts, hours)
    found = {_(COUNTS[name].title): address for name, address in (addresses or {}).items()}
    past = _past(lines.past)
    blocks = [bullets(*notes(document))]
    if restricted:
        partners = heat_map(document.partners, counts)
        if partners:
            blocks += [
                heading(_("With each partner"), 1),
                chart(partners, _("The darker, the more: each row for itself.")),
            ]
        hits, spans = funnel(counts), stage_spans(hours)
        blocks += [heading(hits.title, 1), chart(hits)]
        blocks += [heading(spans.title, 1), chart(spans, _("Dark up to the median, light up to that of nine of ten."))]
    blocks += [
        heading(_("The public edition"), 1),
        figures([_("Figure"), term(document.jurisdiction, "jurisdiction"), *past], [_row(lines.entered)], found),
        heading(_("How long it took, in hours"), 2),
        figures([_("Stage"), _("Median"), _("90th percentile"), *past], [_row(line) for line in lines.stages]),
        *_articles(document),
    ]
    years = over_time(document)
    if years:
        blocks += [heading(_("Over the half-years"), 2), chart(years)]
    if restricted:
        blocks += _exact(document, exact_lines(document, counts, hours), found)
    if months is not None and len(months.names) > 1:
        blocks += _months(months)
    rows = [
        [term(item.jurisdiction, "jurisdiction"), item.node_id, words(item.share, "share")] for item in document.nodes
    ]
    head = [_("Jurisdiction"), _("Node"), _("Share")]
    return [*blocks, heading(_(AVAILABILITY.title), 1), quiet(_(AVAILABILITY.text)), columns(head, rows, [2])]


def _exact(document: Document, lines: ExactLines, addresses: Mapping[str, str]) -> Iterator[Block]:
    names = [term(code, "jurisdiction") for code in lines.columns]
    yield heading(_("The restricted edition"), 1)
    yield quiet(_("Exact figures. After the approval they leave this node for a named recipient alone."))
    for title, found in lines.goals:
        yield heading(_(title), 2)
        yield figures([_("Figure"), *names, _("All")], [_row(line) for line in found], addresses)
    yield heading(_("How long it took, in hours"), 2)
    yield figures([_("Stage"), _("Median"), _("90th percentile")], [_row(line) for line in lines.stages])
    yield heading(_("The gap that harmonised law would close"), 2)
    yield quiet(
        _(
            "Exhibits of the half-year that are meant for a partner and do not go there by themselves, once for each "
            "partner."
        )
    )
    if document.partners:
        yield figures([_("Reason"), *names[1:], _("All")], [_row(line) for line in (*lines.gaps, *lines.held)])
    else:
        yield paragraph(_("No partner is enrolled."))


def _months(months: Months) -> Iterator[Block]:
    yield heading(_("By month"), 1)
    yield quiet(_("Exact counts, for this node's own people. They are no part of what is handed out."))
    yield chart(month_columns(months))
    rows = [[_(COUNTS[name].title), *map(str, counts)] for name, counts in months.counts.items()]
    yield details(_("As a table"), [columns([_("Figure"), *months.names], rows, range(1, len(months.names) + 1))])


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
        heading(_("The articles behind the gap that harmonised law would close"), 2),
        columns([_("Partner"), _("Exhibits"), _("Rule"), _("Article"), _("Review by")], rows),
    ]


def _past(halves: tuple[str, ...]) -> list[str]:
    titles = (_("Baseline %(half)s"), _("Before, %(half)s"))
    named = [title % {"half": half} for title, half in zip(titles, halves, strict=False)]
    return [*named, _("Since the baseline")] if named else []


def _row(line: ReportLine) -> tuple[str, str, list[str]]:
    return _(line.definition.title), _(line.definition.text), [*line.cells, *line.trend]
