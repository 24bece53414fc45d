"""Nonces of peers' requests: each is taken once, whatever the clock of this machine does."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from exchange.clock import from_posix
from exchange.errors import RequestReplayed
from exchange.store.database.engine import Store
from exchange.store.operate.newest_row import newest_row
from exchange.store.sync.nonces import check_nonce, remember_nonce
from exchange.store.tables.peer_tables import NonceRow

NOW, LIFE_S, SKEW_S, DAY_S = 1_700_000_000, 60, 30, 86_400


def take(store: Store, nonce: str, created: int, *, now: int, key: str = "mk", skew_s: int = SKEW_S) -> None:
    with store.write() as session:
        remember_nonce(session, key, nonce, expires=created + LIFE_S, now=now, skew_s=skew_s)


def count(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(NonceRow)) or 0


def test_nonces_are_forgotten_once_their_requests_have_expired(store: Store) -> None:
    for second in range(0, 600, 10):
        take(store, str(second), NOW + second, now=NOW + second)
    assert count(store) == (LIFE_S + SKEW_S) // 10 + 1


def test_a_clock_that_was_ahead_and_is_set_back_brings_no_request_back(store: Store) -> None:
    take(store, "one", NOW, now=NOW)
    take(store, "two", NOW + DAY_S, now=NOW + DAY_S, key="al")
    assert count(store) == 1
    with pytest.raises(RequestReplayed):
        take(store, "one", NOW, now=NOW + 1)
    with store.read() as session, pytest.raises(RequestReplayed):
        check_nonce(session, "mk", "one", expires=NOW + LIFE_S)


def test_requests_that_expire_later_than_what_was_forgotten_are_answered(store: Store) -> None:
    """A peer is kept waiting for the life of one signature, not until the time that the clock had shown."""
    take(store, "one", NOW, now=NOW)
    take(store, "two", NOW + DAY_S, now=NOW + DAY_S, key="al")
    take(store, "three", NOW + 1, now=NOW + 1)
    with pytest.raises(RequestReplayed):
        take(store, "four", NOW - 1, now=NOW + 1)


def test_a_peer_that_signs_for_the_future_shuts_out_itself_alone(store: Store) -> None:
    take(store, "one", NOW + DAY_S, now=NOW + DAY_S, key="al")
    take(store, "two", NOW + 2 * DAY_S, now=NOW + 2 * DAY_S, key="al")
    with pytest.raises(RequestReplayed):
        take(store, "three", NOW, now=NOW, key="al")
    take(store, "four", NOW, now=NOW, key="mk")


def test_a_larger_skew_brings_no_request_back(store: Store) -> None:
    take(store, "one", NOW, now=NOW)
    later = NOW + LIFE_S + SKEW_S + 1
    take(store, "two", later, now=later)
    with pytest.raises(RequestReplayed):
        take(store, "one", NOW, now=later, skew_s=300)


def test_what_the_clock_showed_at_the_last_request_is_written_down(store: Store) -> None:
    """Doctor holds the clock of this machine against it."""
    take(store, "one", NOW + DAY_S, now=NOW + DAY_S)
    take(store, "two", NOW, now=NOW, key="al")
    with store.read() as session:
        assert newest_row(session) == from_posix(NOW + DAY_S)
