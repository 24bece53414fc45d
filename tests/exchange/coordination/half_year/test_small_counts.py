"""What a node publishes by itself: classes, and counts that are not small. What follows from all that is published:
tests/exchange/coordination/region/test_insiders.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exchange.config import Settings
from exchange.coordination.half_year.public_edition import (
    HOUR_CLASSES,
    OWN_STAGES,
    RATE_CLASSES,
    class_of,
    contributed_rate,
    public_figures,
    stage_classes,
)
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import (
    HELD_BACK,
    NO_DATA,
    Figure,
    Told,
    exact,
    middle_and_most,
    nearest_rank,
    told_count,
    told_sum,
)
from tests.exchange.coordination.region.exact_rows import exact_parts

DAY, TWO_DAYS, TEN_DAYS, MONTH, MORE = HOUR_CLASSES
FEW = Figure(Told.BETWEEN, 1, 4)


def half(entered: int | None, hours: Sequence[float] = (), given: int = 0, missing: int = 0) -> RestrictedHalf:
    """With the same hours for each stage, and one partner."""
    feedback = {"feedback_given": {"MK": given}, "feedback_missing": {"MK": missing}}
    parts = exact_parts({"exhibits_entered": {"RS": entered}, **feedback})
    parts["stages"] = [stage | {"hours": hours} for stage in parts["stages"]]
    fields: dict[str, Any] = {
        "format": "ffp-monitoring-restricted/1",
        "edition": "restricted",
        "period": "2026H2",
        "counted_to": "2027-01-01T00:00:00Z",
        "begun": None,
        "node": "ffp-rs",
        "jurisdiction": "RS",
        "partners": ["MK"],
        "smallest_count_told": 5,
        "terms_h": {},
        **parts,
        "availability": (),
        "links": (),
        "salt": "0" * 64,
        "note": "",
    }
    return RestrictedHalf.model_validate(fields)


def test_a_count_is_published_unless_it_is_small() -> None:
    assert [told_count(count, 5) for count in (None, 0, 1, 4, 5)] == [NO_DATA, exact(0), FEW, FEW, exact(5)]
    assert told_sum([exact(0), FEW, exact(7)]) == Figure(Told.BETWEEN, 8, 11)
    assert told_sum([exact(7), NO_DATA]) == told_sum([]) == NO_DATA


def test_the_classes_have_the_terms_of_the_field_as_borders() -> None:
    found = {hours: class_of(hours, HOUR_CLASSES) for hours in (0, 23.99, 24, 48, 239.99, 240, 719.99, 720, 10**6)}
    assert list(found.values()) == [DAY, DAY, TWO_DAYS, TEN_DAYS, TEN_DAYS, MONTH, MONTH, MORE, MORE]
    assert [class_of(rate, RATE_CLASSES).low for rate in (0, 0.499, 0.5, 0.799, 0.8, 1)] == [0, 0, 0.5, 0.5, 0.8, 0.8]


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=30))
def test_times_follow_from_the_class_of_each_span(hours: list[float]) -> None:
    """So a span of the same class gives the same publication."""
    lows = [class_of(span, HOUR_CLASSES).low or 0.0 for span in hours]
    assert stage_classes(hours) == stage_classes(lows)
    median, most = stage_classes(hours)
    assert median.low == nearest_rank(lows, 0.5)
    assert most.low == nearest_rank(lows, 0.9)


def test_a_node_gives_its_times_where_they_are_enough_and_narrow_no_count() -> None:
    five = [1.0, 2.0, 30.0, 40.0, 900.0]
    assert public_figures([half(5, five)]).stages == dict.fromkeys(OWN_STAGES, (TWO_DAYS, MORE))
    assert set(public_figures([half(5, five[:4])]).stages.values()) == {(HELD_BACK, HELD_BACK)}
    few = public_figures([half(4, five)])
    assert few.entered == FEW
    assert few.stages["search"] == few.stages["first_review"] == (HELD_BACK, HELD_BACK), "else there were 5 exhibits"
    assert few.stages["decision"] == (TWO_DAYS, MORE), "of releases no count is published"
    assert public_figures([half(None)]).stages["search"] == (NO_DATA, NO_DATA)


def test_a_year_is_made_of_the_parts_of_its_half_years() -> None:
    few, enough = half(3, [900.0] * 3), half(9, [1.0] * 5)
    year = public_figures([few, enough])
    assert year.entered == Figure(Told.BETWEEN, 10, 13)
    assert year.stages["search"] == (DAY, DAY), "the first half-year gives none"
    assert public_figures([half(None), enough]).entered == NO_DATA


def test_a_node_gives_its_feedback_rate_where_enough_fell_due() -> None:
    assert contributed_rate(half(9, given=3, missing=1)) is None
    assert contributed_rate(half(9, given=4, missing=1)) == Figure(Told.BETWEEN, 0.8, 1.0)
    assert contributed_rate(half(9, given=0, missing=5)) == Figure(Told.BETWEEN, 0.0, 0.5)


def test_exact_median_and_percentile() -> None:
    assert middle_and_most([]) == (NO_DATA, NO_DATA)
    assert middle_and_most([4, 1, 2.25]) == (exact(2.2), exact(4))
    assert middle_and_most(range(1, 11)) == (exact(5.5), exact(9))


@pytest.mark.parametrize("smallest", [0, 1, 2, 3, 4, 51])
def test_a_bound_below_that_of_all_others_is_no_setting(smallest: int, tmp_path: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(
            home=tmp_path, jurisdiction="RS", node_id="ffp-rs", url="http://127.0.0.1:9", monitoring_smallest=smallest
        )
