"""Six nodes over two half-years: every figure of the restricted regional report is what the simulation knows to be
true, and every range of the public one holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from exchange.coordination.half_year.half_years import Half, Period
from exchange.coordination.half_year.public_edition import HOUR_CLASSES
from exchange.coordination.half_year.restricted_edition import exact_counts
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region_files.file_kinds import LINKED, REGIONAL_FIGURES, SHARED
from exchange.coordination.region_files.read_reports import ReadReports, read_reports
from exchange.coordination.region_files.report_file import Believed
from tests.exchange.coordination.region.region_world import CODES, H1, H2, YEAR, Truth
from tests.exchange.coordination.region.releases import Released

pytestmark = pytest.mark.slow

BY_TRUTH = (
    "exhibits_entered",
    "exhibits_searched",
    "exhibits_shared",
    "exhibits_received",
    "queries_asked",
    "queries_received",
    "conclusions",
    "leads",
    "confirmed_hits",
    "hits_retracted",
    "feedback_given",
    "feedback_missing",
    "releases_approved",
    "releases_refused",
    "leads_first_signed",
)
STAGES_BY_TRUTH = (
    "search",
    "verification",
    "dissemination",
    "confirmation",
    "feedback",
    "decision",
    "answer_given",
    "answer_received",
)


def read(region: Released, period: Period) -> ReadReports:
    who = Believed(fingerprints=region.world.fingerprints())
    return read_reports(region.files[period], period, who, region.world.recipient)


def combined(region: Released, period: Period) -> Combined:
    found = read(region, period)
    assert not found.refused
    assert len(found.accepted) == len(CODES)
    return combine_reports(found, period, shipped_indicators())


def restricted(region: Released, period: Period) -> RegionalReport:
    made = combined(region, period).restricted
    assert made is not None
    return made


def told_exactly(figure: Figure) -> int:
    assert figure.told is Told.EXACT, figure
    return int(figure.low or 0)


def true_counts(truth: Truth, halves: Sequence[Half], name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for half in halves:
        found.update(truth.counts.get((str(half), name), {}))
    return +found


@pytest.mark.parametrize(("period", "halves"), [(H1, [H1]), (H2, [H2]), (YEAR, [H1, H2])], ids=str)
def test_every_restricted_figure_is_the_truth(released_region: Released, period: Period, halves: list[Half]) -> None:
    report = restricted(released_region, period)
    compared = 0
    for name in BY_TRUTH:
        row = report.row(name)
        told = Counter({key: told_exactly(figure) for key, figure in row.cells.items()})
        truth = true_counts(released_region.truth, halves, name)
        assert +told == truth, name
        assert told_exactly(row.total) == sum(truth.values())
        if name in (*LINKED, *SHARED):
            assert row.across is not None
            assert told_exactly(row.across) == sum(count for key, count in truth.items() if "-" in key)
        compared += len(told)
    assert compared > 200
    for name in STAGES_BY_TRUTH:
        stage = next(stage for stage in report.stages if stage.id == name)
        hours = [span for half in halves for span in released_region.truth.hours[str(half), name]]
        assert stage.spans == len(hours), name
        assert stage.spans > 0
        assert stage.median.low == pytest.approx(released_median(hours), abs=0.051), name
    given, missing = (true_counts(released_region.truth, halves, f"feedback_{what}") for what in ("given", "missing"))
    due = sum(given.values()) + sum(missing.values())
    assert report.rate.total.low == round(sum(given.values()) / due, 3)
    assert not report.differences


def released_median(hours: list[float]) -> float:
    ranked = sorted(hours)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2


@pytest.mark.parametrize("period", [H1, H2, YEAR], ids=str)
def test_what_no_truth_is_kept_of_is_the_sum_of_what_the_nodes_counted(
    released_region: Released, period: Period
) -> None:
    reports = read(released_region, period).reports
    report = restricted(released_region, period)
    for name in set(REGIONAL_FIGURES) - set(BY_TRUTH):
        expected = 0
        for found in reports:
            assert found.restricted is not None
            expected += sum(count or 0 for count in exact_counts(found.restricted).get(name, {}).values())
        assert told_exactly(report.row(name).total) == expected, name


@pytest.mark.parametrize("period", [H1, H2, YEAR], ids=str)
def test_every_public_figure_holds_the_truth(released_region: Released, period: Period) -> None:
    made = combined(released_region, period)
    assert made.restricted is not None
    for row in made.public.rows:
        truth = made.restricted.row(row.id)
        if row.across is not None:
            assert row.across == truth.across, "hits are exact, in all"
            assert row.cells == {}
        for figure, true in ((row.cells[key], truth.cells[key]) for key in row.cells):
            assert (figure.low or 0) <= (true.low or 0) <= (figure.high or 0), row.id
    told = [stage for stage in made.public.stages if stage.median in HOUR_CLASSES]
    assert len(told) > 3
    for stage in told:
        assert stage.most in HOUR_CLASSES
    assert made.public.rate.total.told is Told.BETWEEN


def test_a_year_is_the_sum_of_its_halves(released_region: Released) -> None:
    year, first, second = (restricted(released_region, period) for period in (YEAR, H1, H2))
    for row in year.rows:
        if row.id.startswith("overdue"):
            assert row.total == second.row(row.id).total
        else:
            parts = (first.row(row.id).total, second.row(row.id).total)
            assert told_exactly(row.total) == sum(told_exactly(part) for part in parts), row.id
