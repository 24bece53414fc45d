"""Small counts are held back so that nothing released tells them: how one figure is told, and that a whole document
reads the same for other small counts. What follows from all that is published: `tests/exchange/flows/region`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from exchange.config import Settings
from exchange.flows.monitoring.counts import Counted
from exchange.flows.monitoring.definitions import COUNTS, GAPS, HELD, STAGES
from exchange.flows.monitoring.document import document_of, write_document
from exchange.flows.monitoring.gap import Gap
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.public_edition import FREE_COUNTS, PART_OF, told_part
from exchange.flows.monitoring.rows import HalfYearRows
from exchange.flows.monitoring.small_counts import (
    HELD_BACK,
    NO_DATA,
    Figure,
    Told,
    exact,
    told_count,
    told_hours,
    told_rate,
    told_row,
)

pytestmark = pytest.mark.slow

PARTNERS = ("AL", "MK", "XK")
SMALLEST = st.integers(3, 8)
TABLE = st.dictionaries(st.sampled_from(["RS", *PARTNERS]), st.integers(0, 20), min_size=1)


def consistent(shown: Mapping[str, Figure], total: Figure) -> list[dict[str, int]]:
    """Every table that the released cells and their sum allow, as somebody with a pencil would find them."""
    names = list(shown)
    ranges = [range(int(figure.low or 0), int(figure.high or 0) + 1) for figure in shown.values()]
    return [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*ranges)
        if (total.low or 0) <= sum(values) <= (total.high or 0)
    ]


@given(TABLE, SMALLEST)
def test_no_small_count_can_be_computed_from_a_sum(counts: dict[str, int], smallest: int) -> None:
    row = told_row(counts, smallest)
    tables = consistent(row.cells, row.total)
    assert counts in tables, "what is told is true"
    for name, count in counts.items():
        possible = {table[name] for table in tables}
        if 0 < count < smallest:
            assert possible == set(range(1, smallest)), "and nobody can tell which it is"
        else:
            assert possible == {count}
            assert row.cells[name] == exact(count)
    small = any(0 < count < smallest for count in counts.values())
    assert (row.total.told is Told.EXACT) == (not small)
    assert (row.total.low or 0) <= sum(counts.values()) <= (row.total.high or 0)


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6), SMALLEST)
def test_nor_from_the_reports_of_all_nodes_together(pairs: list[int], smallest: int) -> None:
    """Four nodes have six pairs; each pair stands in two reports, and each report has a sum."""
    nodes = ("AL", "MK", "RS", "XK")
    edges = dict(zip(itertools.combinations(nodes, 2), pairs, strict=True))
    reports = {
        node: told_row({pair[pair[0] == node]: count for pair, count in edges.items() if node in pair}, smallest)
        for node in nodes
    }
    hidden = [pair for pair, count in edges.items() if 0 < count < smallest]
    for pair, count in edges.items():
        shown = {reports[one].cells[other] for one, other in (pair, pair[::-1])}
        assert shown == {exact(count)} or pair in hidden
    for values in itertools.product((1, smallest - 1), repeat=len(hidden)):
        other = edges | dict(zip(hidden, values, strict=True))
        for node in nodes:
            row = told_row({pair[pair[0] == node]: count for pair, count in other.items() if node in pair}, smallest)
            assert row == reports[node], "whatever the small counts are, all reports together read the same"


def terms(smallest: int) -> Settings:
    found = SimpleNamespace(
        monitoring_smallest=smallest,
        first_review_h=24,
        second_review_h=24,
        dissemination_h=48,
        comparison_answer_h=240,
        feedback_h=720,
    )
    return cast(Settings, found)


def rows() -> HalfYearRows:
    fields: dict[str, Any] = {
        "node_id": "ffp-rs",
        "jurisdiction": "RS",
        "half": Half(2026, 2),
        "moment": Half(2026, 2).end,
        "began_at": "2026-01-01T00:00:00.000Z",
        "partners": {f"ffp-{code.lower()}": code for code in PARTNERS},
        "cases": {},
        "audited_since": None,
        "hours": {},
    }
    empty = ("versions", "said", "sent", "given", "compared", "tasks", "approvals", "queries")
    return HalfYearRows(**fields, **dict.fromkeys(empty, ()))


@settings(max_examples=25)
@given(st.data(), SMALLEST)
def test_the_whole_document_reads_the_same_for_other_small_counts(data: st.DataObject, smallest: int) -> None:
    """Free counts from 1 to below the bound become others of these, and what stands in the restricted edition alone
    becomes anything; parts stay, since what a part may be depends on its whole."""
    count = st.integers(0, 12)
    columns = st.fixed_dictionaries(dict.fromkeys(PARTNERS, count))
    own = st.fixed_dictionaries({"RS": count})
    alone = ("exhibits_entered", "exhibits_searched")
    counts: dict[str, dict[str, int]] = {name: data.draw(own if name in alone else columns) for name in COUNTS}
    for part in PART_OF:
        counts[part] = dict.fromkeys(counts[part], 0)
    gaps = {name: dict.fromkeys(PARTNERS, 0) for name in (*GAPS, *HELD)}
    hours = {name: [1.0] * data.draw(count) for name in STAGES}

    def released(counts: dict[str, dict[str, int]]) -> bytes:
        counted = Counted(counts, hours)
        gap = Gap({name: gaps[name] for name in GAPS}, (), {name: gaps[name] for name in HELD})
        return write_document(document_of(rows(), counted, gap, terms(smallest), (), ()))

    small = st.integers(1, smallest - 1)

    def other(name: str, value: int) -> int:
        if name in FREE_COUNTS:
            return data.draw(small) if 0 < value < smallest else value
        return value if name in PART_OF or name.startswith("feedback") else data.draw(count)

    changed = {name: {column: other(name, value) for column, value in row.items()} for name, row in counts.items()}
    first = released(counts)
    assert released(changed) == first
    told = {item["id"]: item["cells"] for item in json.loads(first)["indicators"]}
    for name in FREE_COUNTS:
        for column, figure in told[name].items():
            assert (figure["told"] == "between") == (0 < counts[name][column] < smallest)
    assert {figure["told"] for figure in told["conclusions"].values()} == {"restricted"}


@given(st.integers(0, 30), st.integers(0, 30), SMALLEST)
def test_a_part_is_told_where_it_narrows_nothing(whole: int, part: int, smallest: int) -> None:
    part = min(part, whole)
    figure = told_part(part, [told_count(whole, smallest)], [], smallest)
    if whole == 0:
        assert figure == exact(0)
    elif part >= smallest and (part == whole or whole - part >= smallest - 1):
        assert figure == exact(part)
    else:
        most = whole if whole >= smallest else smallest - 1
        assert figure == Figure(Told.BETWEEN, 0, most), "the same for a small part and for one that would tell too much"


def test_a_part_of_two_half_years_leaves_room_for_the_hidden_one() -> None:
    nine, none, few = exact(9), exact(0), Figure(Told.BETWEEN, 1, 4)
    hidden = told_part(2, [nine], [], 5)
    assert hidden == Figure(Told.BETWEEN, 0, 9)
    assert told_part(7, [nine, none], [hidden], 5) == Figure(Told.BETWEEN, 0, 9), "else the first would be 2 at most"
    assert told_part(5, [nine, none], [hidden], 5) == exact(5)
    assert told_part(8, [few, few], [Figure(Told.BETWEEN, 0, 4)], 5) == Figure(Told.BETWEEN, 0, 8), "both wholes were 4"


@given(st.integers(0, 12), st.integers(0, 12), SMALLEST)
def test_a_rate_is_told_where_both_of_its_counts_are(given_: int, missing: int, smallest: int) -> None:
    row = told_row({"AL": given_, "MK": missing}, smallest)
    rate = told_rate(row.cells["AL"], row.cells["MK"])
    if any(0 < count < smallest for count in (given_, missing)):
        assert rate == HELD_BACK
    elif given_ + missing == 0:
        assert rate == NO_DATA
    else:
        assert rate == exact(round(given_ / (given_ + missing), 3))


def test_no_data_is_apart_from_nothing_in_a_sum_too() -> None:
    assert told_row({"MK": 0, "XK": 0}, 5).total == exact(0)
    assert told_row({"MK": None, "XK": 7}, 5).total == NO_DATA
    assert told_row({}, 5).total == NO_DATA
    assert told_row({"MK": 2, "XK": 7, "AL": 0}, 5).total == Figure(Told.BETWEEN, 8, 11)


def test_median_and_percentile() -> None:
    assert told_hours([], 3) == (NO_DATA, NO_DATA)
    assert told_hours([1, 2], 3) == (HELD_BACK, HELD_BACK)
    assert told_hours([4, 1, 2.25], 3) == (exact(2.2), exact(4))
    assert told_hours(range(1, 11), 3) == (exact(5.5), exact(9))


@pytest.mark.parametrize("smallest", [0, 1, 2, 3, 4, 51])
def test_a_bound_below_that_of_all_others_is_no_setting(smallest: int, tmp_path: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(
            home=tmp_path, jurisdiction="RS", node_id="ffp-rs", url="http://127.0.0.1:9", monitoring_smallest=smallest
        )
