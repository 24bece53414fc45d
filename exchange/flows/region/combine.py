"""Make one report of the region out of the reports of its nodes, in two editions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from exchange.errors import InvalidInput
from exchange.flows.monitoring.definitions import AT_THE_END, AVAILABILITY, FEEDBACK_RATE, STAGES
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.half_years import Period
from exchange.flows.monitoring.restricted_edition import RestrictedHalf
from exchange.flows.monitoring.small_counts import HELD_BACK, NO_DATA, Figure, exact, told_sum
from exchange.flows.monitoring.years import feedback_of
from exchange.flows.region.bound_annex import VerifiedAnnex
from exchange.flows.region.exact_region import ExactHalf, exact_half, stage_figures
from exchange.flows.region.indicators import Indicator, Indicators
from exchange.flows.region.kinds import DEFINITIONS
from exchange.flows.region.public_region import (
    of_one_bound,
    public_rate,
    public_rows,
    public_stages,
    rate_of,
    summed_row,
)
from exchange.flows.region.read_reports import ReadReports
from exchange.flows.region.region_incidents import exact_incidents, public_incidents
from exchange.flows.region.regional import (
    CountedReport,
    RegionalAvailability,
    RegionalEarlier,
    RegionalReport,
    RegionalRow,
    RegionalStage,
)
from exchange.flows.region.report_file import VerifiedReport


@dataclass(frozen=True)
class Combined:
    """``restricted``: None where no report brought its exact edition. ``incomplete``: which reports did not, so that
    the exact figures are of the others alone."""

    public: RegionalReport
    restricted: RegionalReport | None
    incomplete: tuple[str, ...]


def combine_reports(
    read: ReadReports,
    period: Period,
    indicators: Indicators,
    earlier: Mapping[str, Sequence[RegionalEarlier]] | None = None,
) -> Combined:
    """``earlier``: by edition, the regional reports of before, the first first.

    Raises InvalidInput, code "nothing-to-combine", where no file was accepted.
    """
    reports = read.reports
    if not reports:
        raise InvalidInput("No report was accepted, so there is nothing to combine.", code="nothing-to-combine")
    before = earlier or {}
    with_exact = [report for report in reports if report.halves]
    parts = _halves(with_exact, read.earlier)
    restricted = None
    if with_exact:
        restricted = _restricted(read, period, with_exact, parts, indicators, before.get("restricted", ()))
    is_whole = len(with_exact) == len(reports)
    public = _public(read, period, parts if is_whole else (), indicators, before.get("public", ()))
    if restricted is not None and is_whole:
        public = _without_contradiction(public, restricted)
    incomplete = tuple(report.node_id for report in reports if not report.halves)
    return Combined(public, restricted, incomplete)


def _halves(
    reports: Sequence[VerifiedReport], earlier: Mapping[str, Sequence[RestrictedHalf]]
) -> tuple[ExactHalf, ...]:
    """Those of the period, the first first, each held against what its node told before: in the earlier reports, and in
    the first half-year of the same year."""
    found: Mapping[str, list[RestrictedHalf]] = defaultdict(list)
    before = {node: list(halves) for node, halves in earlier.items()}
    for report in reports:
        before.setdefault(report.node_id, []).extend(report.halves)
        for half in report.halves:
            found[half.period].append(half)
    return tuple(exact_half(found[name], before) for name in sorted(found))


def _restricted(
    read: ReadReports,
    period: Period,
    reports: Sequence[VerifiedReport],
    parts: Sequence[ExactHalf],
    indicators: Indicators,
    earlier: Sequence[RegionalEarlier],
) -> RegionalReport:
    hours = {name: _hours(name, parts) for name in STAGES}
    stages = tuple(RegionalStage(name, *stage_figures(hours[name]), len(hours[name])) for name in STAGES)
    feedback = _feedback(reports)
    rates = {code: NO_DATA if found is None else rate_of([found]) for code, found in feedback.items()}
    told = [found for found in feedback.values() if found is not None]
    without = tuple(code for code, found in feedback.items() if found is None)
    return RegionalReport(
        edition="restricted",
        period=str(period),
        since=period.start,
        to=period.end,
        reports=_counted(read),
        refused=read.refused,
        rows=_sum_rows(parts),
        rate=RegionalRow("feedback_rate", rates, rate_of(told), without=without),
        stages=stages,
        availability=_availability(reports),
        differences=tuple(item for part in parts for item in part.differences),
        earlier=tuple(earlier),
        indicators=_numbers(indicators),
        incidents=exact_incidents(_annexes(read), period),
    )


def _public(
    read: ReadReports,
    period: Period,
    parts: Sequence[ExactHalf],
    indicators: Indicators,
    earlier: Sequence[RegionalEarlier],
) -> RegionalReport:
    documents = of_one_bound([report.document for report in read.reports])
    rows, differences = public_rows(documents)
    hours = {name: _hours(name, parts, _who_tells(name, documents)) for name in STAGES} if parts else None
    feedback = {code: found for code, found in _feedback(read.reports).items() if found is not None} if parts else None
    least = max(document.smallest for document in documents)
    return RegionalReport(
        edition="public",
        period=str(period),
        since=period.start,
        to=period.end,
        reports=_counted(read),
        refused=read.refused,
        rows=rows,
        rate=public_rate(documents, feedback),
        stages=public_stages(documents, rows, hours, least),
        availability=tuple(
            RegionalAvailability(
                document.jurisdiction,
                document.node_id,
                next((item.share for item in document.nodes if item.node_id == document.node_id), NO_DATA),
                NO_DATA,
            )
            for document in documents
        ),
        differences=differences,
        earlier=tuple(earlier),
        indicators=_numbers(indicators),
        incidents=public_incidents(_annexes(read), period),
    )


def _without_contradiction(public: RegionalReport, restricted: RegionalReport) -> RegionalReport:
    """Where sides differ in which half-year they count a hit, what they tell can miss the truth: then nothing is told
    of that figure."""
    rows = []
    for row, truth in zip(public.rows, restricted.rows, strict=True):
        cells = {
            key: figure if _holds(figure, truth.cells.get(key)) else HELD_BACK for key, figure in row.cells.items()
        }
        total = row.total if _holds(row.total, truth.total) else HELD_BACK
        across = row.across if row.across is None or _holds(row.across, truth.across) else HELD_BACK
        rows.append(replace(row, cells=cells, total=total, across=across))
    return replace(public, rows=tuple(rows))


def _holds(told: Figure, truth: Figure | None) -> bool:
    if truth is None or truth.low is None or truth.high is None or told.low is None or told.high is None:
        return True
    return told.low <= truth.low and truth.high <= told.high


def _sum_rows(parts: Sequence[ExactHalf]) -> tuple[RegionalRow, ...]:
    """A year is the sum of its half-years; what stands at an end, of the last one. Who has no data of one half-year has
    none of the year."""
    rows = []
    for number, last in enumerate(parts[-1].rows):
        found = [last] if last.id in AT_THE_END else [part.rows[number] for part in parts]
        keys = list(dict.fromkeys(key for row in found for key in row.cells))
        cells = {key: told_sum([row.cells[key] for row in found if key in row.cells]) for key in keys}
        rows.append(summed_row(last.id, cells, tuple(dict.fromkeys(code for row in found for code in row.without))))
    return tuple(rows)


def _who_tells(stage: str, documents: Sequence[Document]) -> frozenset[str]:
    """Without those whose own public edition has no data of it: theirs are in no sum either."""
    return frozenset(document.jurisdiction for document in documents if document.stages[stage][0] != NO_DATA)


def _hours(stage: str, parts: Sequence[ExactHalf], whose: Container[str] | None = None) -> tuple[float, ...]:
    """Of all together, or of ``whose``."""
    return tuple(
        hours
        for part in parts
        for code, found in part.hours[stage].items()
        if whose is None or code in whose
        for hours in found
    )


def _feedback(reports: Sequence[VerifiedReport]) -> dict[str, tuple[int, int] | None]:
    """Of each, how often it gave feedback, and how often it is missing; None of whoever has no data."""
    return {report.jurisdiction: feedback_of(report.halves) for report in reports}


def _availability(reports: Sequence[VerifiedReport]) -> tuple[RegionalAvailability, ...]:
    seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
    own: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for report in reports:
        for half in report.halves:
            for item in half.availability:
                (own if item.node == report.node_id else seen)[item.node].append((item.asked, item.answered))
    return tuple(
        RegionalAvailability(
            report.jurisdiction, report.node_id, _share(own[report.node_id]), _share(seen[report.node_id])
        )
        for report in reports
    )


def _share(found: Sequence[tuple[int, int]]) -> Figure:
    asked, answered = (sum(pair[end] for pair in found) for end in (0, 1))
    return exact(round(min(answered / asked, 1), 4)) if asked else NO_DATA


def _counted(read: ReadReports) -> tuple[CountedReport, ...]:
    return tuple(
        CountedReport(
            node=report.node_id,
            jurisdiction=report.jurisdiction,
            sha256=report.sha256,
            approval=report.approval,
            fingerprint=report.fingerprint,
            smallest=report.document.smallest,
            exact=bool(report.halves),
        )
        for report in read.reports
    )


def _annexes(read: ReadReports) -> dict[str, tuple[VerifiedAnnex, ...]]:
    return {report.jurisdiction: report.annexes for report in read.reports}


def _numbers(indicators: Indicators) -> dict[str, Indicator]:
    goals = {name: definition.goal for name, definition in (*DEFINITIONS.items(), *STAGES.items())}
    goals |= {"feedback_rate": FEEDBACK_RATE.goal, "availability": AVAILABILITY.goal}
    return {name: indicators.of(name, goal) for name, goal in goals.items()}
