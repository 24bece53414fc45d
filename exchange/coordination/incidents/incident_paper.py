"""The public edition of the incident annex as PDF/A and as a table for a spreadsheet, and who approved it. Other
reports take its blocks: ``annex_blocks``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from exchange.clock import stamp
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_annex import ApprovedAnnex
from exchange.coordination.incidents.incident_charts import table_chart, totals_chart
from exchange.coordination.incidents.incident_counts import IncidentCounts
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.incident_words import (
    notes_of,
    past_halves,
    table_in_words,
    totals_in_words,
    unverified_words,
    value_words,
)
from exchange.coordination.incidents.platform_words import TABLE_TITLES, TOTAL_TITLES, all_verified, sources
from exchange.coordination.incidents.told_incidents import exact_table, exact_totals
from exchange.coordination.outside_words import outside_words
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, bullets, chart, columns, heading, pairs, quiet
from exchange.web.report.render import paper_data, set_pdf
from exchange.web.report.sheet import number_cell, written_sheet

ANNEX_COLUMNS = ("half", "node", "state", "id", "figure", "first", "second", "told", "low", "high")


def annex_sheet(annex: ToldAnnex, *, draft: bool) -> bytes:
    """The annex as CSV. ``low`` and ``high`` are equal for an exact figure, and empty for a suppressed one."""
    begin = (str(annex.head.half), annex.head.node_id, "draft" if draft else "approved")
    rows = (
        (*begin, name, title, first, second, str(figure.told), number_cell(figure.low), number_cell(figure.high))
        for name, title, first, second, figure in _lines(annex)
    )
    return written_sheet(ANNEX_COLUMNS, rows, [] if all_verified() else [unverified_words()])


def _lines(annex: ToldAnnex) -> Iterator[tuple[str, str, str, str, Figure]]:
    for name, figure in annex.totals.items():
        yield name, _(TOTAL_TITLES[name]), "", "", figure
    for name, table in annex.tables.items():
        for place, figure in table.cells.items():
            said = [value_words(kind, value) for kind, value in zip(table.kind.properties, place, strict=True)]
            yield name, _(TABLE_TITLES[name]), said[0], "".join(said[1:]), figure


def render_annex(annex: ToldAnnex, approved: ApprovedAnnex | None) -> bytes:
    """The PDF in the language that is spoken; without an approval each page says that it is a draft."""
    head = annex.head
    data = paper_data(
        _("Incident annex %(half)s", half=head.half),
        _(
            "%(jurisdiction)s, from %(start)s to before %(end)s, by the node %(node)s",
            jurisdiction=term(head.jurisdiction, "jurisdiction"),
            start=moment(head.half.start),
            end=moment(head.half.end),
            node=head.node_id,
        ),
        head.node_id,
        datetime.fromisoformat(approved.approved_at if approved else min(head.half.end, stamp())),
        [*([annex_approval(approved)] if approved else []), *annex_blocks(annex)],
        wide=True,
        warning="" if approved else _("Draft: not approved for release"),
    )
    return set_pdf(data)


def annex_blocks(annex: ToldAnnex, level: int = 1) -> list[Block]:
    """What a report lays out of an annex. ``level``: of the headings."""
    return [
        *([] if all_verified() else [quiet(unverified_words())]),
        *told_blocks(annex, level),
        heading(_("Where the words come from"), level),
        bullets(*map(outside_words, sources())),
    ]


def told_blocks(annex: ToldAnnex, level: int = 1, inside: IncidentCounts | None = None) -> Iterator[Block]:
    """``inside``: the exact counts behind a draft, for the node's own people."""
    yield bullets(*notes_of(annex))
    yield heading(_("Totals"), level)
    over_time = totals_chart(annex)
    if over_time:
        yield chart(over_time)
    titles = (_("Baseline %(half)s"), _("Before, %(half)s"))
    past = [title % {"half": half} for title, half in zip(titles, past_halves(annex), strict=False)]
    head = [_("Figure"), _("Count"), *past, *([_("Since the baseline")] if past else [])]
    totals = totals_in_words(annex, exact_totals(inside) if inside else None)
    yield columns(head, [[item.title, item.cell, *item.trend] for item in totals], range(1, len(head)))
    for name, table in annex.tables.items():
        worded = table_in_words(name, table, exact_table(inside, table.kind) if inside else None)
        yield heading(worded.title, level)
        if not worded.is_told:
            yield quiet(_("Not told: too few counts of it are large."))
        drawn = table_chart(name, table)
        if drawn:
            yield chart(drawn)
        if worded.is_told or inside:
            head = [worded.first, *worded.columns]
            yield columns(head, [[title, *cells] for title, cells in worded.rows], range(1, len(head)))


def annex_approval(approved: ApprovedAnnex) -> Block:
    return pairs(
        (_("Approved for release"), f"{approved.approved_by}, {term('head', 'role')}"),
        (_("When"), moment(approved.approved_at)),
        (_("To whom, and on what ground"), approved.because),
        (_("Statement"), approved.approval),
        (_("SHA-256 of the manifest"), approved.sha256),
    )
