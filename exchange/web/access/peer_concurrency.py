"""So many requests of one peer at once and no more: a peer in a hurry must not take the places of the others.

A turn is taken by every request that was verified to be a peer's, whatever it asks for (``access._verified``, the one
place that verifies), and is held until the answer has left, to its last byte. What waits for news, what carries scans
and all the rest have places of their own, so that none of them keeps an honest peer from the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.errors import TooMany
from exchange.flows.node.node import Node

_HELD: Final = "exchange.turns"


class RequestPurpose(StrEnum):
    """What a request of a peer is for, as far as it matters for how long it takes."""

    NEWS = "waits for news"
    SCANS = "carries scans"
    WORDS = "all else"


NEWS_AT_ONCE: Final = 4
SCANS_AT_ONCE: Final = 6
WORDS_AT_ONCE: Final = 6
REQUESTS_AT_ONCE: Final = {
    RequestPurpose.NEWS: NEWS_AT_ONCE,
    RequestPurpose.SCANS: SCANS_AT_ONCE,
    RequestPurpose.WORDS: WORDS_AT_ONCE,
}
"""Of one peer. It waits for news once, and once more for each time that it was started anew within a minute; it fetches
two scans and asks two queries; it mirrors, reports and takes back one after the other. Some more are for a hurry."""
_PURPOSES: Final = (
    ("/v1/lane", RequestPurpose.NEWS),
    ("/v1/blobs/", RequestPurpose.SCANS),
    ("/v1/scans/", RequestPurpose.SCANS),
    ("/v1/queries", RequestPurpose.SCANS),
)


@contextlib.contextmanager
def peer_turn(node: Node, node_id: str, purpose: RequestPurpose) -> Iterator[None]:
    """One of the turns that a peer has at all processes of the node together, while the block runs. Raises TooMany,
    which says when to come again."""
    most = REQUESTS_AT_ONCE[purpose]
    with node.limits.turn(f"{node_id} {purpose}", most) as there_is_one:
        if not there_is_one:
            raise TooMany(f"{node_id} has {most} such requests running here; wait for one to end.")
        yield


class HeldTurns:
    """Gives back, once an answer has left or was broken off, the turn that its request took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.ExitStack() as held:
            scope[_HELD] = held
            await self._app(scope, receive, send)


def take_turn(request: Request, node: Node, node_id: str) -> None:
    """Take a turn of this peer until its answer has left. Raises TooMany."""
    held: contextlib.ExitStack = request.scope[_HELD]
    held.enter_context(peer_turn(node, node_id, purpose_of(request.url.path)))


def purpose_of(path: str) -> RequestPurpose:
    return next((purpose for begin, purpose in _PURPOSES if path.startswith(begin)), RequestPurpose.WORDS)
