"""Whose clock is off is said in words, by both sides, and for as long as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from exchange.cli.main import app
from exchange.clock import apart
from exchange.flows.sync.clocks import judge
from exchange.net.probe import clock_ahead
from schemas.vocabulary import Jurisdiction, Role
from tests.chaos.nodes.processes import Process
from tests.exchange.running_nodes import RunningNode, enrol_each_other

DAY_S = 86_400


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [
        (-2 * DAY_S, "2 days behind"),
        (86_400, "24 hours ahead of"),
        (300, "5 minutes ahead of"),
        (-31, "31 seconds behind"),
    ],
)
def test_in_words(ahead_s: float, words: str) -> None:
    assert apart(ahead_s) == words


@pytest.mark.parametrize(
    ("ahead_s", "own", "peers"),
    [
        ({}, False, []),
        ({"ffp-mk": 20}, False, []),
        ({"ffp-mk": 7200}, False, ["ffp-mk"]),
        ({"ffp-mk": 7200, "ffp-xk": 0}, False, ["ffp-mk"]),
        ({"ffp-mk": 7200, "ffp-xk": 7190}, True, []),
        ({"ffp-mk": 7200, "ffp-xk": 7190, "ffp-al": 0}, True, ["ffp-al"]),
        ({"ffp-mk": 7200, "ffp-xk": -7200, "ffp-al": 0}, False, ["ffp-mk", "ffp-xk"]),
        ({"ffp-mk": 7200, "ffp-xk": 90_000}, False, ["ffp-mk", "ffp-xk"]),
    ],
)
def test_whose_it_is(ahead_s: dict[str, float], own: bool, peers: list[str]) -> None:
    found = judge(ahead_s, 30)
    assert ((found.own is not None), sorted(found.peers)) == (own, peers)
    if found.own is not None:
        assert "The clock of this machine is 2 hours behind those of most" in found.own.what


@pytest.mark.slow
def test_a_peer_whose_clock_is_days_off(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    rs, mk = start_node(Jurisdiction.RS, lane_wait_s=1), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    mk.stop()
    clock = tmp_path / "clock"
    clock.write_text(str(-2 * DAY_S))
    home = mk.node.settings.home
    late = Process(
        home,
        mk.node.settings.port,
        {"FFP_NODE_PULL_INTERVAL_S": "0.2", "FFP_NODE_LANE_WAIT_S": "0"},
        program=("tests.chaos.nodes.other_clock", str(clock)),
    )
    behind = "The clock of ffp-mk is 2 days behind this node's; 30 s are allowed"
    with late.running():
        said = rs.wait_for(lambda status: any(behind in alarm for alarm in status["alarms"]), 30)
        assert "telephone the operator of ffp-mk" in " ".join(said["alarms"])
        [listed] = rs.get("/v1/peers", Role.OPERATOR).json()
        assert listed["clock_ahead_s"] == pytest.approx(-2 * DAY_S, abs=30)
        assert any(behind in sentence for sentence in listed["in_words"])
        shown = CliRunner().invoke(app, ["peer", "list", "--home", str(rs.node.settings.home)])
        assert behind in shown.output, shown.output

        def of_rs() -> dict[str, Any]:
            [found] = late.get("/v1/peers", by="operator-1")
            return dict(found)

        until(lambda: "The clock of ffp-rs is 2 days ahead of this node's" in " ".join(of_rs()["in_words"]))
        until(lambda: "The clock of ffp-mk is 2 days behind that of ffp-rs" in (of_rs()["alarm"] or ""))
        clock.write_text("0")
        until(lambda: not clock_alarms(rs))
        until(lambda: of_rs()["alarm"] is None)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def clock_alarms(node: RunningNode) -> list[str]:
    return [alarm for alarm in node.get("/v1/status").json()["alarms"] if "The clock of" in alarm]


@pytest.mark.parametrize(
    "told",
    ["", "yesterday", "Fri, 31 Dec 2026 99999999999999999999:59:59 GMT", "Fri, 31 Dec 2026 23:59:59 +" + "9" * 30],
)
def test_a_time_that_is_none_is_none(told: str) -> None:
    """A peer writes what it likes there; its answer is judged by what it says."""
    assert clock_ahead(httpx.Headers({"Date": told}), 0.0, 0.0) is None


@pytest.mark.parametrize(
    ("second", "ahead_s"), [(0, 0.0), (7, 0.0), (14, 0.0), (-1, -0.5), (15, 0.5), (40, 25.5), (-60, -59.5)]
)
def test_who_waits_for_news_is_not_behind(second: int, ahead_s: float) -> None:
    """Asked at one moment and answered fifteen seconds later: servers date either, and neither tells of a clock."""
    asked = 1_764_450_000.0
    told = formatdate(asked + second, usegmt=True)
    assert clock_ahead(httpx.Headers({"Date": told}), asked, asked + 15) == pytest.approx(ahead_s)
