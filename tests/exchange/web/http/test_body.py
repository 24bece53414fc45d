"""A body is read whole or not at all, and a sender that disconnects is an error of the request."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

import exchange.web
from exchange.errors import InvalidInput, TooLarge
from exchange.web.http.body import read_body


def read(*messages: dict[str, Any], within_s: float | None = 5) -> bytes:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in left:
            return message
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    return asyncio.run(read_body(Request({"type": "http"}, receive), 8, within_s=within_s))


def piece(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_is_joined() -> None:
    assert read(piece(b"abcd", more=True), piece(b"efgh", more=False)) == b"abcdefgh"


def test_more_bytes_than_allowed() -> None:
    with pytest.raises(TooLarge):
        read(piece(b"abcd", more=True), piece(b"efghi", more=True))


@pytest.mark.parametrize("messages", [[{"type": "http.disconnect"}], []])
def test_a_body_that_never_ends(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(piece(b"abc", more=True), *messages, within_s=0.05)
    assert refused.value.code == "broken-off"


def test_every_route_reads_bodies_through_these_functions() -> None:
    web = Path(exchange.web.__file__).parent
    readers = {path.relative_to(web).as_posix() for path in web.rglob("*.py") if "request.stream()" in path.read_text()}
    assert readers == {"http/body.py", "http/upload.py"}
