"""Lines on which peers say nothing until there is news. Each costs a connection, and no thread."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpcore
import httpx
from anyio import to_thread

from exchange.errors import PeerUnreachable
from exchange.net.connection import CONNECT_WITHIN_S, tls_context
from exchange.net.egress import Guard
from exchange.net.keep_alive import KEPT_ALIVE
from exchange.net.probe import clock_ahead
from schemas.errors import shown
from schemas.lane import MAX_NEWS_BYTES

MOST_BYTES = 128 * 1024
"""Of all that may come on a line: h11 takes a head of 100 kB, and a page's beginning, in one piece of 64 kB, is enough.
Whoever sends interim answers (1xx) without end would keep the one thread busy that waits for all others."""


@dataclass(frozen=True)
class NewsAnswer:
    """As it came, nothing verified; of a longer body no more than ``MAX_NEWS_BYTES`` and one piece. ``ahead_s``: as
    `clock_ahead`."""

    status: int
    headers: httpx.Headers
    body: bytes
    ahead_s: float | None


class NewsLines:
    """For one event loop, between ``__aenter__`` and ``__aexit__``: to where ``guard`` lets them go, past any proxy of
    the environment, a connection for each."""

    def __init__(self, *, guard: Guard, timeout_s: float, certificate: Path | None = None) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_WITHIN_S), read=None),
            trust_env=False,
            transport=_GuardedAsyncTransport(guard, certificate),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, url: str, headers: dict[str, str], *, wait_s: float) -> NewsAnswer:
        """What the peer answers, at the latest so long after the question, and as long again as a peer may be silent.
        Raises PeerUnreachable."""
        asked = time.time()
        try:
            async with asyncio.timeout(wait_s + self._timeout_s):
                async with self._http.stream("GET", url, headers=headers) as answer:
                    ahead_s, body = clock_ahead(answer.headers, asked, time.time()), bytearray()
                    async for piece in answer.aiter_raw():
                        body += piece
                        if len(body) > MAX_NEWS_BYTES:
                            break
                    return NewsAnswer(answer.status_code, answer.headers, bytes(body), ahead_s)
        except TimeoutError as error:
            raise PeerUnreachable(f"{url} took longer than {wait_s + self._timeout_s:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"{type(error).__name__}: {shown(str(error), 200)}"
            raise PeerUnreachable(f"{url} does not answer, or broke off ({why}).") from error


class _GuardedAsyncTransport(httpx.AsyncHTTPTransport):
    """That of httpx, with connections that are checked first. Name of TLS and ``Host`` stay those of the URL."""

    def __init__(self, guard: Guard, certificate: Path | None) -> None:
        context = tls_context(certificate)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=_GuardedAsyncConnections(guard),
            socket_options=KEPT_ALIVE,
        )


class _GuardedAsyncConnections(httpcore.AnyIOBackend):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To an address that was checked, never to a name: nobody resolves it a second time."""
        try:
            allowed = await to_thread.run_sync(self._guard.addresses, host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in allowed[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Bounded(await super().connect_tcp(address, port, timeout, local_address, socket_options))
        return _Bounded(await super().connect_tcp(allowed[-1], port, timeout, local_address, socket_options))


class _Bounded(httpcore.AsyncNetworkStream):
    """A connection on which no more than ``MOST_BYTES`` come."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream, self._left = stream, MOST_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left <= 0:
            raise httpcore.ReadError(f"more than {MOST_BYTES} bytes came")
        piece = await self._stream.read(max_bytes, timeout)
        self._left -= len(piece)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Bounded(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
