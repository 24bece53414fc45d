"""A node where blind verifications wait, and programs of its people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exchange.flows.blind.blind_world import BlindWorld
from tests.exchange.flows.network import RS
from tests.exchange.web.rest.programs import Programs, programs_at


@pytest.fixture
def programs(world: BlindWorld) -> Iterator[Programs]:
    with programs_at([world.rs], (), known=True) as found:
        found.tokens = {(RS, name): token for name, token in world.tokens.items()}
        yield found
