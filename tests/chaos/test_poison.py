"""A peer that poisons its lane as fast as it can: five minutes long with $FFP_CHAOS=full, else some seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.flows.operate.backup import back_up
from exchange.store.sync.peers import quarantined
from schemas.vocabulary import Jurisdiction
from tests.chaos.sizes import report, sized
from tests.exchange.flows.network import AL, MK, RS, Network, resting
from tests.exchange.flows.sync.test_quarantine import database, poison, read_all, size_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("careless_owner")]
LASTS_S = sized(5, 300)
GROWTH_BYTES = 10_000_000
PADDINGS = (0, 60_000)
"""Many small records, and some as large as a lane takes."""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path / "nodes", Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.AL) as made:
        yield made


def test_five_minutes_of_poison_grow_little_and_others_are_served(network: Network, tmp_path: Path) -> None:
    """Serbia poisons; North Macedonia's operator notes at once whatever stops the lane, which is the worst for it."""
    mk = network.nodes[MK]
    folders = [tmp_path / name for name in ("before", "after")]
    grew, backed_up = size_of(*database(network)), back_up(mk.settings.home, folders[0])
    assert backed_up.missing == []
    served: list[str] = []
    slowest_s, until = 0.0, time.monotonic() + LASTS_S
    while time.monotonic() < until:
        for padding in PADDINGS:
            poison(network, 50, padding=padding)
        read_all(network)
        served += network.share(AL, Jurisdiction.MK)
        begin = time.monotonic()
        network.pull(MK, AL)
        slowest_s = max(slowest_s, time.monotonic() - begin)
    assert network.holds(MK) == set(served)
    with mk.store.read() as session:
        kept = quarantined(session, RS)
    read = network.peer(MK, RS).cursor_count
    sizes = {"database": size_of(*database(network)) - grew}
    sizes["beside it"] = size_of(mk.settings.home) - size_of(*database(network))
    back_up(mk.settings.home, folders[1])
    sizes["backup"] = size_of(folders[1]) - size_of(folders[0])
    report("poison", {"seconds": LASTS_S, "read": read, "told of": kept, "slowest pull of another": slowest_s, **sizes})
    assert read >= 100
    assert sizes["database"] < GROWTH_BYTES
    assert sizes["backup"] < GROWTH_BYTES
