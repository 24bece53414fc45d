"""A peer that waits for news is told when there is some, after its time otherwise, and takes nobody's place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from exchange.flows.keys.enrol import revoke_peer
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.net.news_lines import NewsLines
from exchange.store.log.statement_rows import latest_checkpoint, log_size
from exchange.store.sync.peers import lane_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.web.access.peer_concurrency import NEWS_AT_ONCE
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow


@pytest.fixture
def client(pair: tuple[RunningNode, RunningNode]) -> Iterator[PeerClient]:
    """North Macedonia's, beside the one that its worker has."""
    made = PeerClient(pair[1].node.node_id, pair[1].node.keys.transport, guard=pair[1].node.egress, timeout_s=30)
    yield made
    made.close()


def signed_size(node: RunningNode) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with node.node.store.read() as session:
            signed, size = latest_checkpoint(session), log_size(session)
        if signed is not None and signed.size == size:
            return size
        time.sleep(0.05)
    raise AssertionError("the log's last head was not signed")


async def told(
    pair: tuple[RunningNode, RunningNode], client: PeerClient, *, wait_s: int, known_size: int | None = None
) -> bool | int:
    """Whether there is news behind what is on the lane now; the status of an answer that is none."""
    with pair[1].node.store.read() as session:
        address = address_of(session.get_one(PeerRow, "ffp-rs"))
    with pair[0].node.store.read() as session:
        lane = lane_of(session, "ffp-mk")
    asked = client.news_question(address, start=lane.count, head=lane.head, known_size=known_size, wait_s=wait_s)
    async with NewsLines(guard=pair[1].node.egress, timeout_s=30) as lines:
        answer = await lines.ask(asked.url, asked.headers, wait_s=wait_s)
    return client.is_news(asked, answer) if answer.status == 200 else answer.status


def test_one_peer_does_not_take_all_places(pair: tuple[RunningNode, RunningNode], client: PeerClient) -> None:
    async def ask() -> list[bool | int]:
        return await asyncio.gather(*(told(pair, client, wait_s=8) for _ in range(NEWS_AT_ONCE + 4)))

    answers = asyncio.run(asyncio.wait_for(ask(), 60))
    assert answers.count(429) >= 3, "its own worker may have ended one before"
    assert set(answers) <= {429, False}
    assert pair[0].get("/healthz").status_code == 200


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
