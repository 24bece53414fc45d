"""One region for all tests of a module: six nodes whose two half-years are over, with all that they sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exchange.coordination.region_files.report_file import Believed, DeskKeys
from tests.exchange.coordination.meetings.pack.pack_world import live_two_halves
from tests.exchange.coordination.region.region_world import RegionWorld, start_of_2026

Files = list[tuple[str, bytes]]
SEED = 7


@dataclass
class Sent:
    """``reports`` and ``inputs`` by half-year."""

    world: RegionWorld
    files: dict[str, Files]

    @property
    def keys(self) -> DeskKeys:
        return DeskKeys(Believed(fingerprints=self.world.fingerprints()), self.world.recipient)

    @property
    def without_key(self) -> DeskKeys:
        return DeskKeys(Believed(fingerprints=self.world.fingerprints()), None)

    @property
    def all(self) -> Files:
        return [item for files in self.files.values() for item in files]


@pytest.fixture(scope="module")  # the clock is set for as long as it is in use
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    clock = start_of_2026()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.clock.now", clock)
        world = RegionWorld(tmp_path_factory.mktemp("pack"), clock, SEED)
        yield Sent(world, live_two_halves(world))
        world.close()
