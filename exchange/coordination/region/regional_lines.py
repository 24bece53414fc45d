"""The lines of the regional report, each figure beside its definition, goal and number: for page, PDF and table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.coordination.half_year.figure_definitions import COUNTS, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.half_year.figure_words import change, public_notes, words
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told
from exchange.coordination.region.earlier_claims import Claim, DroppedLinks
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region.regional import (
    RegionalEarlier,
    RegionalReport,
    RegionalRow,
    SideDifference,
    SummedSides,
)
from exchange.coordination.region_files.file_kinds import CREDIT, DEFINITIONS, FIRST_SIGNED
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext, term

ORDER: Final = (
    "leads",
    "confirmed_hits",
    FIRST_SIGNED,
    *(name for name in DEFINITIONS if name not in ("leads", "confirmed_hits", FIRST_SIGNED)),
)
"""What a coordinator reads first stands first."""
HIT_TOTALS: Final = _m(
    "Hits across borders are reported as exact totals of the region: once at most one side is missing, and where no "
    "side could work out from the total which two others had a hit. Otherwise they are held back. The feedback rate is "
    "that of the side in the middle, as a class."
)
"""What a public edition says about its totals of hits."""
REGION_SENTENCES: Final = (
    _m(
        "A hit across a border is reported by both sides and is one hit of the region. It counts in the half-year of "
        "the side that reports it first, and never again. Where only one side reports it, it counts too."
    ),
    _m("Leads, by who signed the first hit"),
    _m(
        "Of the leads across a border: of how many the node of this jurisdiction signed the first hit. Each lead "
        "stands here once."
    ),
)


@dataclass(frozen=True)
class RegionalLine:
    """``cells``: whose, and how much. ``trend``: the baseline, the period before, and the change since the baseline."""

    id: str
    definition: Definition
    number: Indicator
    unit: str
    total: str
    across: str | None
    cells: tuple[tuple[str, str], ...]
    trend: tuple[str, ...]


def regional_lines(report: RegionalReport) -> list[RegionalLine]:
    """In the order in which they are read; figures of which this edition tells nothing are left out."""
    rows = {row.id: row for row in report.rows}
    found = [_line(report, rows[name], DEFINITIONS[name], "count") for name in ORDER if name in rows]
    found.append(_line(report, report.rate, FEEDBACK_RATE, "share"))
    return [line for line in found if line.total != words_of_restricted() or line.cells or line.across]


def of_some(report: RegionalReport, name: str, said: str) -> str:
    """With how many sides this figure of the trend is of, where some have no data of it."""
    told, reported = len(report.sides.of(name)), len(report.jurisdictions)
    if told in (0, reported):
        return said
    return _("%(figure)s (sides: %(told)s of %(all)s)", figure=said, told=told, all=reported)


def of_others(now: SummedSides, before: SummedSides, name: str, said: str) -> str:
    """Of an earlier period, with how many sides the figure is of, where these are others than now."""
    if now.of(name) == before.of(name):
        return said
    return _("%(figure)s (sides: %(told)s)", figure=said, told=len(before.of(name)))


def sides_below(sides: Sequence[SummedSides], name: str) -> list[str]:
    """What stands below each bar of a drawing over periods: of how many sides it is, where not all are of the same."""
    told = [item.of(name) for item in sides]
    return [_("sides: %(told)s", told=len(codes)) if len(set(told)) > 1 else "" for codes in told]


def total_words(report: RegionalReport, name: str, figure: Figure, unit: str) -> str:
    said = words(figure, unit)
    return said if figure.low is None else of_some(report, name, said)


def past_words(now: SummedSides, before: SummedSides, name: str, figure: Figure, unit: str) -> str:
    said = words(figure, unit)
    return said if figure.low is None else of_others(now, before, name, said)


def change_words(now: tuple[SummedSides, Figure], before: tuple[SummedSides, Figure], name: str, unit: str) -> str:
    """None is told between sums that are not of the same sides."""
    return change(now[1], before[1], unit) if now[0].of(name) == before[0].of(name) else "–"


def words_of_restricted() -> str:
    return _("restricted")


def stage_lines(report: RegionalReport) -> list[RegionalLine]:
    """Of the times: ``cells`` has the 90th percentile, and how many spans there were, where that is told."""
    found = []
    for stage in report.stages:
        cells = [(_("90th percentile"), words(stage.most, "hours"))]
        if stage.spans is not None:
            cells.append((_("How many"), str(stage.spans)))
        name = f"{stage.id}_median_h"
        median = total_words(report, name, stage.median, "hours")
        trend = trend_words(report, name, stage.median, "hours")
        numbers = report.indicators[stage.id]
        found.append(RegionalLine(stage.id, STAGES[stage.id], numbers, "hours", median, None, tuple(cells), trend))
    return [line for line in found if line.total != words_of_restricted()]


def past_periods(report: RegionalReport) -> list[str]:
    """Headings of the trend."""
    past = _past(report.earlier)
    titles = (_m("Baseline %(half)s"), _m("Before, %(half)s"))
    named = [_(title, half=item.period) for title, item in zip(titles, past, strict=False)]
    return [*named, _("Since the baseline")] if named else []


def number_words(number: Indicator) -> str:
    """Goal and number, and whether anybody held them against their source."""
    return f"{goal_words(number)}; {_entered_words(number)}"


def goal_words(number: Indicator) -> str:
    """A goal in a coordinator's own words stays as it is."""
    if number.goal_text:
        return _("Goal %(number)s: %(aim)s", number=number.goal, aim=_(number.goal_text))
    return _("Goal %(number)s", number=number.goal)


