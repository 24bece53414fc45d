"""One simulated region for all tests of a module: six nodes, two half-years and their year, approved and released."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from exchange.coordination.half_year.half_years import Period
from tests.exchange.coordination.region.region_world import H1, H2, YEAR, RegionWorld, Truth, live, start_of_2026

SEED = 7


@dataclass
class Released:
    """The files of each period, and what is true of it."""

    world: RegionWorld
    truth: Truth
    files: dict[Period, list[tuple[str, bytes]]]


@pytest.fixture(scope="module")  # the clock is set for as long as it is in use
def released_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    clock = start_of_2026()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.clock.now", clock)
        world = RegionWorld(tmp_path_factory.mktemp("region"), clock, SEED)
        world.receipts()
        live(world, (H1, H2))
        files: dict[Period, list[tuple[str, bytes]]] = {}
        for period, day in ((H1, datetime(2026, 7, 9, tzinfo=UTC)), (H2, datetime(2027, 1, 9, tzinfo=UTC))):
            world.at(day)
            world.approve(period)
            files[period] = world.files(period)
        world.approve(YEAR)
        files[YEAR] = world.files(YEAR)
        yield Released(world, world.settled(datetime(2027, 1, 1, tzinfo=UTC)), files)
        world.close()
