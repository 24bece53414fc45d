"""Six nodes of `ffp training` over two simulated half-years and their year: approve, combine, publish, pack, by one
command each; every restricted figure of the region is what the simulation knows, and the public report agrees."""

from __future__ import annotations

import base64
import csv
import json
import random
import re
import statistics
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.clock import clock_of_the_past, now
from exchange.coordination.half_year.figure_definitions import STAGES
from exchange.coordination.region_files.file_kinds import LINKED, REGIONAL_FIGURES, SHARED
from exchange.coordination.training.live_past import MOST_HALVES, Fate, plan_half
from exchange.coordination.training.make_past import halves_to_simulate
from exchange.coordination.training.past_truth import FEEDBACK_TERM, STEP_TERM, ExhibitTruth, JoinedTruth, Truth
from exchange.errors import InvalidInput
from schemas.calibre import Calibre, compatible_calibres
from tests.exchange.coordination.training.past_region import (
    CODES,
    PastRegion,
    digits_in,
    line_that_begins,
    past_region,
    true_counts,
    true_hours,
)
from tests.exchange.running_nodes import free_port

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
    assert joined.waits_for(START + STEP_TERM) == set(), "the term is over after it, not at it"
    assert joined.waits_for(START + STEP_TERM + DAY) == {"MK"}
    joined.asked = START + DAY
    assert joined.waits_for(START + STEP_TERM + 2 * DAY) == {"RS"}
    joined.confirmed = START + 2 * DAY
    joined.feedback["MK"] = START + 3 * DAY
    assert joined.waits_for(START + FEEDBACK_TERM + 3 * DAY) == {"RS"}
    joined.retracted = START + 4 * DAY
    assert joined.waits_for(START + FEEDBACK_TERM + 5 * DAY) == set()


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
        assert all(pair.fate in (Fate.LEAD, Fate.CONFIRMED) for pair in busy)


def test_the_past_is_of_half_years_that_are_over() -> None:
    with clock_of_the_past(lambda: datetime(2026, 7, 5, tzinfo=UTC)):
        assert [str(half) for half in halves_to_simulate(2)] == ["2025H1", "2025H2"], (
            "what is kept after an end takes days"
        )
    with clock_of_the_past(lambda: datetime(2026, 7, 15, tzinfo=UTC)):
        assert [str(half) for half in halves_to_simulate(3)] == ["2025H1", "2025H2", "2026H1"]
        with pytest.raises(InvalidInput, match="1 to 4"):
            halves_to_simulate(5)
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60, "after it the clock is the real one again"


# The whole, by commands


EXAMPLE = "2026H1"
"""The half-year that stands in the lines of the page."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastRegion]:
    """As many half-years as it takes to have both of a year that is over."""
    count = 2 if halves_to_simulate(1)[0].number == 2 else 3
    with past_region(tmp_path_factory.mktemp("past"), free_port(), count) as made:
        made.run(line_that_begins("mkdir"))
        made.digits = digits_in(made.run(line_that_begins("ffp region key")))
        yield made


def periods_of(region: PastRegion) -> list[str]:
    first, second = region.halves[:2]
    assert first[:4] == second[:4], "both of one year"
    return [first, second, first[:4]]


def at_node(words: str, code: str, period: str) -> str:
    """The page's line for Serbia and the example's half-year, for another."""
    return re.sub(r"\brs\b", code.lower(), line_that_begins(words)).replace(EXAMPLE, period)


def approve_and_combine(region: PastRegion, period: str, earlier: str | None) -> None:
    """At each node one line, of a half-year one before for the incident annex; at the coordinator's desk one."""
    combine = line_that_begins("ffp region combine")
    for code in CODES:
        if "H" in period:
            assert "Victims" in region.run(at_node("ffp incidents approve", code, period), typed="y\n")
        said = region.run(at_node("ffp report", code, period), typed=f"{region.digits}\ny\n")
        assert "Exhibits entered" in said
        assert "sealed for Regional coordination (made up)" in said
    combine = combine.replace(f"--half {EXAMPLE}", f"--half {period}" if "H" in period else f"--year {period}")
    before = f" --earlier report/region-{earlier}-restricted.json" if earlier is not None and "H" in period else ""
    region.run(combine.replace(EXAMPLE, period) + before)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_approve_combine_publish_pack(region: PastRegion) -> None:
    earlier = None
    compared = told = 0
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
        incidents_are_true(region.truth, period, restricted, public)
        availability_is_true(region.truth, period, restricted)
        told += every_public_figure_holds_the_truth(region.truth, period, public)
    publish(region)
    for half in periods_of(region)[:2]:
        pack(region, half)
    print(f"{compared} restricted figures are the truth; {told} counts of exhibits are exact in public")
    assert compared > 900
    assert told >= len(CODES)


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


