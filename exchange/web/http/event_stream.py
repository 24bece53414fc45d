"""Server-sent events (HTML Living Standard, 9.2): an answer that goes on, and costs a connection and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from exchange.web.http.head_requests import HEADERS_ALONE

EVENT_STREAM: Final = "text/event-stream"
TAKEN_S: Final = 20.0
"""So long it is waited for a reader that takes nothing any more: what it holds is small, and must not stay for ever."""
AGAIN_MS: Final = 3000
SPREAD_MS: Final = 4000
"""After so long, and another part of so long each, browsers whose lines were cut ask again: where a process is
replaced, all of its lines are cut at once."""
STILL_THERE: Final = b": still there\n\n"
"""Nothing, for proxies that cut what is silent, and to notice who has gone."""


def event(name: str, data: str) -> bytes:
    """One event; ``data`` is one line."""
    return f"event: {name}\ndata: {data}\n\n".encode()


class EventStream(Response):
    """Frames as they come, until there are none, or the reader has gone or takes none. ``at_end`` is called once,
    however it ends; so it is where nothing of the answer left."""

    media_type = EVENT_STREAM

    def __init__(self, frames: AsyncIterator[bytes], at_end: Callable[[], object], *, taken_s: float = TAKEN_S) -> None:
        super().__init__(None, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._frames, self._at_end, self._taken_s = frames, at_end, taken_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if not scope.get(HEADERS_ALONE):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                    await self._give(send)
                    tasks.cancel_scope.cancel()
            with anyio.move_on_after(self._taken_s):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._at_end()

    async def _give(self, send: Send) -> None:
        again_ms = AGAIN_MS + secrets.randbelow(SPREAD_MS)
        first: Message = {"type": "http.response.body", "body": f"retry: {again_ms}\n\n".encode(), "more_body": True}
        await send(first)
        async for frame in self._frames:
            with anyio.move_on_after(self._taken_s) as taking:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            if taking.cancelled_caught:
                return


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
