"""Delays are counted in classes that only grow."""

from __future__ import annotations

import math

import pytest

from exchange.store.database.engine import Store
from exchange.store.scan.candidate_delays import CLASSES_S, delays_within, note_delay

pytestmark = pytest.mark.slow


def test_a_delay_counts_in_its_class_and_in_all_longer_ones(store: Store) -> None:
    for seconds in (-3.0, 1.0, 1.001, 59.9, 10.0**9):
        with store.write() as session:
            note_delay(session, "own", seconds)
    with store.read() as session:
        own, peer = (dict(delays_within(session, origin)) for origin in ("own", "peer"))
    assert list(own) == [*CLASSES_S, math.inf]
    assert [own[limit] for limit in (1, 2, 5, 30, 60, 86_400, math.inf)] == [2, 3, 3, 3, 4, 4, 5]
    assert set(peer.values()) == {0}
