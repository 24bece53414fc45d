"""What a record and a file say of an instrument, however long, on each engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import matcher
from matcher.read.origin import Origin
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import databases_fixture
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

databases = databases_fixture("postgresql")


def test_the_longest_words_that_no_index_compresses(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    """Four bytes a letter: an index of PostgreSQL takes 2,704 bytes in a row."""
    drawn = random.Random(1)

    def letters(count: int) -> str:
        return "".join(chr(drawn.randrange(0x20000, 0x2A6DF)) for _ in range(count))

    node = start_node(Jurisdiction.RS)
    path = tmp_path / "scan.x3p"
    origin = Origin(manufacturer=letters(99), model=letters(99), version=letters(199))
    matcher.write_topography(replace(breech_face.draw(1, 1), origin=origin), path)
    stated = {"maker": letters(120), "model": letters(120), "software": letters(120)}
    scan = {"roi": "breech_face", "modality": "topography", "file": "scan", "instrument": stated}
    assert node.submit(path, acquisitions=[scan]).status_code == 201
    node.wait_for(lambda status: not status["acquisitions"].get("queued"))
    assert node.get("/v1/status").json()["acquisitions"] == {"correlated": 1}
