"""What a head may approve and tell, and what of it nobody believes: a total that is not that of its cells, a figure
that is told as it cannot be, a row twice, and hours of what there is no data of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.flows.monitoring.half_years import Period
from exchange.flows.monitoring.report import find_approved
from exchange.flows.monitoring.restricted_edition import BLOCK
from exchange.flows.monitoring.small_counts import Told
from exchange.flows.region.combine import combine_reports
from exchange.flows.region.indicators import shipped_indicators
from exchange.flows.region.read_reports import read_reports
from exchange.flows.region.untrusted import read_public
from schemas.errors import ContractError
from schemas.vocabulary import Role
from tests.exchange.flows.region.conftest import Released
from tests.exchange.flows.region.region_world import CODES, H1, H2, YEAR
from tests.exchange.flows.region.test_refusals import only, refused, signed_anew, who

pytestmark = pytest.mark.slow


def editions_of(region: Released, code: str, period: Period) -> tuple[Any, Any]:
    approved = find_approved(region.world.nodes[code], period)
    assert approved is not None
    assert approved.editions is not None
    return json.loads(approved.editions.public), json.loads(approved.editions.restricted)


def row_of(public: Any, name: str) -> Any:
    rows = (*public["indicators"], *public["harmonisation_gap"], *public["held_under_earlier_line"])
    return next(row for row in (*rows, public["feedback_rate"], *public["stages"]) if row["id"] == name)


def filled_up(restricted: Any) -> bytes:
    text = json.dumps(restricted, separators=(",", ":")).encode()
    return text + b" " * (-(len(text) + 1) % BLOCK) + b"\n"


def test_what_every_node_tells_is_read(released_region: Released) -> None:
    for period in (H1, H2, YEAR):
        for code in CODES:
            public, _ = editions_of(released_region, code, period)
            assert read_public(json.dumps(public).encode()).jurisdiction == code


@pytest.mark.parametrize("period", [H2, YEAR], ids=str)
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("exhibits_entered", {"told": "exact", "value": 10**9}),
        ("exhibits_entered", {"told": "exact", "value": 0}),
        ("exhibits_entered", {"told": "held_back"}),
        ("exhibits_entered", {"told": "restricted"}),
        ("leads", {"told": "between", "low": 0, "high": 10**6}),
        ("confirmed_hits", {"told": "restricted"}),
        ("no_line", {"told": "exact", "value": 10**6}),
        ("overdue_answers", {"told": "exact", "value": 7}),
        ("held_open", {"told": "held_back"}),
        ("held_open", {"told": "exact", "value": 9}),
    ],
)
def test_a_total_is_that_of_its_cells(released_region: Released, period: Period, name: str, told: Any) -> None:
    public, _ = editions_of(released_region, "RS", period)
    row_of(public, name)["total"] = told
    with pytest.raises(ContractError, match=f"the total of {name} is not that of its cells"):
        read_public(json.dumps(public).encode())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("exhibits_entered", "held_back"),
        ("exhibits_entered", "restricted"),
        ("leads", "held_back"),
        ("leads", "restricted"),
        ("exhibits_searched", "restricted"),
        ("overdue_first_reviews", "no_data"),
        ("feedback_missing", "held_back"),
    ],
)
def test_a_cell_is_told_as_the_rule_can_tell_it(released_region: Released, name: str, told: str) -> None:
    """One that is held back without need would blank the sum of all sides."""
    public, _ = editions_of(released_region, "RS", H2)
    row = row_of(public, name)
    row["cells"]["RS" if "RS" in row["cells"] else "MK"] = {"told": told}
    row["total"] = {"told": told}
    with pytest.raises(ContractError, match=f"{name} is told as it cannot be"):
        read_public(json.dumps(public).encode())


@pytest.mark.parametrize(
    ("name", "field", "told"),
    [
        ("feedback_rate", "total", {"told": "restricted"}),
        ("feedback_rate", "total", {"told": "between", "low": 0, "high": 1}),
        ("search", "median", {"told": "restricted"}),
        ("dissemination", "median", {"told": "no_data"}),
        ("verification", "percentile_90", {"told": "exact", "value": 3}),
    ],
)
def test_so_are_the_rate_and_the_times(released_region: Released, name: str, field: str, told: Any) -> None:
    public, _ = editions_of(released_region, "RS", H2)
    row_of(public, name)[field] = told
    with pytest.raises(ContractError, match=f"{name} is told as it cannot be"):
        read_public(json.dumps(public).encode())


def test_a_row_that_stands_twice_or_is_left_out_is_refused(released_region: Released) -> None:
    for name, twice in (("exhibits_entered", True), ("feedback_missing", False)):
        public, restricted = editions_of(released_region, "RS", H2)
        public["feedback_rate"]["total"] = {"told": "held_back"}
        rows = restricted["indicators"]
        (at,) = [number for number, row in enumerate(rows) if row["id"] == name]
        rows[at : at + 1] = [{**rows[at], "cells": {"RS": 0}}, rows[at]] if twice else []
        parts = {"public": json.dumps(public).encode(), "restricted": filled_up(restricted)}
        item = only(refused(released_region, ("rs-x.json", signed_anew(released_region, "RS", H2, Role.HEAD, **parts))))
        assert item.code == "forged"
        assert "indicators has other figures than this format has" in item.why


def test_the_hours_of_a_side_that_says_no_data_are_in_no_time_of_the_region(released_region: Released) -> None:
    public, restricted = editions_of(released_region, "RS", H2)
    search = row_of(public, "search")
    search["median"] = search["percentile_90"] = {"told": "no_data"}
    next(stage for stage in restricted["stages"] if stage["id"] == "search")["hours"] = [999999.0] * 1000
    parts = {"public": json.dumps(public).encode(), "restricted": filled_up(restricted)}
    data = signed_anew(released_region, "RS", H2, Role.HEAD, **parts)
    telling = [
        (name, data)
        for name, data in released_region.files[H2]
        if name != "rs.json"
        and row_of(editions_of(released_region, name[:2].upper(), H2)[0], "search")["median"]["told"] == "exact"
    ]
    assert len(telling) > 2

    def times(files: list[tuple[str, bytes]], edition: str) -> Any:
        read = read_reports(files, H2, who(released_region), released_region.world.recipient)
        assert not read.refused
        made = getattr(combine_reports(read, H2, shipped_indicators()), edition)
        return next((stage.median, stage.most) for stage in made.stages if stage.id == "search")

    assert times(telling, "public")[0].told is Told.EXACT
    assert times([*telling, ("rs.json", data)], "public") == times(telling, "public")
    assert times([*telling, ("rs.json", data)], "restricted")[0].low == 999999
