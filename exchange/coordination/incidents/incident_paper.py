"""The public edition of the incident annex as PDF/A and as a table for a spreadsheet, and who approved it. Other
reports take its blocks: ``annex_blocks``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from exchange.clock import stamp
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_annex import ApprovedAnnex
from exchange.coordination.incidents.incident_charts import drawings, trend
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
from exchange.coordination.outside_words import outside_words
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, bullets, columns, heading, pairs, picture, printable, quiet
from exchange.web.report.render import paper_data, set_pdf

ANNEX_COLUMNS = ("half", "node", "state", "id", "figure", "first", "second", "told", "low", "high")


def annex_sheet(annex: ToldAnnex, *, draft: bool) -> bytes:
    """The annex as CSV. ``low`` and ``high`` are equal for an exact figure, and empty for a suppressed one."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(ANNEX_COLUMNS)
    for name, title, first, second, figure in _lines(annex):
        told = (str(figure.told), _number(figure.low), _number(figure.high))
        state = "draft" if draft else "approved"
        cells = (str(annex.head.half), annex.head.node_id, state, name, title, first, second, *told)
        table.writerow([guarded(cell) for cell in cells])
    for text in (*([] if all_verified() else [unverified_words()]), *spoken().footnotes()):
        table.writerow([guarded(text)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _lines(annex: ToldAnnex) -> Iterator[tuple[str, str, str, str, Figure]]:
    for name, figure in annex.totals.items():
        yield name, _(TOTAL_TITLES[name]), "", "", figure
    for name, table in annex.tables.items():
        for place, figure in table.cells.items():
            said = [value_words(kind, value) for kind, value in zip(table.kind.properties, place, strict=True)]
            yield name, _(TABLE_TITLES[name]), said[0], "".join(said[1:]), figure


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def render_annex(annex: ToldAnnex, approved: ApprovedAnnex | None) -> bytes:
    """The PDF in the language that is spoken; without an approval each page says that it is a draft."""
    data, files = _data(annex, approved)
    return set_pdf("monitoring.typ", data, files)


def annex_blocks(annex: ToldAnnex, level: int = 1) -> tuple[list[Block], dict[str, bytes]]:
    """What a report lays out of an annex, and the pictures that the blocks name. ``level``: of the headings."""
    blocks: list[Block] = [] if all_verified() else [quiet(unverified_words())]
    blocks += [bullets(*notes_of(annex)), heading(_("Totals"), level), _totals(annex)]
    files: dict[str, bytes] = {}
    over_time, drawn = trend(annex), drawings(annex)
    if over_time:
        files["incidents-trend.svg"] = over_time.encode()
        blocks.append(picture(_("Totals over the half-years"), "incidents-trend.svg"))
    for name, table in annex.tables.items():
        worded = table_in_words(name, table)
        blocks.append(heading(worded.title, level))
        if not worded.is_told:
            blocks.append(quiet(_("Not told: too few counts of it are large.")))
            continue
        if name in drawn:
            files[f"incidents-{name}.svg"] = drawn[name].encode()
            blocks.append(picture(worded.title, f"incidents-{name}.svg"))
        rows = [[title, *(cell.words for cell in cells)] for title, cells in worded.rows]
        blocks.append(columns([worded.first, *worded.columns], rows))
    blocks += [heading(_("Where the words come from"), level), bullets(*map(outside_words, sources()))]
    return blocks, files


def _totals(annex: ToldAnnex) -> Block:
    titles = (_("Baseline %(half)s"), _("Before, %(half)s"))
    past = [title % {"half": half} for title, half in zip(titles, past_halves(annex), strict=False)]
    head = [_("Figure"), _("Count"), *past, *([_("Since the baseline")] if past else [])]
    return columns(head, [[item.title, item.cell.words, *item.trend] for item in totals_in_words(annex)])


def _data(annex: ToldAnnex, approved: ApprovedAnnex | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    head = annex.head
    blocks, files = annex_blocks(annex)
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
        draft=None if approved else printable(_("Draft: not approved for release")),
        blocks=[*_approval(approved), *blocks],
    )
    return data, files


def _approval(approved: ApprovedAnnex | None) -> list[Block]:
    if approved is None:
        return []
    return [
        pairs(
            (_("Approved for release"), f"{approved.approved_by}, {term('head', 'role')}"),
            (_("When"), moment(approved.approved_at)),
            (_("To whom, and on what ground"), approved.because),
            (_("Statement"), approved.approval),
            (_("SHA-256 of the manifest"), approved.sha256),
        )
    ]
