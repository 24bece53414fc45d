"""What a head may approve and tell, and what of it nobody believes: a figure that is told as it cannot be, a row twice,
and a public edition that does not follow from the exact one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.coordination.half_year.half_year_document import read_document
from exchange.coordination.half_year.half_year_report import find_approved
from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.public_edition import HOUR_CLASSES
from exchange.coordination.half_year.restricted_edition import BLOCK
from exchange.coordination.half_year.small_counts import HELD_BACK
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.read_reports import read_reports
from schemas.errors import ContractError
from schemas.vocabulary import Role
from tests.exchange.coordination.region.region_world import CODES, H1, H2, YEAR
from tests.exchange.coordination.region.releases import Released
from tests.exchange.coordination.region.test_refusals import only, refused, signed_anew, who

pytestmark = pytest.mark.slow


def editions_of(region: Released, code: str, period: Period) -> tuple[Any, Any]:
    approved = find_approved(region.world.nodes[code], period)
    assert approved is not None
    return json.loads(approved.editions.public), json.loads(approved.editions.restricted)


def filled_up(restricted: Any) -> bytes:
    text = json.dumps(restricted, separators=(",", ":")).encode()
    return text + b" " * (-(len(text) + 1) % BLOCK) + b"\n"


def test_what_every_node_tells_is_read(released_region: Released) -> None:
    for period in (H1, H2, YEAR):
        for code in CODES:
            public, _ = editions_of(released_region, code, period)
            assert read_document(json.dumps(public).encode()).jurisdiction == code


@pytest.mark.parametrize("period", [H2, YEAR], ids=str)
@pytest.mark.parametrize(
    "told",
    [
        {"told": "exact", "value": 3},
        {"told": "exact", "value": 7.5},
        {"told": "held_back"},
        {"told": "restricted"},
        {"told": "between", "low": 2, "high": 3},
        {"told": "between", "low": 1, "high": None},
    ],
)
def test_exhibits_are_told_as_the_rule_tells_them(released_region: Released, period: Period, told: Any) -> None:
    public, _ = editions_of(released_region, "RS", period)
    public["exhibits_entered"]["figure"] = told
    with pytest.raises(ContractError, match="exhibits_entered is not told as the rule tells it"):
        read_document(json.dumps(public).encode())


@pytest.mark.parametrize("end", ["median", "percentile_90"])
@pytest.mark.parametrize(
    "told",
    [
        {"told": "exact", "value": 37.2},
        {"told": "restricted"},
        {"told": "between", "low": 37.2, "high": 37.3},
        {"told": "between", "low": 24, "high": 240},
        {"told": "between", "low": 240, "high": None},
    ],
)
def test_times_are_told_in_classes(released_region: Released, end: str, told: Any) -> None:
    public, _ = editions_of(released_region, "RS", H2)
    public["stages"][0][end] = told
    with pytest.raises(ContractError, match="search is not told in the classes of times"):
        read_document(json.dumps(public).encode())


def test_a_figure_that_a_public_edition_has_not_is_refused(released_region: Released) -> None:
    public, _ = editions_of(released_region, "RS", H2)
    for wrong in (public["stages"][:2], [*public["stages"], public["stages"][0]], list(reversed(public["stages"]))):
        with pytest.raises(ContractError, match="other figures than this format has"):
            read_document(json.dumps(public | {"stages": wrong}).encode())
    with pytest.raises(ContractError):
        read_document(json.dumps(public | {"indicators": []}).encode())


def forged(region: Released, public: Any, restricted: Any) -> str:
    parts = {"public": json.dumps(public).encode(), "restricted": filled_up(restricted)}
    item = only(refused(region, ("rs-x.json", signed_anew(region, "RS", H2, Role.HEAD, **parts))))
    assert item.code == "forged"
    return item.why


def test_a_row_that_stands_twice_or_is_left_out_is_refused(released_region: Released) -> None:
    for name, twice in (("exhibits_entered", True), ("feedback_missing", False)):
        public, restricted = editions_of(released_region, "RS", H2)
        rows = restricted["indicators"]
        (at,) = [number for number, row in enumerate(rows) if row["id"] == name]
        rows[at : at + 1] = [{**rows[at], "cells": {"RS": 0}}, rows[at]] if twice else []
        assert "indicators has other figures than this format has" in forged(released_region, public, restricted)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("exhibits_entered", {"told": "exact", "value": 10**6}),
        ("exhibits_entered", {"told": "no_data"}),
        ("search", {"told": "held_back"}),
        ("search", {"told": "no_data"}),
        ("smallest_count_told", 6),
    ],
)
def test_a_public_edition_is_the_one_that_follows_from_the_exact_one(
    released_region: Released, place: str, told: Any
) -> None:
    public, restricted = editions_of(released_region, "RS", H2)
    match place:
        case "exhibits_entered":
            public[place]["figure"] = told
        case "search":
            public["stages"][0] |= {"median": told, "percentile_90": told}
        case _:
            public[place] = told
    assert "contradict each other" in forged(released_region, public, restricted)


def test_extreme_spans_of_one_side_move_no_public_time_beyond_a_class(released_region: Released) -> None:
    """The side that lies has honest editions in all but its hours: what the region tells is still a class."""
    public, restricted = editions_of(released_region, "RS", H2)
    next(stage for stage in restricted["stages"] if stage["id"] == "dissemination")["hours"] = [999999.0] * 1000
    parts = {"public": json.dumps(public).encode(), "restricted": filled_up(restricted)}
    data = signed_anew(released_region, "RS", H2, Role.HEAD, **parts)
    others = [item for item in released_region.files[H2] if item[0] != "rs.json"]
    read = read_reports([*others, ("rs.json", data)], H2, who(released_region), released_region.world.recipient)
    assert not read.refused
    made = combine_reports(read, H2, shipped_indicators())
    assert made.restricted is not None
    told, exactly = (
        next(stage for stage in report.stages if stage.id == "dissemination")
        for report in (made.public, made.restricted)
    )
    assert exactly.most.low == 999999
    assert {told.median, told.most} <= {*HOUR_CLASSES, HELD_BACK}
