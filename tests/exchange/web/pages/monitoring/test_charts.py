"""The drawings of a half-year say what its tables say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.months import Months
from exchange.flows.monitoring.report import draft
from exchange.flows.monitoring.small_counts import HELD_BACK, NO_DATA, Figure, exact, told_row
from exchange.web.pages.monitoring.charts import (
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


@pytest.fixture
def document(node: RunningNode) -> Document:
    """Of a node with two partners, as far as a document tells."""
    found = draft(node.node, Half.of(datetime.now(UTC))).document
    return replace(found, partners=("MK", "XK"))


def counted(document: Document, **counts: Mapping[str, int | None]) -> Document:
    none = dict.fromkeys(document.partners, 0)
    rows = {name: told_row(counts.get(name, none), document.smallest) for name in document.counts}
    return replace(document, counts=rows)


def test_a_cell_is_the_darker_the_more_is_told_of_it(document: Document) -> None:
    drawn = heat_map(counted(document, exhibits_shared={"MK": 50, "XK": 10}, leads={"MK": 0, "XK": 3}))
    assert drawn is not None
    rows = {row.title: [(cell.words, cell.shade) for cell in row.squares] for row in drawn.rows}
    assert [name for name, _ in drawn.columns] == ["North Macedonia", "Kosovo*"]
    assert rows["Exhibits shared"] == [("50", SHADES), ("10", 1)]
    assert rows["Leads"] == [("0", 0), ("1–4", SHADES)]
    assert rows["Confirmed hits"] == [("0", 0), ("0", 0)]


def test_without_partners_there_is_no_map(document: Document) -> None:
    assert heat_map(replace(document, partners=())) is None


def test_what_came_of_what_was_searched_is_of_one_scale(document: Document) -> None:
    drawn = funnel(counted(document, exhibits_searched={"RS": 100}, conclusions={"RS": 50, "MK": 0}, leads={"MK": 3}))
    assert [bar.words for bar in drawn.bars] == ["100", "50", "1–4", "0"]
    searched, concluded, leads, confirmed = drawn.bars
    assert searched.length == CHART_WIDE - NAMES_WIDE - 80 == 2 * concluded.length
    assert leads.sure < leads.length < concluded.length
    assert confirmed.length == 0


@pytest.mark.parametrize(
    ("median", "most", "told"),
    [
        (exact(24.0), exact(168.0), "24.0 h, nine of ten within 168.0 h"),
        (exact(0.0), exact(1e6), "0.0 h, nine of ten within 1,000,000.0 h"),
        (HELD_BACK, HELD_BACK, "held back"),
        (NO_DATA, NO_DATA, "no data"),
    ],
)
def test_a_stage_lies_where_its_times_are(document: Document, median: Figure, most: Figure, told: str) -> None:
    drawn = stage_spans(replace(document, stages=dict.fromkeys(document.stages, (median, most))))
    at, first = dict(drawn.marks), drawn.spans[0]
    assert first.words == told
    if median == exact(24.0):
        assert (first.median, first.most) == (at["1 day"], at["1 week"])
    elif median.low is not None:
        assert (first.median, first.most) == (NAMES_WIDE, CHART_WIDE - 8)
    else:
        assert first.median is first.most is None


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
