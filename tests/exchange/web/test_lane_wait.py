"""A peer that waits for news is answered when there is some, after its time otherwise, and takes nobody's place."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from exchange.errors import PeerUnreachable
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.store.log.statements import latest_checkpoint
from exchange.store.tables.peers import PeerRow
from exchange.web.access.peer_concurrency import REQUESTS_AT_ONCE, RequestPurpose
from schemas.lane import EMPTY_HEAD, LanePage, parse_lane_page
from tests.exchange.conftest import RunningNode
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow


@pytest.fixture
def client(pair: tuple[RunningNode, RunningNode]) -> Iterator[PeerClient]:
    """North Macedonia's, beside the one that its worker has."""
    made = PeerClient(pair[1].node.keys.transport, guard=pair[1].node.egress, timeout_s=30)
    yield made
    made.close()


def asked(pair: tuple[RunningNode, RunningNode], client: PeerClient, *, known_size: int, wait_s: int) -> LanePage:
    with pair[1].node.store.read() as session:
        peer = session.get_one(PeerRow, "ffp-rs")
    address = address_of(peer)
    body = client.fetch_lane(address, start=0, head=EMPTY_HEAD, known_size=known_size, wait_s=wait_s)
    return parse_lane_page(body)


def signed_size(node: RunningNode) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with node.node.store.read() as session:
            signed = latest_checkpoint(session)
        if signed is not None:
            return signed.size
        time.sleep(0.05)
    raise AssertionError("no head was signed")


def test_news_wakes_who_waits_for_it(pair: tuple[RunningNode, RunningNode], client: PeerClient) -> None:
    rs, _ = pair
    size = signed_size(rs)
    pages: list[LanePage] = []
    waiting = threading.Thread(
        target=lambda: pages.append(asked(pair, client, known_size=size, wait_s=40)), daemon=True
    )
    began = time.monotonic()
    waiting.start()
    time.sleep(1)
    assert pages == []
    assert rs.submit(tiny_scan(), level="full", audience=["MK"]).status_code == 201
    waiting.join(timeout=35)
    assert time.monotonic() - began < 35
    (page,) = pages
    assert len(page.items) == 1


def test_without_news_the_answer_comes_after_the_time(
    pair: tuple[RunningNode, RunningNode], client: PeerClient
) -> None:
    rs, _ = pair
    began = time.monotonic()
    page = asked(pair, client, known_size=signed_size(rs) + 1, wait_s=2)
    assert 2 <= time.monotonic() - began < 20
    assert page.items == ()


def test_one_peer_does_not_take_all_places(pair: tuple[RunningNode, RunningNode], client: PeerClient) -> None:
    rs, _ = pair
    size = signed_size(rs) + 10
    ended: list[str] = []

    def wait() -> None:
        try:
            asked(pair, client, known_size=size, wait_s=8)
        except PeerUnreachable as error:
            ended.append(str(error))

    waiting = [threading.Thread(target=wait, daemon=True) for _ in range(REQUESTS_AT_ONCE[RequestPurpose.NEWS] + 4)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(timeout=60)
    assert len(ended) >= 3, "its own worker may have ended one before"
    assert all("429" in refusal for refusal in ended)
    assert rs.get("/healthz").status_code == 200
