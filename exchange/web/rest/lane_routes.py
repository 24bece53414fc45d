"""What peers read: their lane, and whether there is news on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from exchange.flows.log.signed_checkpoint import signed_size
from exchange.flows.node.head_notifier import LOOK_AGAIN_S
from exchange.flows.node.node import Node
from exchange.flows.sync.acknowledge import acknowledge
from exchange.flows.sync.serve_lane import read_lane, waits_on_lane
from exchange.net.client import READS
from exchange.web.access.caller import OpenNode, ReadingPeer, check_still_let_in
from exchange.web.access.signed import signed_answer
from exchange.web.description import json_answer
from schemas import CONTRACT_VERSION
from schemas.lane import MAX_NEWS_WAIT_S, LaneNews, LanePage
from schemas.statement_base import ContractVersion

router = APIRouter(tags=["node"])

_LaneHead = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="The reader's running head of the lane.")]
_Count = Annotated[int, Query(ge=0, le=2**62)]
_Reads = Annotated[ContractVersion, Header(alias=READS, description="The newest contract version that the peer reads.")]


@router.get(
    "/v1/lane", response_class=Response, name="read_lane", responses={200: json_answer(LanePage, "A page, signed.")}
)
def lane(
    node: OpenNode,
    peer: ReadingPeer,
    start: _Count,
    head: _LaneHead,
    known_size: _Count = 0,
    reads: _Reads = CONTRACT_VERSION,
) -> Response:
    """Return the statements after position ``start`` on the lane of the peer that asks. The answer is signed and bound
    to the request. It ends before the first statement that needs a newer contract version than the peer states that it
    reads. A peer that states no version gets statements of version 1.0."""
    page = read_lane(
        node,
        peer.row,
        start=start,
        head=bytes.fromhex(head),
        known_size=known_size,
        proof=peer.request.proof,
        reads=reads,
    )
    return signed_answer(node, peer, page.model_dump_json().encode())


@router.get(
    "/v1/lane/news", response_class=Response, responses={200: json_answer(LaneNews, "Whether there is news, signed.")}
)
async def read_lane_news(
    request: Request,
    node: OpenNode,
    peer: ReadingPeer,
    start: _Count,
    head: _LaneHead,
    wait: Annotated[int, Query(ge=1, le=MAX_NEWS_WAIT_S, description="Seconds after which there is no news.")],
    known_size: Annotated[
        int | None,
        Query(ge=0, le=2**62, description="Of a witness: the size of the log beyond which each head is news."),
    ] = None,
    reads: _Reads = CONTRACT_VERSION,
) -> Response:
    """For peers: whether anything follows ``start`` on their lane, said as soon as something does, or after ``wait``
    seconds. A line that waits costs a connection at either end and nothing else. `lane-news` of the JSON Schemas; the
    answer is signed and bound to the request."""
    await run_in_threadpool(acknowledge, node, peer.row, start, bytes.fromhex(head), peer.request.proof, reads)
    is_news = (
        partial(_is_longer, node, known_size) if known_size is not None else _OnLane(node, peer.row.node_id, start)
    )
    said = LaneNews(contract=CONTRACT_VERSION, news=await _waited(request, node, wait, is_news))
    await run_in_threadpool(check_still_let_in, node, peer)
    return signed_answer(node, peer, said.model_dump_json().encode())


async def _waited(request: Request, node: Node, wait_s: int, there_is_some: Callable[[], Awaitable[bool]]) -> bool:
    """Whether there was news within the time. Heads signed by this process are seen at once, those of another within
    ``LOOK_AGAIN_S``; who has hung up is waited for no longer than that, and a node that stops lets everybody go."""
    deadline = time.monotonic() + wait_s
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    with node.news.waking(lambda: loop.call_soon_threadsafe(woken.set)):
        while not (found := await there_is_some()):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or node.news.closed or await request.is_disconnected():
                break
            try:
                async with asyncio.timeout(min(left_s, LOOK_AGAIN_S)):
                    await woken.wait()
                woken.clear()
            except TimeoutError:
                if node.news.may_look():
                    node.news.grown(await run_in_threadpool(signed_size, node))
        return found


async def _is_longer(node: Node, known_size: int) -> bool:
    return node.news.is_news(known_size)


class _OnLane:
    """Whether something follows on a peer's lane: asked of the database once for each head."""

    def __init__(self, node: Node, peer: str, start: int) -> None:
        self._node, self._peer, self._start, self._asked_at = node, peer, start, -1

    async def __call__(self) -> bool:
        size = self._node.news.size
        if size == self._asked_at:
            return False
        self._asked_at = size
        return await run_in_threadpool(waits_on_lane, self._node, self._peer, self._start)
