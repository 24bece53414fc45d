"""The figures of the public site as blocks: each with its definition, its goal and number, its chart, its table, and
where it comes from; in the language that is spoken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, STAGES
from exchange.coordination.half_year.figure_words import bar, unit_of, words
from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.coordination.half_year.public_edition import ENTERED, HOUR_CLASSES
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told, told_sum
from exchange.coordination.incidents.incident_document import ToldAnnex, read_told
from exchange.coordination.incidents.incident_words import notes_of, table_in_words
from exchange.coordination.incidents.platform_words import ANNEX_DEFINITIONS, TOTAL_TITLES
from exchange.coordination.incidents.told_incidents import TABLES, TOTALS, ToldTable
from exchange.coordination.public_site.publication import Publication, PublishedPeriod, SignedReport
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport, RegionalRow, RegionalStage
from exchange.coordination.region.regional_lines import (
    change_words,
    definition_of,
    figure_title,
    number_words,
    of_others,
    total_words,
    without_words,
)
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import Block, chart, columns, heading, headline, linked, pairs, quiet
from exchange.web.report.charts import Bar, Span, bars, spans, standing_bars

MOST_COLUMNS: Final = 6
"""Of a trend as a drawing: the baseline and the last ones. The table has all."""
TRENDS: Final = ("exhibits_entered", "leads_across", "confirmed_hits_across", "confirmation_median_h")


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


def anchor_of(item: SignedReport) -> str:
    """The place of a signed report on the page that says how to verify."""
    return f"{item.verified.manifest.period}-{item.verified.jurisdiction}"


class SiteFigures:
    """The figures of a publication. Each is a list of blocks with the files that it is worked out of."""

    def __init__(self, publication: Publication) -> None:
        self.publication, self.report = publication, publication.newest.report

    def entered(self) -> list[Block]:
        """The exhibits of each jurisdiction by itself."""
        row = self.report.row(ENTERED)
        found = [bar(term(code, "jurisdiction"), figure) for code, figure in sorted(row.cells.items())]
        total = total_words(self.report, row.id, row.total, "count"), _("in the region")
        return self._figure(row.id, total, found, (_("Jurisdiction"), _("Count")), _without(row))

    def hits(self, name: str) -> list[Block]:
        """A total of the region, which has no parts in public."""
        row = self.report.row(name)
        total = total_words(self.report, row.id, row.across or NO_DATA, "count"), _("across borders")
        return self._figure(row.id, total, notes=_without(row), by_coordinator=True)

    def rate(self) -> list[Block]:
        """The class in which the side in the middle lies."""
        row = self.report.rate
        total = total_words(self.report, "feedback_rate", row.total, "share"), _("of the side in the middle")
        return self._figure("feedback_rate", total, notes=_without(row), by_coordinator=True)

    def availability(self) -> list[Block]:
        """By node, as each reports it of itself."""
        found = [
            bar(f"{term(item.jurisdiction, 'jurisdiction')} ({item.node})", item.own, "share")
            for item in self.report.availability
        ]
        return self._figure("availability", None, found, (_("Whose"), _("Share")))

    def times(self) -> list[Block]:
        """How long each stage took, of all nodes together."""
        stages = self.report.stages
        title = _("How long it took")
        drawn = spans(
            title,
            [
                Span(_(STAGES[item.id].title), _times_said(item), _step(item.median), _step(item.most))
                for item in stages
            ],
        )
        confirmation = next(stage for stage in stages if stage.id == "confirmation")
        rows = [[_(STAGES[item.id].title), time_words(item.median), time_words(item.most)] for item in stages]
        caption = _(
            "For each stage a bar, a fifth of it for each class of time: dark up to the class within which half had "
            "ended, light up to that of nine of ten."
        )
        return [
            heading(title, 1),
            headline(time_words(confirmation.median), _("median from lead to confirmed hit")),
            quiet(_("From the entry of an exhibit to the confirmed hit, each stage by when it ended.")),
            chart(drawn, caption),
            columns([_("Stage"), _("Median"), _("90th percentile")], rows, (1, 2)),
            self._source(by_coordinator=True),
        ]

    def stages(self) -> list[Block]:
        """What each stage is whose time is shown."""
        numbers = self.report.indicators
        rows = [(_(item.title), _(item.text) + " " + _roadmap(numbers[name])) for name, item in STAGES.items()]
        return [heading(_("What each stage is"), 1), pairs(*rows)]

    def trends(self, *, years: bool = False) -> list[Block]:
        """The main figures over the periods; empty where there are fewer than two."""
        points = self.publication.trend(years=years)
        found = [self._trend(points, name, years=years) for name in TRENDS] if len(points) > 1 else []
        return [block for blocks in found for block in blocks]

    def incidents(self, annexes: Sequence[ToldAnnex]) -> list[Block]:
        """Each total by jurisdiction, and of the region what follows from that; then the tables of the region."""
        found: list[Block] = []
        for name in TOTALS:
            title = _(TOTAL_TITLES[name])
            drawn = [bar(term(annex.head.jurisdiction, "jurisdiction"), annex.totals[name]) for annex in annexes]
            region = words(told_sum([annex.totals[name] for annex in annexes]), "count")
            found += [heading(title, 1), headline(region, _("in the region")), *_drawn(title, drawn)]
            found += [_table((_("Jurisdiction"), _("Count")), drawn), self._source(by_coordinator=False)]
        return [*found, *_annex_tables(annexes)]

    def _figure(
        self,
        name: str,
        total: tuple[str, str] | None,
        found: Sequence[Bar] = (),
        head: tuple[str, str] = ("", ""),
        notes: Sequence[str] = (),
        *,
        by_coordinator: bool = False,
    ) -> list[Block]:
        """``total``: the figure that stands largest, and what it is of. ``by_coordinator``: it does not follow from
        what is published, and the regional report has it."""
        definition = AVAILABILITY if name == "availability" else definition_of(name)
        title = _(definition.title)
        return [
            heading(title, 1, f"h-{name}"),
            *([headline(*total)] if total else []),
            *map(quiet, (_(definition.text), *notes)),
            *_drawn(title, found),
            *([_table(head, found)] if found else []),
            quiet(_roadmap(self.report.indicators[name])),
            self._source(by_coordinator=by_coordinator),
        ]

    def _trend(self, points: Sequence[RegionalEarlier], name: str, *, years: bool) -> list[Block]:
        unit, title = unit_of(name), figure_title(name)
        row = name.removesuffix("_across").removesuffix("_median_h")
        figures = [point.figures.get(name, NO_DATA) for point in points]
        base = points[0].sides
        said = [time_words(figure) if unit == "hours" else words(figure, unit) for figure in figures]
        told = [
            one if figure.low is None else of_others(base, point.sides, name, one)
            for point, figure, one in zip(points, figures, said, strict=True)
        ]
        found = [bar(short_period(point.period), one) for point, one in zip(points, figures, strict=True)]
        found = found[:1] + found[1:][-(MOST_COLUMNS - 1) :]
        is_drawn = unit == "count" and any(one.low is not None for one in found)
        caption = _(
            "A column for each period. The broken line is at the height of the baseline, %(period)s; of a range "
            "there is one at each end. The table below says the same in words.",
            period=named_period(points[0].period),
        )
        drawn = chart(standing_bars(title, [("", found)], across=1, baseline=True), caption)
        return [
            heading(title, 1, f"h-{'years' if years else 'trend'}-{name}"),
            headline(told[-1], named_period(points[-1].period)),
            *map(quiet, (_(definition_of(name).text), *_not_compared(points, name))),
            *([drawn] if is_drawn else []),
            columns(
                [_("Period"), _("Figure"), _("Since the baseline")],
                list(_trend_rows(points, name, told, unit)),
                (1, 2),
            ),
            quiet(_roadmap(self.report.indicators[row])),
            self._source(by_coordinator=name != ENTERED),
        ]

    def _source(self, *, by_coordinator: bool) -> Block:
        """What a figure is worked out of."""
        newest = self.publication.newest
        if not by_coordinator:
            links = [
                (term(item.verified.jurisdiction, "jurisdiction"), f"verify.html#{anchor_of(item)}")
                for item in newest.signed
            ]
            return linked(_("Worked out of these signed reports:"), links)
        if newest.regional is None:
            return quiet(
                _(
                    "Of all together this is told by the regional report alone, and that was not given for these "
                    "pages: so it is held back here."
                )
            )
        said = _(
            "Told by the regional report. It is worked out of exact editions for named recipients, so that it cannot "
            "be worked out anew from what is published here."
        )
        return linked(said, [(_("The regional report"), "verify.html#regional")])


def _roadmap(number: Indicator) -> str:
    return _("Roadmap") + ": " + number_words(number)


def _drawn(title: str, found: Sequence[Bar]) -> list[Block]:
    return [chart(bars(title, found))] if any(one.low is not None for one in found) else []


def _table(head: tuple[str, str], found: Sequence[Bar]) -> Block:
    return columns(head, [[one.name, one.words] for one in found], (1,))


def _annex_tables(annexes: Sequence[ToldAnnex]) -> Iterator[Block]:
    """Of the region: each cell is the sum of what the annexes tell of it. A table that some annex does not tell is left
    out."""
    for name, kind in TABLES.items():
        tables = [annex.tables[name] for annex in annexes]
        if tables and all(table.is_told for table in tables):
            cells = {
                place: told_sum([table.cells.get(place, NO_DATA) for table in tables]) for place in tables[0].cells
            }
            table = table_in_words(name, ToldTable(kind, cells))
            yield heading(table.title, 1)
            yield quiet(_("The region, as the sum of what the annexes tell."))
            rows = [[title, *said] for title, said in table.rows]
            yield columns([table.first, *table.columns], rows, range(1, len(table.columns) + 1))


def time_words(figure: Figure) -> str:
    """A class of time, in hours."""
    said = words(figure, "hours")
    return said if figure.low is None else _("%(hours)s h", hours=said)


def _times_said(stage: RegionalStage) -> str:
    if stage.median.low is None:
        return words(stage.median, "hours")
    return _("half: %(half)s, nine of ten: %(most)s", half=time_words(stage.median), most=time_words(stage.most))


def _step(figure: Figure) -> float | None:
    """Which share of the classes of time a bar passes."""
    return (HOUR_CLASSES.index(figure) + 1) / len(HOUR_CLASSES) if figure in HOUR_CLASSES else None


def _without(row: RegionalRow) -> list[str]:
    return [without_words(row.id, row.without)] if row.without else []


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
