"""The figures of the public site, each with its definition, its goal and number, its chart, its table, and where it
comes from; in the language that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from markupsafe import Markup

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.coordination.half_year.public_edition import ENTERED, HOUR_CLASSES
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told, told_sum
from exchange.coordination.incidents.incident_document import ToldAnnex, read_told
from exchange.coordination.incidents.incident_words import WordedTable, notes_of, table_in_words
from exchange.coordination.incidents.platform_words import ANNEX_DEFINITIONS, TOTAL_TITLES
from exchange.coordination.incidents.told_incidents import TABLES, TOTALS, ToldTable
from exchange.coordination.public_site.publication import Publication, PublishedPeriod
from exchange.coordination.public_site.site_charts import (
    NamedBar,
    StageBar,
    bar_chart,
    column_chart,
    nice_top,
    span_chart,
    tells_any,
)
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport, RegionalRow, RegionalStage
from exchange.coordination.region.regional_lines import (
    change_words,
    number_words,
    of_others,
    total_words,
    without_words,
)
from exchange.coordination.region_files.file_kinds import DEFINITIONS
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import spoken, term


def period_words(period: Period) -> str:
    """Such as "second half of 2026", as it stands within a sentence or a heading."""
    if not isinstance(period, Half):
        return str(period)
    if period.number == 1:
        return _("first half of %(year)s", year=period.year)
    return _("second half of %(year)s", year=period.year)


def named_period(text: str) -> str:
    """Of a period as it is written: ``2026H2``."""
    return period_words(parse_period(text))


def short_period(text: str) -> str:
    """In two words, of which each has its own line below a column: ``2026 H2``."""
    return text.replace("H", " H")


def annexes_of(published: PublishedPeriod) -> list[ToldAnnex]:
    """Those of the half-year that are bound into its signed reports, in the order of the jurisdictions."""
    found = [item.files.annexes.get(str(published.period)) for item in published.signed]
    return [read_told(signed.public) for signed in found if signed is not None]


def annex_notes(annexes: Sequence[ToldAnnex]) -> list[str]:
    """What a reader must know before the first figure; by the greatest bound of the annexes."""
    if not annexes:
        return [_(text) for text in ANNEX_DEFINITIONS]
    return notes_of(max(annexes, key=lambda annex: annex.head.smallest))


def incident_blocks(annexes: Sequence[ToldAnnex]) -> list[FigureBlock]:
    """Each total by jurisdiction, and of the region what follows from that."""
    found = []
    for name in TOTALS:
        title = _(TOTAL_TITLES[name])
        figures = [(term(annex.head.jurisdiction, "jurisdiction"), annex.totals[name]) for annex in annexes]
        bars = [NamedBar(whose, figure, words(figure, "count")) for whose, figure in figures]
        found.append(
            FigureBlock(
                id=f"incidents-{name}",
                title=title,
                definition="",
                aim="",
                headline=words(told_sum([figure for _whose, figure in figures]), "count"),
                headline_of=_("in the region"),
                chart=bar_chart(f"incidents-{name}", title, _(SAME_IN_TABLE), bars),
                columns=(_("Jurisdiction"), _("Count")),
                rows=tuple((bar.name, bar.said) for bar in bars),
            )
        )
    return found


def annex_tables(annexes: Sequence[ToldAnnex]) -> list[WordedTable]:
    """Of the region: each cell is the sum of what the annexes tell of it. A table that some annex does not tell is left
    out."""
    found = []
    for name, kind in TABLES.items():
        tables = [annex.tables[name] for annex in annexes]
        if not tables or not all(table.is_told for table in tables):
            continue
        cells = {place: told_sum([table.cells.get(place, NO_DATA) for table in tables]) for place in tables[0].cells}
        found.append(table_in_words(name, ToldTable(kind, cells)))
    return found


MOST_COLUMNS: Final = 6
"""Of a trend as a drawing: the baseline and the last ones. The table has all."""
TRENDS: Final = {
    "exhibits_entered": ("count", None),
    "leads_across": ("count", _m("%(figure)s across borders")),
    "confirmed_hits_across": ("count", _m("%(figure)s across borders")),
    "confirmation_median_h": ("hours", _m("%(figure)s, median")),
}
"""What the trend is told of: unit, and what its title adds."""
SAME_IN_TABLE: Final = _m("The table below says the same in words.")


@dataclass(frozen=True)
class FigureBlock:
    """``headline``: the figure that stands largest, and what it is of. ``by_coordinator``: it does not follow from what
    is published, and the coordinator tells it."""

    id: str
    title: str
    definition: str
    aim: str
    headline: str
    headline_of: str
    chart: Markup | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    by_coordinator: bool = False
    notes: tuple[str, ...] = field(default=())


def by_jurisdiction(report: RegionalReport, name: str) -> FigureBlock:
    """A count of each jurisdiction by itself."""
    row = report.row(name)
    cells = [(term(code, "jurisdiction"), figure) for code, figure in sorted(row.cells.items())]
    return _counted(report, row, cells, _("Jurisdiction"), _("in the region"), row.total)


def hits_in_all(report: RegionalReport, name: str) -> FigureBlock:
    """A total of the region, which has no parts in public."""
    row = report.row(name)
    block = _counted(report, row, [], "", _("across borders"), row.across or NO_DATA)
    return replace(block, by_coordinator=True)


def rate_block(report: RegionalReport) -> FigureBlock:
    """The class in which the side in the middle lies."""
    block = _shared_out(report, "feedback_rate", FEEDBACK_RATE, [], report.rate.total, by_coordinator=True)
    return replace(block, headline_of=_("of the side in the middle"))


def availability_block(report: RegionalReport) -> FigureBlock:
    """By node, as each tells it of itself."""
    cells = [(f"{term(item.jurisdiction, 'jurisdiction')} ({item.node})", item.own) for item in report.availability]
    return _shared_out(report, "availability", AVAILABILITY, cells, None, by_coordinator=False)


def times_block(report: RegionalReport) -> FigureBlock:
    """How long each stage took, of all nodes together."""
    stages = report.stages
    title = _("How long it took")
    spans = [
        StageBar(_(STAGES[stage.id].title), _step(stage.median), _step(stage.most), _times_said(stage))
        for stage in stages
    ]
    description = _(
        "For each stage a bar, a fifth of it for each class of time: dark up to the class within which half had ended, "
        "light up to that of nine of ten."
    )
    confirmation = next(stage for stage in stages if stage.id == "confirmation")
    return FigureBlock(
        id="times",
        title=title,
        definition=_("From the entry of an exhibit to the confirmed hit, each stage by when it ended."),
        aim="",
        headline=time_words(confirmation.median),
        headline_of=_("median from lead to confirmed hit"),
        chart=span_chart("times", title, f"{description} {_(SAME_IN_TABLE)}", spans),
        columns=(_("Stage"), _("Median"), _("90th percentile")),
        rows=tuple((_(STAGES[stage.id].title), time_words(stage.median), time_words(stage.most)) for stage in stages),
        by_coordinator=True,
    )


def stage_definitions(report: RegionalReport) -> list[tuple[str, str, str]]:
    """Title, definition, and goal with number, of each stage whose time is shown."""
    return [(_(item.title), _(item.text), number_words(report.indicators[name])) for name, item in STAGES.items()]


def trend_blocks(publication: Publication, *, years: bool = False) -> list[FigureBlock]:
    """The main figures over the periods; none where there are fewer than two."""
    points = publication.trend(years=years)
    if len(points) < 2:
        return []
    return [_trend_block(publication.newest.report, points, name, years=years) for name in TRENDS]


def time_words(figure: Figure) -> str:
    """A class of time, in hours."""
    said = words(figure, "hours")
    return said if figure.low is None else _("%(hours)s h", hours=said)


def _times_said(stage: RegionalStage) -> str:
    if stage.median.low is None:
        return words(stage.median, "hours")
    return _("half: %(half)s, nine of ten: %(most)s", half=time_words(stage.median), most=time_words(stage.most))


def _step(figure: Figure) -> float:
    """Which share of the classes of time a bar passes; 0 where nothing is published."""
    return (HOUR_CLASSES.index(figure) + 1) / len(HOUR_CLASSES) if figure in HOUR_CLASSES else 0


def _counted(
    report: RegionalReport,
    row: RegionalRow,
    cells: Sequence[tuple[str, Figure]],
    first: str,
    of: str,
    headline: Figure,
    notes: Sequence[str] = (),
) -> FigureBlock:
    definition = DEFINITIONS[row.id]
    title = _(definition.title)
    bars = [NamedBar(name, figure, words(figure, "count")) for name, figure in cells]
    return FigureBlock(
        id=row.id,
        title=title,
        definition=_(definition.text),
        aim=number_words(report.indicators[row.id]),
        headline=total_words(report, row.id, headline, "count"),
        headline_of=of,
        chart=bar_chart(row.id, title, _(SAME_IN_TABLE), bars) if tells_any(bar.figure for bar in bars) else None,
        columns=(first, _("Count")),
        rows=tuple((bar.name, bar.said) for bar in bars),
        notes=(*notes, *_without(row)),
    )


def _without(row: RegionalRow) -> Iterator[str]:
    if row.without:
        yield without_words(row.id, row.without)


def _shared_out(
    report: RegionalReport,
    name: str,
    definition: Definition,
    cells: Sequence[tuple[str, Figure]],
    total: Figure | None,
    *,
    by_coordinator: bool,
) -> FigureBlock:
    title = _(definition.title)
    bars = [NamedBar(whose, figure, words(figure, "share")) for whose, figure in cells]
    return FigureBlock(
        id=name,
        title=title,
        definition=_(definition.text),
        aim=number_words(report.indicators[name]),
        headline="" if total is None else total_words(report, name, total, "share"),
        headline_of=_("of all together"),
        chart=bar_chart(name, title, _(SAME_IN_TABLE), bars) if tells_any(bar.figure for bar in bars) else None,
        columns=(_("Whose"), _("Share")),
        rows=tuple((bar.name, bar.said) for bar in bars),
        by_coordinator=by_coordinator,
        notes=() if total is None else tuple(_without(report.rate)),
    )


def _trend_block(report: RegionalReport, points: Sequence[RegionalEarlier], name: str, *, years: bool) -> FigureBlock:
    unit, adds = TRENDS[name]
    row = name.removesuffix("_across").removesuffix("_median_h")
    definition = DEFINITIONS[row] if row in DEFINITIONS else STAGES[row]
    title = _(definition.title)
    if adds is not None:
        title = _(adds, figure=title)
    said: Callable[[Figure], str] = time_words if unit == "hours" else lambda figure: words(figure, unit)
    figures = [point.figures.get(name, NO_DATA) for point in points]
    base = points[0].sides
    told = [
        said(figure) if figure.low is None else of_others(base, point.sides, name, said(figure))
        for point, figure in zip(points, figures, strict=True)
    ]
    drawn = list(zip(points, figures, strict=True))
    drawn = drawn[:1] + drawn[1:][-(MOST_COLUMNS - 1) :]
    columns = [NamedBar(short_period(point.period), figure, said(figure)) for point, figure in drawn]
    id_ = f"years-{name}" if years else f"trend-{name}"
    return FigureBlock(
        id=id_,
        title=title,
        definition=_(definition.text),
        aim=number_words(report.indicators[row]),
        headline=told[-1],
        headline_of=named_period(points[-1].period),
        chart=_columns_drawn(id_, title, points, columns, list(_ticks(figures))) if unit == "count" else None,
        columns=(_("Period"), _("Figure"), _("Since the baseline")),
        rows=tuple(_trend_rows(points, name, told, unit)),
        by_coordinator=name != ENTERED,
        notes=tuple(_not_compared(points, name)),
    )


def _columns_drawn(
    id_: str,
    title: str,
    points: Sequence[RegionalEarlier],
    columns: Sequence[NamedBar],
    ticks: Sequence[tuple[float, str]],
) -> Markup | None:
    description = _(
        "A column for each period. The broken line is at the height of the baseline, %(period)s; of a range "
        "there is one at each end. The table below says the same in words.",
        period=named_period(points[0].period),
    )
    return column_chart(id_, title, description, columns, ticks) if tells_any(bar.figure for bar in columns) else None


def _trend_rows(
    points: Sequence[RegionalEarlier], name: str, told: Sequence[str], unit: str
) -> Iterator[tuple[str, ...]]:
    first, *others = ((point.sides, point.figures.get(name, NO_DATA)) for point in points)
    moved = [_("baseline"), *(change_words(now, first, name, unit) for now in others)]
    for point, said, change in zip(points, told, moved, strict=True):
        yield named_period(point.period), said, change


def _not_compared(points: Sequence[RegionalEarlier], name: str) -> Iterator[str]:
    if any(point.sides.of(name) != points[0].sides.of(name) for point in points):
        yield _("Sums that are not of the same sides as before are not compared; they say of how many they are.")


def _ticks(figures: Sequence[Figure]) -> Iterator[tuple[float, str]]:
    top = nice_top(max([1.0, *(figure.high or 0 for figure in figures)]))
    for part in (0, 0.5, 1):
        value = top * part
        yield value, spoken().number(value, 0 if value == int(value) else 1)


@dataclass(frozen=True)
class FigureTile:
    """``note``: why the figure is a range, else empty."""

    said: str
    note: str


def figure_tiles(report: RegionalReport) -> Mapping[str, FigureTile]:
    """What a reader sees first, by the page that tells more."""
    confirmation = next(stage for stage in report.stages if stage.id == "confirmation")
    counts = {
        "exhibits_entered": report.row("exhibits_entered").total,
        "leads": report.row("leads").across or NO_DATA,
        "confirmed_hits": report.row("confirmed_hits").across or NO_DATA,
    }
    found = {
        name: FigureTile(total_words(report, name, figure, "count"), _range_note(figure))
        for name, figure in counts.items()
    }
    in_class = _("A class, so that nobody can work out how long a single case took.")
    note = in_class if confirmation.median.low is not None else ""
    return found | {"confirmation": FigureTile(time_words(confirmation.median), note)}


def _range_note(figure: Figure) -> str:
    if figure.told is not Told.BETWEEN:
        return ""
    return _("A range, because a small count would tell which cases these are.")
