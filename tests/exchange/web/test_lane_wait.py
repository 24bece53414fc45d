"""A peer that waits for news is told when there is some, after its time otherwise, and takes nobody's place."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from exchange.errors import PeerUnreachable
from exchange.flows.keys.enrol import revoke_peer
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.net.news_lines import NewsLines
from exchange.store.log.statements import latest_checkpoint
from exchange.store.tables.peers import PeerRow
from exchange.web.access.peer_concurrency import NEWS_AT_ONCE, REQUESTS_AT_ONCE, RequestPurpose
from schemas.lane import EMPTY_HEAD, LanePage, parse_lane_page
from tests.exchange.conftest import RunningNode
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow


@pytest.fixture
def client(pair: tuple[RunningNode, RunningNode]) -> Iterator[PeerClient]:
    """North Macedonia's, beside the one that its worker has."""
    made = PeerClient(pair[1].node.node_id, pair[1].node.keys.transport, guard=pair[1].node.egress, timeout_s=30)
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


async def told(
    pair: tuple[RunningNode, RunningNode], client: PeerClient, *, wait_s: int, known_size: int | None = None
) -> bool | int:
    """Whether there is news of what follows the begin of the lane; the status of an answer that is none."""
    with pair[1].node.store.read() as session:
        address = address_of(session.get_one(PeerRow, "ffp-rs"))
    asked = client.news_question(address, start=0, head=EMPTY_HEAD, known_size=known_size, wait_s=wait_s)
    async with NewsLines(guard=pair[1].node.egress, timeout_s=30) as lines:
        answer = await lines.ask(asked.url, asked.headers, wait_s=wait_s)
    return client.is_news(asked, answer) if answer.status == 200 else answer.status


def test_what_comes_on_the_lane_is_news_and_what_others_get_is_none(
    pair: tuple[RunningNode, RunningNode], client: PeerClient
) -> None:
    rs, _ = pair
    size = signed_size(rs)

    async def ask() -> tuple[bool | int, bool | int, bool]:
        witness = asyncio.create_task(told(pair, client, wait_s=60, known_size=size))
        reader = asyncio.create_task(told(pair, client, wait_s=60))
        assert (await asyncio.to_thread(rs.submit, tiny_scan())).status_code == 201  # it stays at home
        head = await witness
        still_waits = not reader.done()
        submitted = await asyncio.to_thread(rs.submit, tiny_scan(), level="full", audience=["MK"])
        assert submitted.status_code == 201
        return head, await reader, still_waits

    assert asyncio.run(asyncio.wait_for(ask(), 100)) == (True, True, True)


def test_where_there_is_none_that_is_said_after_the_time(
    pair: tuple[RunningNode, RunningNode], client: PeerClient
) -> None:
    began = time.monotonic()
    assert asyncio.run(told(pair, client, wait_s=2)) is False
    assert 2 <= time.monotonic() - began < 20


def test_who_hangs_up_gives_the_place_back(pair: tuple[RunningNode, RunningNode], client: PeerClient) -> None:
    """A reader that is started anew again and again leaves lines behind, which would stand for hours."""

    async def ask() -> bool | int:
        waiting = [asyncio.create_task(told(pair, client, wait_s=3600)) for _ in range(NEWS_AT_ONCE)]
        await asyncio.sleep(2)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(3)
        return await told(pair, client, wait_s=1)

    assert asyncio.run(asyncio.wait_for(ask(), 60)) is False


def test_a_peer_that_is_revoked_while_it_waits_is_told_nothing(
    pair: tuple[RunningNode, RunningNode], client: PeerClient
) -> None:
    rs, _ = pair

    async def ask() -> bool | int:
        waiting = asyncio.create_task(told(pair, client, wait_s=3600, known_size=signed_size(rs)))
        await asyncio.sleep(1)
        revoke_peer(rs.node, "ffp-mk")
        assert (await asyncio.to_thread(rs.submit, tiny_scan())).status_code == 201
        return await waiting

    assert asyncio.run(asyncio.wait_for(ask(), 60)) == 401


def test_a_node_that_stops_lets_everybody_go(pair: tuple[RunningNode, RunningNode], client: PeerClient) -> None:
    rs, _ = pair

    async def ask() -> bool | int:
        waiting = asyncio.create_task(told(pair, client, wait_s=3600))
        await asyncio.sleep(1)
        rs.node.news.close()
        return await waiting

    assert asyncio.run(asyncio.wait_for(ask(), 30)) is False
