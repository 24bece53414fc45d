"""Six nodes of `ffp training` over two simulated half-years and their year: approve, combine, publish, pack, by one
command each; every restricted figure of the region is what the simulation knows, every public range holds it."""

from __future__ import annotations

import json
import random
import re
import statistics
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.clock import now, shown_by
from exchange.demo.past.make import past_halves
from exchange.demo.past.plan import MOST_HALVES, Fate, plan_half
from exchange.demo.past.truth import FEEDBACK, STEP, ExhibitTruth, JoinedTruth, Truth
from exchange.errors import InvalidInput
from exchange.flows.monitoring.definitions import STAGES
from exchange.flows.region.kinds import LINKED, REGIONAL_FIGURES, SHARED
from schemas.calibre import Calibre, compatible_calibres
from tests.exchange.conftest import free_port
from tests.exchange.demo.past_region import (
    CODES,
    PastRegion,
    digits_in,
    line_that_begins,
    past_region,
    true_counts,
    true_hours,
)

DAY = timedelta(days=1)
START = datetime(2025, 3, 1, tzinfo=UTC)


# The truth counts by rules of its own


def test_a_hit_counts_in_the_half_year_in_which_both_sides_know_it() -> None:
    truth = Truth()
    truth.joined.append(JoinedTruth("RS", "MK", known=datetime(2025, 7, 1, tzinfo=UTC)))
    truth.joined.append(JoinedTruth("RS", "RS", known=datetime(2025, 6, 30, 23, 59, tzinfo=UTC)))
    first, _ = truth.of_half("2025H1")
    second, _ = truth.of_half("2025H2")
    assert first["leads"] == {"RS": 1}
    assert second["leads"] == {"MK-RS": 1}
    assert second["leads_first_signed"] == {"RS": 1}
    assert second["feedback_missing"] == {"MK>RS": 1, "RS>MK": 1}
    assert second["overdue_answers"] == {"MK>RS": 1}, "the side that was told goes on"


def test_who_is_waited_for() -> None:
    joined = JoinedTruth("RS", "MK", known=START)
    assert joined.waits_for(START + STEP) == set(), "the term is over after it, not at it"
    assert joined.waits_for(START + STEP + DAY) == {"MK"}
    joined.asked = START + DAY
    assert joined.waits_for(START + STEP + 2 * DAY) == {"RS"}
    joined.confirmed = START + 2 * DAY
    joined.feedback["MK"] = START + 3 * DAY
    assert joined.waits_for(START + FEEDBACK + 3 * DAY) == {"RS"}
    joined.retracted = START + 4 * DAY
    assert joined.waits_for(START + FEEDBACK + 5 * DAY) == set()


def test_what_is_withdrawn_was_entered_and_is_not_searched() -> None:
    truth = Truth()
    gone = ExhibitTruth("ME", "9 mm Luger", START, searched=START + DAY, withdrawn=START + 2 * DAY)
    kept = ExhibitTruth("ME", "9 mm Luger", START, {"RS": "blocked"}, searched=START + DAY)
    truth.exhibits += [gone, kept]
    counts, hours = truth.of_half("2025H1")
    assert counts["exhibits_entered"] == {"ME": 2}
    assert (counts["exhibits_searched"], counts["records_withdrawn"]) == ({"ME": 1}, {"ME": 1})
    assert (counts["blocked"], hours["search"]) == ({"ME>RS": 1}, [24.0])
    assert "overdue_first_reviews" not in counts, "nobody abroad has one of that calibre"
    truth.exhibits.append(ExhibitTruth("RS", "9 mm Luger", START, given={"ME": START + DAY}))
    assert truth.of_half("2025H1")[0]["overdue_first_reviews"] == {"ME": 1}


# The plan


def test_no_calibre_of_a_half_year_is_compared_with_one_of_another() -> None:
    plans = [plan_half(number, CODES, random.Random(number)) for number in range(MOST_HALVES)]
    kinds = [{calibre for calibre, _ in plan.firearms} | set(plan.calibres) for plan in plans]
    for number, found in enumerate(kinds):
        assert len(found) == 10
        for other in kinds[:number]:
            beside = {item.value for calibre in found for item in compatible_calibres(Calibre(calibre))}
            assert not beside & other
    for plan in plans:
        busy = [pair for pair in plan.pairs if {pair.signed_by, pair.other} == {"MK", "RS"}]
        assert len(busy) == 6
        assert all(pair.fate in (Fate.LEAD, Fate.CONFIRMED) for pair in busy), "so many are told exactly in public"


def test_the_past_is_of_half_years_that_are_over() -> None:
    with shown_by(lambda: datetime(2026, 7, 5, tzinfo=UTC)):
        assert [str(half) for half in past_halves(2)] == ["2025H1", "2025H2"], "what is kept after an end takes days"
    with shown_by(lambda: datetime(2026, 7, 15, tzinfo=UTC)):
        assert [str(half) for half in past_halves(3)] == ["2025H1", "2025H2", "2026H1"]
        with pytest.raises(InvalidInput, match="1 to 4"):
            past_halves(5)
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60, "after it the clock is the real one again"


# The whole, by commands


