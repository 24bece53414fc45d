"""A node where blind verifications wait, and programs of its people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.flows.blind.blind_world import BlindWorld, three_exhibits
from tests.exchange.flows.network import RS
from tests.exchange.web.rest.programs import Programs, programs_at


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    return three_exhibits(tmp_path_factory.mktemp("three"))


@pytest.fixture
def world(made: BlindWorld, tmp_path: Path) -> Iterator[BlindWorld]:
    with made.copied(tmp_path / "copy") as copy:
        yield copy


@pytest.fixture
def programs(world: BlindWorld) -> Iterator[Programs]:
    with programs_at([world.rs], (), known=True) as found:
        found.tokens = {(RS, name): token for name, token in world.tokens.items()}
        yield found
