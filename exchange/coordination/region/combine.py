"""Make one report of the region out of the reports of its nodes, in two editions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.coordination.half_year.figure_definitions import AT_THE_END, AVAILABILITY, FEEDBACK_RATE, STAGES
from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.public_edition import feedback_of
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, exact, middle_and_most, told_sum
from exchange.coordination.region.exact_region import ExactHalf, exact_half
from exchange.coordination.region.indicators import Indicator, Indicators
from exchange.coordination.region.public_region import public_rate, public_rows, public_stages, rate_of
from exchange.coordination.region.region_incidents import exact_incidents, public_incidents
from exchange.coordination.region.regional import (
    CountedReport,
    RegionalAvailability,
    RegionalEarlier,
    RegionalReport,
    RegionalRow,
    RegionalStage,
    summed_row,
)
from exchange.coordination.region_files.bound_annex import VerifiedAnnex
from exchange.coordination.region_files.file_kinds import DEFINITIONS
from exchange.coordination.region_files.read_reports import ReadReports
from exchange.coordination.region_files.report_file import VerifiedReport
from exchange.errors import InvalidInput


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
    public = _public(read, period, parts, indicators, before.get("public", ()))
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
    stages = tuple(RegionalStage(name, *middle_and_most(hours[name]), len(hours[name])) for name in STAGES)
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
        partners=_partners(read),
    )


def _public(
    read: ReadReports,
    period: Period,
    parts: Sequence[ExactHalf],
    indicators: Indicators,
    earlier: Sequence[RegionalEarlier],
) -> RegionalReport:
    documents = [report.document for report in read.reports]
    return RegionalReport(
        edition="public",
        period=str(period),
        since=period.start,
        to=period.end,
        reports=_counted(read),
        refused=read.refused,
        rows=public_rows(documents, parts),
        rate=public_rate(parts),
        stages=public_stages(parts),
        availability=tuple(
            RegionalAvailability(
                document.jurisdiction,
                document.node_id,
                next((item.share for item in document.nodes if item.node_id == document.node_id), NO_DATA),
                NO_DATA,
            )
            for document in documents
        ),
        differences=(),
        earlier=tuple(earlier),
        indicators=_numbers(indicators),
        incidents=public_incidents(_annexes(read), period),
        partners=_partners(read),
    )


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


def _hours(stage: str, parts: Sequence[ExactHalf]) -> tuple[float, ...]:
    return tuple(span for part in parts for half in part.halves for span in half.hours_of(stage))


def _feedback(reports: Sequence[VerifiedReport]) -> dict[str, tuple[int, int] | None]:
    """Of each, how often it gave feedback, and how often it is missing; None of whoever has no data."""
    return {report.jurisdiction: _sum_of([feedback_of(half) for half in report.halves]) for report in reports}


def _sum_of(halves: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    told = [half for half in halves if half is not None]
    return (sum(half[0] for half in told), sum(half[1] for half in told)) if len(told) == len(halves) else None


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


def _partners(read: ReadReports) -> frozenset[str]:
    return frozenset(code for report in read.reports for code in report.document.partners)


def _annexes(read: ReadReports) -> dict[str, tuple[VerifiedAnnex, ...]]:
    return {report.jurisdiction: report.annexes for report in read.reports}


def _numbers(indicators: Indicators) -> dict[str, Indicator]:
    goals = {name: definition.goal for name, definition in (*DEFINITIONS.items(), *STAGES.items())}
    goals |= {"feedback_rate": FEEDBACK_RATE.goal, "availability": AVAILABILITY.goal}
    return {name: indicators.of(name, goal) for name, goal in goals.items()}
