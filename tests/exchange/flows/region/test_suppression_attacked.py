"""Everything that is published together is attacked: no count that is held back follows from it, nor a narrower range
than that it is small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from exchange.flows.monitoring.counts import Counted, Counts
from exchange.flows.monitoring.definitions import COUNTS, GAPS, HELD, STAGES
from exchange.flows.monitoring.public_edition import FREE_COUNTS, PART_OF, RESTRICTED_ROW, PublicFigures, ToldBefore
from exchange.flows.monitoring.small_counts import RESTRICTED, Figure, Row, Told, told_hours, told_rate, told_row
from tests.exchange.flows.region.attack import Attacked, attack, programme_of
from tests.exchange.flows.region.random_region import Drawn, drawn_region

pytestmark = pytest.mark.slow


def attacked(drawn: Drawn, *, every_value: bool, knows_the_rule: bool = True) -> list[Attacked]:
    programme = programme_of(drawn, knows_the_rule=knows_the_rule)
    for key, value in drawn.true.items():
        if key in programme.low:
            assert programme.low[key] <= value <= programme.high[key], (key, "what is told is true")
    return list(attack(programme, drawn.smallest, every_value))


@pytest.mark.parametrize("tens", range(10))
def test_no_interval_is_narrower_than_small(tens: int, record_property: pytest.RecordProperty) -> None:
    """A hundred regions of six nodes over two or three half-years with their years, in ten runs."""
    cells: Counter[str] = Counter()
    for seed in range(10 * tens, 10 * tens + 10):
        drawn = drawn_region(seed, smallest=(5, 5, 3, 8)[seed % 4], halves=2 + seed % 2)
        found = attacked(drawn, every_value=seed % 5 == 0)
        narrow = [item for item in found if item.impossible]
        assert not narrow, (seed, narrow[:5])
        cells.update(item.key[0] for item in found)
    print(f"regions {10 * tens} to {10 * tens + 9}: {sum(cells.values())} held-back counts attacked, {dict(cells)}")
    record_property("cells_attacked", sum(cells.values()))
    assert sum(cells.values()) > 2000
    assert {"exhibits_entered", "exhibits_searched", "exhibits_shared", "leads", "confirmed_hits"} <= set(cells)


@pytest.mark.parametrize("seed", [3, 11, 42])
def test_nor_where_a_side_has_no_data_and_the_region_tells_the_sum_of_the_others(seed: int) -> None:
    """In the first half-year one node has no data of what it shared, in the second one another: so the year is of fewer
    sides than either."""
    silent = frozenset({(0, "MK"), (1, "RS"), (1, "XK")})
    drawn = drawn_region(seed, halves=2, silent=silent)
    found = attacked(drawn, every_value=True)
    assert not [item for item in found if item.impossible]
    assert sum(item.key[0] == "exhibits_shared" for item in found) > 5
    for period, without in ((drawn.halves[0], ("MK",)), (drawn.halves[1], ("RS", "XK"))):
        row = next(row for row in drawn.region[str(period)] if row.id == "exhibits_shared")
        assert row.without == without
        assert row.total.told in (Told.EXACT, Told.BETWEEN)


@pytest.mark.parametrize("seed", [1, 6])
def test_nor_where_some_nodes_hold_back_more_than_all_must(seed: int) -> None:
    """A count from 5 on that the one side holds back the other one tells; below 5 nothing is narrowed."""
    drawn = drawn_region(seed, halves=2, bounds={"MK": 8, "RS": 12})
    found = attacked(drawn, every_value=True, knows_the_rule=False)
    small = [item for item in found if 0 < drawn.true[item.key] < 5]
    assert len(small) > 50
    assert not [item for item in small if item.impossible]


def test_a_node_that_held_back_less_would_tell_what_others_hide() -> None:
    """So a node's setting is no lower than the bound of all (docs/adr/0047-one-bound-of-small-counts.md)."""
    drawn = drawn_region(2, halves=2, bounds={"MK": 3})
    told = {
        (code, column)
        for code in ("AL", "BA", "ME", "RS", "XK")
        for column, figure in drawn.documents[0, code].counts["leads"].cells.items()
        if column == "MK"
        and figure == Figure(Told.BETWEEN, 1, 4)
        and drawn.documents[0, "MK"].counts["leads"].cells[code] != Figure(Told.BETWEEN, 1, 4)
    }
    assert told, "hits with North Macedonia whose number it tells, or narrows"
    found = attacked(drawn, every_value=True, knows_the_rule=False)
    assert {item.key[0] for item in found if item.impossible and 0 < drawn.true[item.key] < 5} >= {"leads"}
    region = next(row for row in drawn.region[str(drawn.halves[0])] if row.id == "leads")
    assert {region.cells["-".join(sorted(pair))] for pair in told} == {Figure(Told.BETWEEN, 1, 4)}


def rule_of_before(
    counted: Counted, gaps: Mapping[str, Counts], smallest: int, earlier: Sequence[ToldBefore]
) -> PublicFigures:
    """Each small count by itself, as decision 16 had it."""
    del earlier
    told = (*FREE_COUNTS, *PART_OF, "feedback_given", "feedback_missing")
    counts = {
        name: told_row(counted.counts[name], smallest)
        if name in told
        else Row(dict.fromkeys(counted.counts[name], RESTRICTED), RESTRICTED)
        for name in COUNTS
    }
    rate = told_rate(counts["feedback_given"].total, counts["feedback_missing"].total)
    return PublicFigures(
        counts=counts,
        rate=Row({}, rate),
        stages={name: told_hours(counted.hours[name], smallest) for name in STAGES},
        gaps={name: told_row(gaps[name], smallest) for name in GAPS},
        held=dict.fromkeys(HELD, RESTRICTED_ROW),
    )


def test_the_rule_of_before_is_broken_by_this_attack() -> None:
    drawn = drawn_region(0, halves=2, rule=rule_of_before)
    narrow = [item for item in attacked(drawn, every_value=False, knows_the_rule=False) if item.impossible]
    assert {"confirmed_hits", "feedback_missing", "no_line"} <= {item.key[0] for item in narrow}
    known = [item for item in narrow if item.least == item.greatest and item.least in range(1, 5)]
    assert known, "some of them are known to be exactly what they are"