def _entered_words(number: Indicator) -> str:
    kpi = number.kpi_2030 or number.kpi_2024
    entered = _("KPI %(number)s", number=kpi) if kpi else _("KPI number not entered")
    return entered + "; " + (_("verified") if number.verified else _("unverified"))


def shared_number_words(lines: Sequence[RegionalLine]) -> str:
    """What stands once above the lines, and then not in each of them, where nobody has entered or verified a number of
    any of them; else nothing."""
    if not lines or any(line.number.kpi_2030 or line.number.kpi_2024 or line.number.verified for line in lines):
        return ""
    about = _(
        "Each figure stands beside its definition, the goal of the Roadmap that it speaks to, and the number of the "
        "key performance indicator. What nobody has held against its source yet is called unverified."
    )
    return f"{about} {_entered_words(lines[0].number)}."


def regional_line_words(line: RegionalLine, shared: str) -> str:
    """Below the title of a line: its definition, goal, and number where that is not said above all lines."""
    return f"{_(line.definition.text)} {goal_words(line.number) if shared else number_words(line.number)}."


def figure_title(name: str) -> str:
    """Of a figure of the trend, by its name."""
    stage = name.removesuffix("_median_h")
    if stage != name:
        return _("%(stage)s, median in hours", stage=_(STAGES[stage].title))
    row = name.removesuffix("_across")
    title = _(definition_of(name).title)
    return _("%(figure)s across borders", figure=title) if row != name else title


def definition_of(name: str) -> Definition:
    if name == "feedback_rate":
        return FEEDBACK_RATE
    stage, row = name.removesuffix("_median_h"), name.removesuffix("_across")
    if stage != name:
        return STAGES[stage]
    return DEFINITIONS.get(row) or COUNTS[row]


def key_words(key: str) -> str:
    """Whose a cell is."""
    if ">" in key:
        one, other = key.split(">")
        return _("%(one)s to %(other)s", one=term(one, "jurisdiction"), other=term(other, "jurisdiction"))
    if "-" in key:
        one, other = key.split("-")
        return _("%(one)s and %(other)s", one=term(one, "jurisdiction"), other=term(other, "jurisdiction"))
    return term(key, "jurisdiction")


def without_words(name: str, codes: Sequence[str]) -> str:
    """Who is not in the sum of this figure, and why."""
    return _(
        "%(figure)s: no data from %(names)s, and so not in the sum.",
        figure=_(DEFINITIONS.get(name, FEEDBACK_RATE).title),
        names=", ".join(term(code, "jurisdiction") for code in codes),
    )


def difference_words(item: SideDifference) -> str:
    """A sentence or two."""
    if item.claim is not None:
        return _claim_words(item, item.claim)
    told = "; ".join(f"{term(code, 'jurisdiction')}: {words(figure, 'count')}" for code, figure in item.told.items())
    said = _(
        "%(figure)s in %(period)s: the two sides do not tell the same (%(told)s).",
        figure=_(DEFINITIONS[item.id].title),
        period=item.period,
        told=told,
    )
    alone = [
        ngettext(
            "%(num)s is told by %(jurisdiction)s alone.",
            "%(num)s are told by %(jurisdiction)s alone.",
            count,
            jurisdiction=term(code, "jurisdiction"),
        )
        for code, count in item.alone.items()
    ]
    return " ".join([said, *alone])


def _claim_words(item: SideDifference, claim: Claim) -> str:
    ((code, figure),) = item.told.items()
    said = _(
        "%(figure)s in %(period)s: %(jurisdiction)s tells %(count)s as of an earlier half-year, and its own report of "
        "then does not have them.",
        figure=_(DEFINITIONS[item.id].title),
        period=item.period,
        jurisdiction=term(code, "jurisdiction"),
        count=words(figure, "count"),
    )
    if claim is Claim.DISBELIEVED:
        counted = _("They count in the half-year in which they are told first.")
        return f"{said} {counted}"
    why = _("Hits that were told without an id, or that are told no more, may explain that: they count as of then.")
    return " ".join([said, why, *_dropped_words(item.dropped)])


