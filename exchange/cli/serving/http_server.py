"""The HTTP server of one process: it tells when it is ready and that its event loop answers, and ends well."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from types import FrameType
from typing import Final, Protocol

import structlog
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.cli.serving.memory import GIVE_BACK_S, give_back_memory, keep_what_is_here
from exchange.flows.node.node import Node
from exchange.flows.operate.status import readiness

log = structlog.get_logger(__name__)

IN_FLIGHT_S: Final = 10
"""So long a server that ends waits for the requests that it is at."""
LEAVE_S: Final = 1.0
"""So long one that is replaced goes on answering over connections that are open: who asks again meanwhile is told to
come by a new one, and finds no connection closed under a request."""
LOOK_S: Final = 0.25
"""How soon it is looked again whether a node that was not ready is."""


class Teller(Protocol):
    """Who is told how a server is."""

    def ready(self) -> None: ...
    def not_ready(self, why: str) -> None: ...
    def alive(self) -> None: ...
    def stopping(self) -> None: ...


class HttpServer(uvicorn.Server):
    """Told to stop by SIGTERM or SIGINT it takes no more connections, ends what it is at, and lets go of the peers that
    wait for news. Told to leave, by SIGHUP where it ``may_leave``, it first lets its connections end by themselves."""

    def __init__(self, node: Node, app: ASGIApp, teller: Teller, *, beat_s: float | None, may_leave: bool) -> None:
        self._closing = _Closing(app)
        super().__init__(
            uvicorn.Config(
                self._closing,
                log_config=None,
                access_log=False,
                server_header=False,
                http="h11",  # whatever else is installed: httptools takes a head of any size into memory
                ws="none",
                proxy_headers=bool(node.settings.trusted_proxies),  # else a program on this machine would be believed
                forwarded_allow_ips=list(node.settings.trusted_proxies),
                backlog=1,  # see `Listener`
                timeout_graceful_shutdown=IN_FLIGHT_S,
            )
        )
        self._node, self._teller, self._beat_s, self._may_leave = node, teller, beat_s, may_leave
        self._leaves = False
        self._parent: int | None = None

    def end_with(self, parent: int) -> None:
        """Stop, too, when the other end of this pipe is closed: whoever looks after this process is gone."""
        self._parent = parent

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._node.news.close()
        super().handle_exit(sig, frame)

    async def main_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._may_leave:
            loop.add_signal_handler(signal.SIGHUP, self._leave)
        if self._parent is not None:
            loop.add_reader(self._parent, self._orphaned)
        beside = [asyncio.create_task(self._tell_ready()), asyncio.create_task(_give_back())]
        if self._beat_s is not None:
            beside.append(asyncio.create_task(self._beat(self._beat_s)))
        try:
            await super().main_loop()
        finally:
            for task in beside:
                task.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._teller.stopping()
        if self._leaves:
            for server in self.servers:
                server.close()
            self._closing.closes = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    while self.server_state.connections:
                        await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def _leave(self) -> None:
        self._leaves = True
        self.handle_exit(signal.SIGTERM, None)

    def _orphaned(self) -> None:
        """Stop, and be asked no more: the pipe would say so again and again."""
        if self._parent is not None:
            asyncio.get_running_loop().remove_reader(self._parent)
            os.close(self._parent)
            self._parent = None
            log.error("the process that looks after this one is gone; it stops")
            self.handle_exit(signal.SIGTERM, None)

    async def _tell_ready(self) -> None:
        told = ""
        while True:
            parts = await run_in_threadpool(readiness, self._node)
            why = " ".join(f"{part}: {state}" for part, state in parts.items() if state != "ok")
            if not why:
                self._teller.ready()
                return
            if why != told:
                log.warning("the node is not ready yet", detail=why)
                self._teller.not_ready(why)
                told = why
            await asyncio.sleep(LOOK_S)

    async def _beat(self, every_s: float) -> None:
        """The event loop gets round to it: it lives."""
        while True:
            self._teller.alive()
            await asyncio.sleep(every_s)


async def _give_back() -> None:
    keep_what_is_here(collect=False)
    await asyncio.sleep(GIVE_BACK_S)
    keep_what_is_here()  # with what was made for the first pages, and is kept
    while True:
        await run_in_threadpool(give_back_memory)
        await asyncio.sleep(GIVE_BACK_S)


class _Closing:
    """Tells with each answer, once the server is to be replaced, that its connection ends with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.closes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if self.closes and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, closing if scope["type"] == "http" else send)
