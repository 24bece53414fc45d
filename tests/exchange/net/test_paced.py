"""A transfer that drips is broken off, one that floods is slowed down, and what came is in the reader's hands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import PeerUnreachable
from exchange.net import client
from exchange.net.client import PeerAddress, PeerClient, paced
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.running_nodes import free_port

LEAST, MOST = 1000, float("inf")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: moment.__setitem__(0, moment[0] + seconds))
    return moment


def sent(clock: list[float], *pieces: tuple[float, int]) -> Iterator[bytes]:
    """Pieces of so many bytes, each after so many seconds."""
    for seconds, size in pieces:
        clock[0] += seconds
        yield bytes(size)


def test_a_byte_every_two_seconds_is_broken_off_after_one_window(clock: list[float]) -> None:
    came: list[bytes] = []
    with pytest.raises(PeerUnreachable, match="ffp-rs sent 0 bytes a second over 30 s, and 1000 is the least"):
        came.extend(paced(sent(clock, *[(2, 1)] * 1000), LEAST, MOST, "ffp-rs"))
    assert (len(came), clock[0]) == (15, client.RATE_WINDOW_S)


def test_who_begins_fast_and_then_drips_is_broken_off_too(clock: list[float]) -> None:
    with pytest.raises(PeerUnreachable, match="is the least"):
        list(paced(sent(clock, *[(1, 100_000)] * 30, *[(2, 1)] * 1000), LEAST, MOST, "ffp-rs"))
    assert clock[0] == 2 * client.RATE_WINDOW_S


def test_a_line_that_stands_still_for_a_moment_is_none_that_is_slow(clock: list[float]) -> None:
    pieces = [(1.0, 20_000), (25.0, 20_000)] * 10
    assert len(b"".join(paced(sent(clock, *pieces), LEAST, MOST, "ffp-rs"))) == 400_000


def test_nought_asks_for_no_rate(clock: list[float]) -> None:
    assert len(list(paced(sent(clock, *[(2, 1)] * 100), 0, MOST, "ffp-rs"))) == 100


def test_who_floods_is_taken_no_faster_than_said(clock: list[float]) -> None:
    came = b"".join(paced(sent(clock, *[(0.0, 65_536)] * 1600), LEAST, 2**20, "ffp-rs"))
    assert len(came) / clock[0] == pytest.approx(2**20)


def test_scans_of_one_peer_follow_each_other_no_faster_than_said(clock: list[float]) -> None:
    asking = PeerClient("ffp-mk", Ed25519PrivateKey.generate(), guard=ANYWHERE, timeout_s=5, scans_a_second=4)
    one, other = (PeerAddress(name, f"http://127.0.0.1:{free_port()}", "") for name in ("ffp-rs", "ffp-al"))

    def ask(peer: PeerAddress) -> float:
        with pytest.raises(PeerUnreachable), asking.fetch_blob(peer, "ab" * 32, offset=0, within_s=5):
            pass
        return clock[0]

    with closing(asking):
        assert [ask(one) for _ in range(3)] == [0, 0.25, 0.5]
        assert ask(other) == 0.5, "each peer has a turn of its own"
        clock[0] = 60
        assert ask(one) == 60, "who gives a scan now and then is asked at once"
