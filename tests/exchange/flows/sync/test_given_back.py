"""A node's own scan, which it lost, is given back by whichever peer has it, whatever another one does first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from exchange.errors import PeerBusy, PeerUnreachable
from exchange.flows.sync import fetch
from exchange.flows.sync.fetch import fetch_scan
from exchange.net.client import PeerAddress
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.tables.record_tables import AcquisitionRow
from tests.exchange.flows.network import AL, RS, Network

pytestmark = pytest.mark.slow

SCAN = b"a scan of the node's own" * 100


@pytest.fixture
def lost(network: Network) -> int:
    """An own scan that Albania and North Macedonia have, as after the restore of a backup that lacks it."""
    network.record(RS, scan=SCAN, audience=["MK", "AL"])
    network.settle()
    rs = network.nodes[RS]
    rs.blobs.path(digest()).unlink()
    with rs.store.write() as session:
        row = session.scalars(select(AcquisitionRow)).one()
        row.delivered_at, row.state = None, AcquisitionState.AWAITING_SCAN
        return row.acquisition_id


def digest() -> str:
    return hashlib.sha256(SCAN).hexdigest()


def hostile(client: Any, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]) -> Any:
    """Albania, which is asked first, gives other bytes and breaks off; who has no time left gets nothing."""
    honest = client.fetch_blob

    @contextmanager
    def broken_off(offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        yield offset, iter(pieces)
        raise PeerUnreachable("It broke off.")

    def fetch_blob(
        peer: PeerAddress, sha256: str, *, offset: int, within_s: float
    ) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        if peer.node_id == AL:
            clock.now += within_s  # it took all its time
            return broken_off(offset)
        if within_s <= 0:
            raise PeerUnreachable("There was no time left.")
        found: AbstractContextManager[tuple[int, Iterator[bytes]]] = honest(
            peer, sha256, offset=offset, within_s=within_s
        )
        return found

    clock = SimpleNamespace(now=1e9)
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=lambda: clock.now))
    client.fetch_blob = fetch_blob
    return client


@pytest.mark.parametrize("pieces", [[b"x" * (len(SCAN) - 5)], []], ids=["wrong bytes", "nothing in all its time"])
def test_no_peer_keeps_another_from_giving_a_scan_back(
    network: Network, lost: int, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    rs = network.nodes[RS]
    fetch_scan(rs, hostile(network.client(RS), monkeypatch, pieces), lost)
    assert rs.blobs.path(digest()).read_bytes() == SCAN


def test_no_peer_puts_the_next_try_off(network: Network, lost: int) -> None:
    """What is tried again, and when, is up to whoever can be asked first."""
    client = network.client(RS)

    def refuse(peer: PeerAddress, _sha256: str, **_: object) -> None:
        if peer.node_id == AL:
            raise PeerUnreachable("It is not reached.")
        raise PeerBusy("Later.", retry_after_s=90_000)

    client.fetch_blob = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(PeerUnreachable, match="not reached") as caught:
        fetch_scan(network.nodes[RS], client, lost)
    assert not isinstance(caught.value, PeerBusy)