EXAMPLE = "2026H1"
"""The half-year that stands in the lines of the page."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastRegion]:
    """As many half-years as it takes to have both of a year that is over."""
    count = 2 if past_halves(1)[0].number == 2 else 3
    with past_region(tmp_path_factory.mktemp("past"), free_port(), count) as made:
        made.run(line_that_begins("mkdir"))
        made.digits = digits_in(made.run(line_that_begins("ffp region key")))
        yield made


def periods_of(region: PastRegion) -> list[str]:
    first, second = region.halves[:2]
    assert first[:4] == second[:4], "both of one year"
    return [first, second, first[:4]]


def approve_and_combine(region: PastRegion, period: str, earlier: str | None) -> None:
    """At each node one line; at the coordinator's desk one."""
    approve, combine = line_that_begins("ffp report").replace(EXAMPLE, period), line_that_begins("ffp region combine")
    for code in CODES:
        said = region.run(re.sub(r"\brs\b", code.lower(), approve), typed=f"{region.digits}\ny\n")
        assert "Exhibits entered" in said
        assert "sealed for Regional coordination (made up)" in said
    combine = combine.replace(f"--half {EXAMPLE}", f"--half {period}" if "H" in period else f"--year {period}")
    before = f" --earlier report/region-{earlier}-restricted.json" if earlier is not None and "H" in period else ""
    region.run(combine.replace(EXAMPLE, period) + before)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_approve_combine_publish_pack(region: PastRegion) -> None:
    earlier = None
    compared = told = ranges = 0
    for period in periods_of(region):
        approve_and_combine(region, period, earlier)
        earlier = period
        restricted, public = (
            json.loads((region.desk / "report" / f"region-{period}-{edition}.json").read_bytes())
            for edition in ("restricted", "public")
        )
        assert [item["jurisdiction"] for item in restricted["reports"]] == sorted(CODES)
        assert not restricted["refused"]
        assert not restricted["differences"], "both sides of each pair tell the same"
        compared += every_figure_is_true(region.truth, period, restricted)
        every_stage_is_true(region.truth, period, restricted)
        availability_is_true(region.truth, period, restricted)
        exactly, between = every_range_holds_the_truth(region.truth, period, public)
        told, ranges = told + exactly, ranges + between
    print(f"{compared} restricted figures are the truth; in public {told} are told exactly and {ranges} as ranges")
    assert compared > 900
    assert told > 50
    assert ranges > 100


def every_figure_is_true(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> int:
    rows = {row["id"]: row for row in report["figures"]}
    assert set(rows) == set(REGIONAL_FIGURES)
    compared, wrong = 0, list[Any]()
    for name, row in rows.items():
        expected = true_counts(truth, period, name)
        found = {key: figure.get("value") for key, figure in row["cells"].items()}
        wrong += [
            (period, name, key, found.get(key), expected.get(key, 0))
            for key in found.keys() | expected.keys()
            if found.get(key) != expected.get(key, 0)
        ]
        if row["total"].get("value") != sum(expected.values()):
            wrong.append((period, name, "total", row["total"], sum(expected.values())))
        if name in (*LINKED, *SHARED):
            across = sum(count for key, count in expected.items() if "-" in key)
            wrong += [(period, name, "across")] if row["across"].get("value") != across else []
        compared += len(found) + 1
    assert not wrong, wrong
    return compared


def every_stage_is_true(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> None:
    stages = {stage["id"]: stage for stage in report["stages"]}
    assert set(stages) == set(STAGES)
    for name, stage in stages.items():
        hours = true_hours(truth, period, name)
        assert stage["spans"] == len(hours), (period, name)
        assert hours, (period, name, "something of each stage happens in each half-year")
        assert stage["median"]["value"] == pytest.approx(statistics.median(hours), abs=0.051), (period, name)
    given, missing = (sum(true_counts(truth, period, f"feedback_{what}").values()) for what in ("given", "missing"))
    assert report["feedback_rate"]["total"]["value"] == round(given / (given + missing), 3)


def availability_is_true(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> None:
    halves = [half for half in truth["availability"] if half == period or half[:4] == period]
    for node in report["availability"]["nodes"]:
        for name in ("own", "seen"):
            pairs = [truth["availability"][half][node["jurisdiction"]][name] for half in halves]
            share = sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs)
            assert node[name]["value"] == pytest.approx(share, abs=0.0001), (period, node["jurisdiction"], name)


def every_range_holds_the_truth(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> tuple[int, int]:
    told = ranges = 0
    for row in report["figures"]:
        expected = true_counts(truth, period, row["id"])
        cells = {"total": sum(expected.values()), **{key: expected.get(key, 0) for key in row["cells"]}}
        for key, true in cells.items():
            figure = row["total"] if key == "total" else row["cells"][key]
            match figure["told"]:
                case "exact":
                    assert figure["value"] == true, (period, row["id"], key)
                    told += 1
                case "between":
                    assert figure["low"] <= true <= figure["high"], (period, row["id"], key)
                    ranges += 1
    for stage in report["stages"]:
        if stage["median"]["told"] == "exact":
            hours = true_hours(truth, period, stage["id"])
            assert stage["median"]["value"] == pytest.approx(statistics.median(hours), abs=0.051)
    return told, ranges
