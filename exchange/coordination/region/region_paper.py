"""The regional report as PDF/A: each figure beside its definition, goal and number, and of which reports it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from exchange.coordination.half_year.figure_definitions import AVAILABILITY
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.incidents.incident_words import table_in_words
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_incidents import incident_notes, incident_totals
from exchange.coordination.region.regional_lines import (
    RegionalLine,
    difference_words,
    key_words,
    past_periods,
    regional_line_words,
    regional_lines,
    regional_notes,
    shared_number_words,
    stage_lines,
)
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import (
    Block,
    bullets,
    columns,
    details,
    figures,
    heading,
    paragraph,
    quiet,
    shared_columns,
)
from exchange.web.report.render import paper_data, set_pdf


def render_region(report: RegionalReport) -> bytes:
    """The PDF in the language that is spoken. The same report gives the same bytes."""
    return set_pdf(_data(report))


def _data(report: RegionalReport) -> dict[str, Any]:
    restricted = report.edition == "restricted"
    return paper_data(
        _("The region, %(period)s", period=report.period),
        _(
            "From %(start)s to before %(end)s, made of the reports of: %(names)s",
            start=moment(report.since),
            end=moment(report.to),
            names=", ".join(term(name, "jurisdiction") for name in report.jurisdictions),
        ),
        "ffp region",
        datetime.fromisoformat(report.to),
        region_blocks(report),
        wide=True,
        warning=_("Restricted edition: for the named recipient alone") if restricted else "",
    )


def region_blocks(report: RegionalReport) -> list[Block]:
    return [
        bullets(*regional_notes(report)),
        *_refused(report),
        *_differences(report),
        *_totals(report),
        *_cells(report),
        *_availability(report),
        *_incidents(report),
        *_reports(report),
    ]


def _totals(report: RegionalReport) -> list[Block]:
    past = past_periods(report)
    head = [_("Figure"), _("The region"), _("Across borders"), *past]
    lines, stages = regional_lines(report), stage_lines(report)
    shared = shared_number_words([*lines, *stages])
    counts = [_total(line, "" if line.across is None else line.across, shared) for line in lines]
    times = [_total(line, line.cells[0][1], shared) for line in stages]
    return [
        heading(_("The region's figures"), 1),
        *([quiet(shared)] if shared else []),
        figures(head, counts),
        heading(_("How long it took, in hours"), 1),
        figures([_("Stage"), _("Median"), _("90th percentile"), *past], times),
    ]


def _total(line: RegionalLine, beside: str, shared: str) -> tuple[str, str, list[str]]:
    return _(line.definition.title), regional_line_words(line, shared), [line.total, beside, *line.trend]


def _cells(report: RegionalReport) -> list[Block]:
    blocks = [heading(_("By jurisdiction and pair"), 1), quiet(_("Sides and pairs with 0 are left out."))]
    for line in regional_lines(report):
        shown = [cell for cell in line.cells if cell[1] not in ("0", "")]
        if shown:
            table = columns([_("Whose"), _("How much")], shown, numbers=[1])
            blocks.append(details(_(line.definition.title), [table]))
    return blocks


def _availability(report: RegionalReport) -> list[Block]:
    rows = [
        [term(item.jurisdiction, "jurisdiction"), item.node, words(item.own, "share"), words(item.seen, "share")]
        for item in report.availability
    ]
    head = [_("Jurisdiction"), _("Node"), _("By itself"), _("As partners saw it")]
    return [heading(_(AVAILABILITY.title), 1), quiet(_(AVAILABILITY.text)), columns(head, rows, numbers=[2, 3])]


def _incidents(report: RegionalReport) -> list[Block]:
    found = report.incidents
    if found is None:
        return []
    head = [_("Figure"), _("The region"), *(key_words(code) for code in _who(report)), *past_periods(report)]
    rows = [
        [item.title, item.total, *(said for _whose, said in item.cells), *item.trend]
        for item in incident_totals(report)
    ]
    numbers = range(1, len(head))
    blocks = [heading(_("Incidents with firearms"), 1), bullets(*incident_notes(report)), columns(head, rows, numbers)]
    for name, told in found.tables.items():
        table = table_in_words(name, told)
        rows = [[title, *cells] for title, cells in table.rows]
        laid_out = columns([table.first, *table.columns], rows, range(1, len(table.columns) + 1))
        said = quiet(_("Not told: too few counts of it are large."))
        blocks.append(details(table.title, [laid_out if table.is_told else said]))
    return blocks


def _who(report: RegionalReport) -> list[str]:
    """Whose annexes are counted."""
    return list(dict.fromkeys(item.jurisdiction for item in report.incidents.annexes)) if report.incidents else []


def _differences(report: RegionalReport) -> list[Block]:
    if not report.differences:
        return []
    found = [difference_words(item) for item in report.differences]
    return [heading(_("What two sides tell differently"), 1), bullets(*found)]


def _reports(report: RegionalReport) -> list[Block]:
    rows = [
        [
            *(term(item.jurisdiction, "jurisdiction"), item.node, item.sha256, item.approval),
            _("yes") if item.exact else _("no"),
        ]
        for item in report.reports
    ]
    head = [_("Jurisdiction"), _("Node"), _("SHA-256 of the manifest"), _("Approval"), _("Exact figures")]
    return [heading(_("The reports that it is made of"), 1), shared_columns(head, rows, (0.8, 0.4, 2.6, 2.6, 0.5))]


def _refused(report: RegionalReport) -> list[Block]:
    if not report.refused:
        return []
    rows = [[item.file, item.node or "", item.code, item.why, item.next_step] for item in report.refused]
    head = [_("File"), _("Node"), _("Code"), _("Why"), _("What to do")]
    return [
        heading(_("Files that are not in it"), 1),
        paragraph(_("Nothing of these files is counted.")),
        columns(head, rows),
    ]
