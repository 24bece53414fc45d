"""The drawings of a half-year say what its tables say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.half_year_report import Months
from exchange.coordination.half_year_report.half_year_charts import (
    CHART_WIDE,
    NAMES_WIDE,
    SHADES,
    funnel,
    heat_map,
    month_lines,
    stage_spans,
)
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.conftest import RunningNode
from tests.exchange.web.pages.conftest import Person

PARTNERS = ("MK", "XK")


def counted(**counts: Mapping[str, int | None]) -> Mapping[str, Mapping[str, int | None]]:
    return {name: counts.get(name, dict.fromkeys(PARTNERS, 0)) for name in COUNTS}


def test_a_cell_is_the_darker_the_more_was_counted() -> None:
    drawn = heat_map(PARTNERS, counted(exhibits_shared={"MK": 50, "XK": 10}, leads={"MK": 0, "XK": None}))
    assert drawn is not None
    rows = {row.title: [(cell.words, cell.shade) for cell in row.squares] for row in drawn.rows}
    assert [name for name, _ in drawn.columns] == ["North Macedonia", "Kosovo*"]
    assert rows["Exhibits shared"] == [("50", SHADES), ("10", 1)]
    assert rows["Leads"] == [("0", 0), ("no data", 0)]
    assert rows["Confirmed hits"] == [("0", 0), ("0", 0)]


def test_without_partners_there_is_no_map() -> None:
    assert heat_map((), counted()) is None


def test_what_came_of_what_was_searched_is_of_one_scale() -> None:
    drawn = funnel(counted(exhibits_searched={"RS": 100}, conclusions={"RS": 50, "MK": 0}, leads={"MK": 3}))
    assert [bar.words for bar in drawn.bars] == ["100", "50", "3", "0"]
    searched, concluded, leads, confirmed = drawn.bars
    assert searched.length == CHART_WIDE - NAMES_WIDE - 80 == 2 * concluded.length
    assert 0 < leads.length < concluded.length
    assert confirmed.length == 0


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ([24.0, 24.0, 168.0], "24.0 h, nine of ten within 168.0 h"),
        ([0.0, 0.0, 1e6], "0.0 h, nine of ten within 1,000,000.0 h"),
        ([], "no data"),
    ],
)
def test_a_stage_lies_where_its_times_are(hours: list[float], told: str) -> None:
    drawn = stage_spans(dict.fromkeys(STAGES, hours))
    at, first = dict(drawn.marks), drawn.spans[0]
    assert first.words == told
    match hours:
        case []:
            assert first.median is first.most is None
        case [24.0, *_]:
            assert (first.median, first.most) == (at["1 day"], at["1 week"])
        case _:
            assert (first.median, first.most) == (NAMES_WIDE, CHART_WIDE - 8)


def test_months_are_drawn_once_there_are_two() -> None:
    assert month_lines(Months(("2026-07",), {"leads": (3,)})) == []
    (drawn,) = month_lines(Months(("2026-07", "2026-08"), {"leads": (1, 4)}))
    assert [(bar.label, bar.words) for bar in drawn.bars] == [("07", "1"), ("08", "4")]
    assert drawn.bars[1].length == 4 * drawn.bars[0].length


def test_the_page_shows_them(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    assert node.node.settings.jurisdiction == Jurisdiction.RS
    shown = signed_in(Role.HEAD).get("/app/monitoring").text
    assert "From an exhibit that was searched to a confirmed hit" in shown
    assert "How long each stage takes" in shown
    assert "style=" not in shown
