"""Everything that is published together is attacked: no count that is held back follows from it, nor a narrower range
than that it is small."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.exchange.flows.region.attack import Attacked, attack, programme_of
from tests.exchange.flows.region.random_region import Drawn, drawn_region

pytestmark = pytest.mark.slow


def attacked(drawn: Drawn, *, every_value: bool) -> list[Attacked]:
    programme = programme_of(drawn)
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
