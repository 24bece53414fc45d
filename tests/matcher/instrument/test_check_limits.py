"""The rule that a check is judged by: limits, drift, uncertainty, and whether it is the specimen at all."""

from __future__ import annotations

import pytest

from matcher.instrument.check_limits import MEASURES, SAME_SPECIMEN, CheckOutcome, LimitSign, Sign, judge_check
from matcher.instrument.specimen_figures import MeasuredFigure

BY_NAME = {measure.name: measure for measure in MEASURES}
SURE = 0.0001


def values(**changes: float) -> dict[str, MeasuredFigure]:
    """Figures as of the first scan itself, but for those that are named."""
    return {one.name: MeasuredFigure(changes.get(one.name, one.target), SURE) for one in MEASURES}


def earlier(**changes: float) -> dict[str, float]:
    return {name: figure.value for name, figure in values(**changes).items()}


def test_what_is_as_it_was_passes() -> None:
    assert judge_check(values()).outcome is CheckOutcome.PASSED
    assert judge_check(values(), [earlier()] * 50).told == ()


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
@pytest.mark.parametrize("side", [-1, 1])
def test_each_figure_has_a_warning_and_an_action_limit(measure: object, side: int) -> None:
    one = next(item for item in MEASURES if item is measure)
    counts = one.side in (0, side)
    for reach, sign, outcome in (
        (0.99 * one.warning, None, CheckOutcome.PASSED),
        (1.01 * one.warning, Sign.WARNING, CheckOutcome.WARNING),
        (0.99 * one.action, Sign.WARNING, CheckOutcome.WARNING),
        (1.01 * one.action, Sign.ACTION, CheckOutcome.FAILED),
    ):
        verdict = judge_check(values(**{one.name: one.target + side * reach}))
        assert verdict.outcome is (outcome if counts else CheckOutcome.PASSED), reach
        assert [told.sign for told in verdict.told] == ([sign] if sign and counts else [])
        assert all(told.measure == one.name for told in verdict.told)


def test_limits_are_in_order_and_have_a_reason() -> None:
    assert all(0.0 < one.warning < one.action and one.reason.endswith(".") for one in MEASURES)


@pytest.mark.parametrize(("correlation", "found"), [(0.949, True), (0.6, True), (0.3, False), (-0.2, False)])
def test_of_what_may_be_another_specimen_nothing_else_is_said(correlation: float, found: bool) -> None:
    verdict = judge_check(values(correlation=correlation, height_ratio=3.0, scale_x=0.5))
    assert verdict.outcome is CheckOutcome.FAILED
    assert verdict.told == (LimitSign("correlation", Sign.ACTION),)
    assert verdict.same_specimen is found
    assert judge_check(values(correlation=SAME_SPECIMEN)).same_specimen is None


def test_a_drift_is_told_by_the_last_five() -> None:
    """Each within its warning limit, the median beyond half of it."""
    high = earlier(height_ratio=1.006)
    assert judge_check(values(height_ratio=1.006), [high] * 3).outcome is CheckOutcome.PASSED, "only four"
    drift = judge_check(values(height_ratio=1.006), [high] * 4)
    assert (drift.outcome, drift.told) == (CheckOutcome.WARNING, (LimitSign("height_ratio", Sign.DRIFT, 1.006),))
    low = judge_check(values(scale_x=0.9985), [earlier(), earlier(), earlier(scale_x=0.998), earlier(scale_x=0.9987)])
    assert [told.sign for told in low.told] == [Sign.DRIFT]
    long_ago = [earlier(height_ratio=1.006)] * 20 + [earlier()] * 4
    assert judge_check(values(height_ratio=1.006), long_ago).outcome is CheckOutcome.PASSED


def test_one_check_that_failed_is_no_drift() -> None:
    assert (
        judge_check(values(), [earlier(), earlier(), earlier(), earlier(scale_x=1.05)]).outcome is CheckOutcome.PASSED
    )


def test_what_is_always_worse_than_the_first_scan_does_not_drift() -> None:
    noise = {"correlation": 0.975, "difference_share": 0.22, "missing": 0.08}
    assert judge_check(values(**noise), [earlier(**noise)] * 9).outcome is CheckOutcome.PASSED


@pytest.mark.parametrize("uncertainty", [None, 0.006])
def test_a_figure_that_says_nothing_is_told(uncertainty: float | None) -> None:
    verdict = judge_check(values() | {"height_ratio": MeasuredFigure(1.0, uncertainty)})
    assert (verdict.outcome, verdict.told) == (CheckOutcome.WARNING, (LimitSign("height_ratio", Sign.UNCERTAIN),))
    assert judge_check(values() | {"height_ratio": MeasuredFigure(1.0, 0.004)}).outcome is CheckOutcome.PASSED
