"""The public edition of the incident annex as PDF/A and as a table for a spreadsheet, and who approved it. Other
reports take its blocks: ``annex_blocks``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from exchange.clock import stamp
from exchange.coordination.half_year.figure_words import bar, words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import NO_DATA, Figure
from exchange.coordination.handed_out import AnnexForm, HandedOut, hand_out, note_handed_out
from exchange.coordination.incidents.incident_annex import (
    ApprovedAnnex,
    approve_annex_next,
    entered_annex,
    find_annex,
    released_annex,
)
from exchange.coordination.incidents.incident_document import ToldAnnex, write_told
from exchange.coordination.incidents.incident_vocabulary import AgeBand, HarmOutcome, IncidentCounts, Sex, WeaponKind
from exchange.coordination.incidents.incident_words import (
    notes_of,
    past_halves,
    table_in_words,
    totals_in_words,
    unverified_words,
    value_words,
)
from exchange.coordination.incidents.platform_words import TABLE_TITLES, TOTAL_TITLES, all_verified, sources
from exchange.coordination.incidents.told_incidents import (
    USE_BY_OFFENCE,
    USE_BY_OUTCOME,
    ToldTable,
    exact_table,
    exact_totals,
)
from exchange.coordination.outside_words import outside_words
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Actor
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, bullets, chart, columns, heading, pairs, quiet
from exchange.web.report.charts import Bar, Chart, bars, shade_of, squares, standing_bars
from exchange.web.report.render_report import paper_data, set_pdf
from exchange.web.report.sheet import number_cell, written_sheet

PERSON_TABLES: Final = ("victims_by_sex_and_age", "perpetrators_by_sex_and_age")
OFFENCE_TABLES: Final = (USE_BY_OFFENCE, "victims_by_offence", "perpetrators_by_offence")
_MOST_HALVES: Final = 6
_DARKNESS: Final = {Sex.FEMALE: 1.0, Sex.MALE: 0.55, Sex.UNKNOWN: 0.25}
"""How dark the bars of each sex are, so that they differ in grey, and for readers who cannot tell red from green."""


def table_chart(name: str, table: ToldTable) -> Chart | None:
    """The chart of a table; None if the table is not published, or has no chart."""
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
    """A panel for each total, in it a column for each half-year; None if there is no earlier half-year."""
    earlier = annex.earlier[-(_MOST_HALVES - 1) :]
    panels = [
        (
            _(TOTAL_TITLES[name]),
            [*(bar(item.half, item.totals.get(name, NO_DATA)) for item in earlier), bar(str(annex.head.half), figure)],
        )
        for name, figure in annex.totals.items()
    ]
    return standing_bars(_("Totals over the half-years"), panels) if earlier else None


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
    """The blocks of an annex in a report. ``level`` is the level of its headings."""
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


def hand_out_annex(node: Node, by: Actor, half: Half, form: AnnexForm, *, draft: bool = False) -> HandedOut:
    """An edition of an annex, its manifest, or the approval; noted once it is approved. ``draft``: also before that.
    Raises NotFound, code "not-approved"."""
    found = find_annex(node, half)
    if found is None and not draft:
        found = released_annex(node, half)
    told = found.told if found is not None else entered_annex(node, half).told
    made = hand_out(
        form,
        found,
        f"The annex of {half} is not approved for release. {approve_annex_next(half)}",
        draft=lambda: write_told(told, node.jurisdictions, draft=True),
        sheet=lambda: annex_sheet(told, draft=found is None),
        paper=lambda: render_annex(told, found),
    )
    if found is not None:
        note_handed_out(node, by, found, f"{half} incidents {form}")
    return made


def annex_approval(approved: ApprovedAnnex) -> Block:
    return pairs(
        (_("Approved for release"), f"{approved.approved_by}, {term('head', 'role')}"),
        (_("When"), moment(approved.approved_at)),
        (_("To whom, and on what ground"), approved.because),
        (_("Statement"), approved.approval),
        (_("SHA-256 of the manifest"), approved.sha256),
    )
