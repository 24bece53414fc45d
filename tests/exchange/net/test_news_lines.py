"""A line on which a peer says what it likes: it ends, and the lines of others stand meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from exchange.errors import PeerUnreachable
from exchange.net.news_lines import MOST_BYTES, NewsLines
from tests.exchange.anywhere import ANYWHERE

GOOD = b"HTTP/1.1 200 Told\r\nContent-Length: 2\r\n\r\n{}"
Say = Callable[[], Iterator[bytes]]


def endless(piece: bytes, *, first: bytes = b"") -> Say:
    def say() -> Iterator[bytes]:
        yield first
        while True:
            yield piece

    return say


@contextlib.asynccontextmanager
async def peer(say: Say, told: list[int]) -> AsyncIterator[str]:
    """The address of one that says so much to each question; ``told`` has how many bytes it got rid of."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in say():
                writer.write(piece)
                await writer.drain()
                told.append(len(piece))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/lane/news"


def asked(say: Say, *, wait_s: float = 60) -> int:
    """How many bytes the peer got rid of until the line ended by itself."""
    told: list[int] = []

    async def ask() -> None:
        async with peer(say, told) as url, NewsLines(guard=ANYWHERE, timeout_s=60) as lines:
            await lines.ask(url, {}, wait_s=wait_s)

    with contextlib.suppress(PeerUnreachable):
        asyncio.run(asyncio.wait_for(ask(), 10))
    return sum(told)


@pytest.mark.parametrize(
    "say",
    [
        endless(b"HTTP/1.1 103 Early\r\n\r\n" * 1000),
        endless(b"X: y\r\n" * 1000, first=b"HTTP/1.1 200 Told\r\n"),
        endless(b"x" * 10_000, first=b"HTTP/1.1 200 Told\r\n\r\n"),
        endless(b"1\r\nx\r\n" * 1000, first=b"HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
    ids=["interim answers", "headers", "body", "chunks"],
)
def test_who_never_ends_is_not_listened_to(say: Say) -> None:
    assert asked(say) < MOST_BYTES + 16 * 2**20, "what is on its way in the machine's own buffers comes on top"


def test_an_ordinary_answer_after_an_interim_one_is_taken() -> None:
    async def ask() -> bytes:
        say = endless(b"", first=b"HTTP/1.1 103 Early\r\n\r\n" + GOOD)
        async with peer(lambda: iter([next(say())]), []) as url, NewsLines(guard=ANYWHERE, timeout_s=5) as lines:
            return (await lines.ask(url, {}, wait_s=1)).body

    assert asyncio.run(asyncio.wait_for(ask(), 10)) == b"{}"