def incidents_are_true(
    truth: Mapping[str, Any], period: str, restricted: Mapping[str, Any], public: Mapping[str, Any]
) -> None:
    names = {"use": "incidents", "victims": "victims", "perpetrators": "perpetrators"}
    halves = [half for half in truth["incidents"] if half == period or half[:4] == period]
    told = {item["id"]: item for item in restricted["incidents"]["totals"]}
    ranges = {item["id"]: item for item in public["incidents"]["totals"]}
    for name, true_name in names.items():
        expected = {code: sum(truth["incidents"][half][code][true_name] for half in halves) for code in CODES}
        assert {code: figure["value"] for code, figure in told[name]["cells"].items()} == expected, (period, name)
        assert told[name]["total"]["value"] == sum(expected.values())
        held = ranges[name]["total"]
        low, high = held.get("low", held.get("value")), held.get("high", held.get("value"))
        assert low <= sum(expected.values()) <= high, (period, name)


def publish(region: PastRegion) -> None:
    region.run(line_that_begins("ffp region publish"))
    site = region.desk / "site"
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 10
    in_english = [path.read_text(encoding="utf-8") for path in (site / "en").glob("*.html")]
    assert all("resolution 1244" in page for page in in_english if "Kosovo*" in page)
    assert any("Kosovo*" in page for page in in_english)
    signed = {path.read_bytes() for path in site.rglob("*.json")}
    for period in periods_of(region):
        public = json.loads((region.desk / "reports" / f"rs-{period}.json").read_bytes())["public"]
        assert any(base64.b64decode(public) == data or public.encode() in data for data in signed), period
    whole = b"".join(path.read_bytes() for path in site.rglob("*") if path.is_file())
    for period in periods_of(region):
        sealed = json.loads((region.desk / "reports" / f"rs-{period}.json").read_bytes())["restricted"]["sealed"]
        assert sealed.encode() not in whole, "what is for a named recipient is not on the site, sealed or not"


def pack(region: PastRegion, half: str) -> None:
    """At each node one line, at the coordinator's desk one; who attended is what was entered."""
    for code in CODES:
        said = region.run(at_node("ffp meeting pack", code, half), typed="y\n")
        assert "People who attended" in said
    region.run(line_that_begins("ffp region pack").replace(EXAMPLE, half))
    made = {path.name: path for path in (region.desk / "pack").iterdir() if half in path.name}
    [paper] = [path for name, path in made.items() if name.endswith(".pdf")]
    assert paper.read_bytes().startswith(b"%PDF-")
    [sheet] = [path for name, path in made.items() if name.endswith("-meetings.csv")]
    rows = list(csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines()))
    held = [row for row in rows[1:] if len(row) > 2]
    expected = [people for kind in region.truth["meetings"][half].values() for people in kind.values()]
    assert sorted(int(row[-1]) for row in held) == sorted(expected)


def availability_is_true(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> None:
    halves = [half for half in truth["availability"] if half == period or half[:4] == period]
    for node in report["availability"]["nodes"]:
        for name in ("own", "seen"):
            pairs = [truth["availability"][half][node["jurisdiction"]][name] for half in halves]
            share = sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs)
            assert node[name]["value"] == pytest.approx(share, abs=0.0001), (period, node["jurisdiction"], name)


def every_public_figure_holds_the_truth(truth: Mapping[str, Any], period: str, report: Mapping[str, Any]) -> int:
    """How many are exact."""
    exact = 0
    for row in report["figures"]:
        expected = true_counts(truth, period, row["id"])
        if row["across"] is not None:
            assert not row["cells"], "no pair and no side"
            across = sum(count for key, count in expected.items() if "-" in key)
            assert row["across"] in ({"told": "exact", "value": across}, {"told": "held_back"}), (period, row["id"])
        for key, figure in row["cells"].items():
            low, high = figure.get("low", figure.get("value")), figure.get("high", figure.get("value"))
            assert low <= expected.get(key, 0) <= high, (period, row["id"], key)
            exact += figure["told"] == "exact"
    assert {stage["median"]["told"] for stage in report["stages"]} <= {"between", "held_back"}
    return exact
