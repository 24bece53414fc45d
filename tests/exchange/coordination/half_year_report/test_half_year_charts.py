"""The charts of a half-year say what its tables say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from exchange.coordination.half_year.figure_definitions import COUNTS
from exchange.coordination.half_year.small_counts import NO_DATA, exact
from exchange.coordination.half_year_report.half_year_paper import funnel, heat_map, share_of_axis
from schemas.vocabulary import Role
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.report.charts import texts_of

PARTNERS = ("MK", "XK")


def counted(**counts: Mapping[str, int | None]) -> Mapping[str, Mapping[str, int | None]]:
    return {name: counts.get(name, dict.fromkeys(PARTNERS, 0)) for name in COUNTS}


def test_a_row_for_each_figure_and_a_column_for_each_partner() -> None:
    drawn = heat_map(PARTNERS, counted(exhibits_shared={"MK": 50, "XK": 10}, leads={"MK": 0, "XK": None}))
    assert drawn is not None
    assert heat_map((), counted()) is None
    found = texts_of(drawn)
    assert found[:5] == ["North Macedonia", "Kosovo*", "Exhibits shared", "50", "10"]
    at = found.index("Leads")
    assert found[at : at + 3] == ["Leads", "0", "no data"]


def test_what_came_of_what_was_searched() -> None:
    drawn = funnel(counted(exhibits_searched={"RS": 100}, conclusions={"RS": 50, "MK": 0}, leads={"MK": 3}))
    assert [said for said in texts_of(drawn) if said.isdecimal()] == ["100", "50", "3", "0"]


@pytest.mark.parametrize(("hours", "share"), [(0.0, 0.0), (0.25, 0.0), (8760.0, 1.0), (1e6, 1.0)])
def test_the_axis_of_times_ends_where_times_do_not(hours: float, share: float) -> None:
    assert share_of_axis(exact(hours)) == share
    assert share_of_axis(NO_DATA) is None


def test_the_page_shows_them(signed_in: Callable[[Role], Person]) -> None:
    shown = signed_in(Role.HEAD).get("/app/monitoring").text
    assert shown.count('<svg xmlns="http://www.w3.org/2000/svg" class="chart"') == 2
    assert "style=" not in shown
