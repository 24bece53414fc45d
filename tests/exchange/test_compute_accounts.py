"""Who used worker processes much lets others go first, for a while and no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from exchange import compute
from exchange.compute import Accounts


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def used(accounts: Accounts, node_id: str, seconds: float) -> None:
    accounts._used[node_id] = seconds, time.monotonic()


def asks(pool: ThreadPoolExecutor, accounts: Accounts, node_id: str) -> Future[float]:
    """When the node may work."""

    def work() -> float:
        with accounts.working(node_id):
            return time.monotonic()

    return pool.submit(work)


def test_who_used_much_begins_when_the_others_work_is_done(pool: ThreadPoolExecutor) -> None:
    accounts = Accounts(3)
    used(accounts, "ffp-greedy", 60)
    with accounts.working("ffp-al"):
        waits = asks(pool, accounts, "ffp-greedy")
        assert asks(pool, accounts, "ffp-mk").result(1), "who used nothing gives way to nobody"
        time.sleep(0.1)
        assert not waits.done()
        ended = time.monotonic()
    assert waits.result(1) >= ended


def test_it_gives_way_no_longer_than_said(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "GIVES_WAY_S", 0.1)
    accounts = Accounts(3)
    used(accounts, "ffp-greedy", 60)
    with accounts.working("ffp-al"):
        assert asks(pool, accounts, "ffp-greedy").result(5)


def test_those_who_used_it_alike_work_side_by_side(pool: ThreadPoolExecutor) -> None:
    accounts = Accounts(3)
    used(accounts, "ffp-rs", compute.TOLERANCE_S)
    with accounts.working("ffp-al"):
        begun = time.monotonic()
        assert asks(pool, accounts, "ffp-rs").result(1) - begun < compute.GIVES_WAY_S / 2


def test_what_was_used_is_forgotten_by_and_by(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(1)
    used(accounts, "ffp-rs", 64)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 6 * compute.HALF_S)
    assert accounts._recently("ffp-rs") == pytest.approx(1, rel=0.01)


def test_no_more_than_its_places_at_once_and_nobodys_work_never_waits(pool: ThreadPoolExecutor) -> None:
    accounts, begun = Accounts(1), threading.Event()
    with accounts.working("ffp-rs"):
        waits = asks(pool, accounts, "ffp-rs")
        assert asks(pool, accounts, "").result(1)
        assert not begun.wait(0.1)
        assert not waits.done()
    assert waits.result(1)