def _dropped_words(dropped: DroppedLinks | None) -> Iterator[str]:
    if dropped is None:
        return
    named = {"partner": term(dropped.partner, "jurisdiction"), "half": dropped.period}
    if dropped.links:
        yield ngettext(
            "The report of %(half)s had %(num)s hit with %(partner)s that is told no more.",
            "The report of %(half)s had %(num)s hits with %(partner)s that are told no more.",
            len(dropped.links),
            **named,
        )
    if dropped.without_id:
        yield ngettext(
            "The report of %(half)s had %(num)s hit with %(partner)s without an id that is not there now.",
            "The report of %(half)s had %(num)s hits with %(partner)s without an id that are not there now.",
            dropped.without_id,
            **named,
        )


def regional_notes(report: RegionalReport) -> list[str]:
    """What a reader must know before the first figure."""
    exact = report.edition == "restricted"
    found = [*silent_notes(report), _(CREDIT)]
    if exact:
        found.append(
            _("This edition has exact counts. It is for the named recipient alone, and for the stated purpose.")
        )
    else:
        found += [*public_notes(report.smallest), _(HIT_TOTALS)]
    without = [item for item in report.reports if not item.exact]
    if exact and without:
        names = ", ".join(term(item.jurisdiction, "jurisdiction") for item in without)
        found.append(_("Without exact figures, and so not in these sums: %(names)s.", names=names))
    return [*found, *sides_notes(report)]


def silent_sides(report: RegionalReport) -> list[str]:
    """Whom the reports name as a partner, and of whom no report is in it: sent none, or it was refused."""
    return sorted(report.partners.difference(report.jurisdictions))


def silent_notes(report: RegionalReport) -> list[str]:
    """A sentence on those, where there are any."""
    names = ", ".join(term(code, "jurisdiction") for code in silent_sides(report))
    said = _m("Without a report of %(period)s, and so told of by their partners alone: %(names)s.")
    return [_(said, period=report.period, names=names)] if names else []


def pair_words(report: RegionalReport, key: str, figure: Figure, unit: str) -> str:
    """Of a cell; of two together with how many of them tell it, where one is silent."""
    said, pair = words(figure, unit), key.split("-")
    told = sum(code in report.sides.reported for code in pair)
    if figure.low is None or len(pair) == told or len(pair) == 1:
        return said
    return _("%(figure)s (sides: %(told)s of %(all)s)", figure=said, told=told, all=len(pair))


def sides_notes(report: RegionalReport) -> list[str]:
    """Who is not in a sum, and which sums are not compared."""
    now = report.sides
    found = [without_words(name, codes) for name, codes in now.without.items() if name != "incidents"]
    if any(now.of(name) != past.sides.of(name) for past in _past(report.earlier) for name in report.trend):
        found.append(
            _("Sums that are not of the same sides as before are not compared; they say of how many they are.")
        )
    return found


def _line(report: RegionalReport, row: RegionalRow, definition: Definition, unit: str) -> RegionalLine:
    restricted = words_of_restricted()
    said = [(key, pair_words(report, key, figure, unit)) for key, figure in row.cells.items()]
    across_alone = row.total.told is Told.RESTRICTED and row.across is not None
    trend_of = (f"{row.id}_across", row.across or NO_DATA) if across_alone else (row.id, row.total)
    return RegionalLine(
        id=row.id,
        definition=definition,
        number=report.indicators[row.id],
        unit=unit,
        total="–" if across_alone else total_words(report, row.id, row.total, unit),
        across=total_words(report, row.id, row.across, unit) if row.across is not None else None,
        cells=tuple((key_words(key), figure) for key, figure in said if figure != restricted),
        trend=trend_words(report, *trend_of, unit),
    )


def trend_words(report: RegionalReport, name: str, now: Figure, unit: str) -> tuple[str, ...]:
    past = _past(report.earlier)
    if not past:
        return ()
    before = [(item.sides, item.figures.get(name)) for item in past]
    sides, first = before[0]
    moved = "–" if first is None else change_words((report.sides, now), (sides, first), name, unit)
    return (
        *("–" if figure is None else past_words(report.sides, was, name, figure, unit) for was, figure in before),
        moved,
    )


def _past(earlier: Sequence[RegionalEarlier]) -> list[RegionalEarlier]:
    return list(earlier[:1]) + list(earlier[1:][-1:])
