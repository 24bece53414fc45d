"""A line of events ends when there are none, when its reader has gone, and when the reader takes nothing any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exchange.web.http.event_stream import EventStream, event
from exchange.web.http.head_requests import HEADERS_ALONE


async def some(*frames: bytes) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield event("alerts", "1")
        await asyncio.sleep(0.01)


class Reader:
    """The other end: takes what is sent until it hangs up, or stops taking."""

    def __init__(self, *, takes: int | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone, self._takes = asyncio.Event(), takes

    async def receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self._takes is not None and len(self.sent) > self._takes:
            await asyncio.sleep(60)

    @property
    def bodies(self) -> bytes:
        return b"".join(message["body"] for message in self.sent if message["type"] == "http.response.body")


def served(reader: Reader, frames: AsyncIterator[bytes], **scope: Any) -> int:
    """How often it was told that it ended."""
    ended: list[None] = []
    answer = EventStream(frames, lambda: ended.append(None), taken_s=0.1)

    async def serve() -> None:
        async with asyncio.timeout(5):
            await answer({"type": "http", "method": "GET"} | scope, reader.receive, reader.send)

    asyncio.run(serve())
    return len(ended)


def test_all_of_it_comes_and_then_the_end() -> None:
    reader = Reader()
    assert served(reader, some(event("record", "{}"), event("end", "session"))) == 1
    again, _, rest = reader.bodies.partition(b"\n\n")
    assert again.startswith(b"retry: ")
    assert rest == b"event: record\ndata: {}\n\nevent: end\ndata: session\n\n"
    headers = dict(reader.sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"x-accel-buffering"], headers[b"cache-control"]) == (b"no", b"no-store")
    assert b"content-length" not in headers
    assert reader.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_those_whose_lines_are_cut_at_once_do_not_all_come_again_at_once() -> None:
    readers = [Reader() for _ in range(20)]
    for reader in readers:
        served(reader, some())
    again = {int(reader.bodies.removeprefix(b"retry: ")) for reader in readers}
    assert min(again) >= 1000
    assert max(again) - min(again) > 1000


def test_who_hangs_up_is_given_nothing_any_more() -> None:
    reader = Reader()

    async def hang_up() -> AsyncIterator[bytes]:
        yield event("alerts", "1")
        reader.gone.set()
        await asyncio.sleep(60)

    assert served(reader, hang_up()) == 1


@pytest.mark.slow
def test_who_takes_nothing_any_more_is_not_waited_for() -> None:
    begun = time.monotonic()
    assert served(Reader(takes=3), endless()) == 1
    assert time.monotonic() - begun < 4


def test_a_head_is_answered_and_over() -> None:
    reader = Reader()
    assert served(reader, endless(), **{HEADERS_ALONE: True}) == 1
    assert reader.bodies == b""
