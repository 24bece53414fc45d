"""Nodes that serve in this process, and every request between them and to them, as it was asked and answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

OUTSIDE = "outside"
"""Who asks when no node does: a person at a browser, a program, whoever reaches the port."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as both ends saw them."""

    asker: str
    request: httpx.Request
    answer: httpx.Response

    @property
    def asked(self) -> str:
        return self.request.url.host


class Wire:
    """Served applications by host name. ``begin`` is called before each request, ``told`` has all that was said."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self.told: list[Exchange] = []
        self._begin = begin
        self._served: dict[str, httpx.ASGITransport] = {}
        self._open = ExitStack()
        self._portal = self._open.enter_context(start_blocking_portal())

    def serve(self, host: str, app: FastAPI) -> None:
        """From now on until ``close``."""
        lifespan = app.router.lifespan_context(app)
        self._open.enter_context(self._portal.wrap_async_context_manager(lifespan))
        self._served[host] = httpx.ASGITransport(app, raise_app_exceptions=False)

    def client(self, asker: str = OUTSIDE) -> httpx.Client:
        """A client that keeps cookies and follows nothing by itself."""
        return httpx.Client(transport=_OnWire(self, asker), trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self._open.close()

    def answer(self, asker: str, request: httpx.Request) -> httpx.Response:
        served = self._served.get(request.url.host)
        if served is None:
            raise httpx.ConnectError(f"nobody serves at {request.url.host}", request=request)
        request.read()
        self._begin()
        answer, body = self._portal.call(_answered, served, request)
        self.told.append(Exchange(asker, request, answer))
        # the client reads its answer as it comes, and what was read before comes no more
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))


async def _answered(served: httpx.ASGITransport, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    whole = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
    answer = await served.handle_async_request(whole)
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    body = b"".join([piece async for piece in answer.stream])  # as it travels, packed or not
    return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request), body


class _OnWire(httpx.BaseTransport):
    def __init__(self, wire: Wire, asker: str) -> None:
        self._wire, self._asker = wire, asker

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._wire.answer(self._asker, request)
