"""The regional report as blocks and files: of each edition JSON, a table, a PDF/A and drawings. Each figure stands
beside its definition, goal and number, with the reports that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.half_year.figure_words import bar, words
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told
from exchange.coordination.incidents.incident_words import table_in_words
from exchange.coordination.incidents.platform_words import all_verified
from exchange.coordination.region.combine import Combined
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport
from exchange.coordination.region.regional_incidents import incident_lines, incident_notes, incident_totals
from exchange.coordination.region.regional_lines import (
    RegionalLine,
    difference_words,
    figure_title,
    key_words,
    of_some,
    past_periods,
    regional_line_words,
    regional_lines,
    regional_notes,
    shared_number_words,
    sides_below,
    stage_lines,
)
from exchange.coordination.region_files.file_kinds import DEFINITIONS, sides_key
from exchange.web.languages import gettext, spoken, term
from exchange.web.languages import gettext as _
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
from exchange.web.report.charts import Chart, shade_of, squares, standing_bars
from exchange.web.report.render_report import paper_data, set_pdf
from exchange.web.report.sheet import number_cell, written_sheet


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


DRAWN_OVER_PERIODS: Final = ("exhibits_entered", "exhibits_shared", "leads_across", "confirmed_hits_across")
"""Those of them that the edition has."""
_MOST_PERIODS: Final = 6


def pair_chart(report: RegionalReport, name: str) -> Chart:
    """A square for each pair of jurisdictions, and on the diagonal for hits within one: the darker, the more. Only a
    restricted edition has pairs."""
    codes, row = report.jurisdictions, report.row(name)
    figures = {
        (line, column): row.cells.get(one if one == other else sides_key(one, other), NO_DATA)
        for line, one in enumerate(codes)
        for column, other in enumerate(codes)
    }
    most = max(figure.high or 0 for figure in figures.values())
    cells = {
        place: (words(figure, "count"), shade_of(figure.low, figure.high, most)) for place, figure in figures.items()
    }
    names = [term(code, "jurisdiction") for code in codes]
    title = _("%(figure)s, %(period)s", figure=_(DEFINITIONS[name].title), period=report.period)
    return squares(title, names, names, cells)


def period_chart(title: str, points: Sequence[RegionalEarlier]) -> Chart | None:
    """A panel for each main figure, in it a column for each period; None where no period has a figure to draw."""
    drawn = points[-_MOST_PERIODS:]
    panels = []
    for name in DRAWN_OVER_PERIODS:
        if name in points[-1].figures:
            below = sides_below([point.sides for point in drawn], name)
            found = [
                bar(point.period, point.figures.get(name, NO_DATA), below=sides)
                for point, sides in zip(drawn, below, strict=True)
            ]
            panels.append((figure_title(name), found))
    if all(one.low is None for _figure, found in panels for one in found):
        return None
    return standing_bars(title, panels)


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
    return written_sheet(REGIONAL_COLUMNS, (*_figure_rows(report), *_incident_rows(report)))


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


def _incident_rows(report: RegionalReport) -> Iterator[tuple[str, ...]]:
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
