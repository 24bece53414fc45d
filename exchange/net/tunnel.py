"""A tunnel on this machine for a client that resolves names and follows redirects by itself, as that of the object
store does: it is told to use this proxy, which asks the guard for each connection. TLS runs through, end to end
(CONNECT, RFC 9110 9.3.6). Without TLS, for a store on this machine, each request is passed on over a connection of its
own (absolute-form, RFC 9112 3.2.2), so that a redirect elsewhere is a new connection too.

It has a password of its own, so that nobody else on the machine goes through it.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import secrets
import socket
import threading
import time
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from exchange.errors import EgressRefused
from exchange.net.egress import Guard, connect

CONNECT_S: Final = 5.0
_SILENT_S: Final = 600.0
_POLL_S: Final = 0.1  # how soon it notices that it was closed
_MAX_REQUEST_BYTES: Final = 16_384
"""Of a head; that of a signed request to an object store has some 1,000 bytes. Some of its body may come with it."""
MOST_AT_ONCE: Final = 64
"""Connections, of two threads each; far more than the client of an object store has."""
_PIECE_BYTES: Final = 1 << 16


_ESTABLISHED: Final = b"HTTP/1.1 200 OK\r\n\r\n"
_FORBIDDEN: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
_BETWEEN_TWO: Final = ("proxy-authorization:", "proxy-connection:", "connection:", "keep-alive:")
"""Fields for the tunnel alone (RFC 9110 7.6.1)."""


class _Wanted(NamedTuple):
    host: str
    port: int
    to_client: bytes
    to_server: bytes


class Tunnel:
    """Listens until ``close``; ``url`` is what the client is given as its proxy. ``refusal`` is why the guard let
    nothing through last time, None when it did."""

    def __init__(self, guard: Guard) -> None:
        self.refusal: EgressRefused | None = None
        self._guard, self._password = guard, secrets.token_urlsafe(24)
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://ffp:{self._password}@127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), name="tunnel", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def carry(self, near: socket.socket) -> None:
        """One connection, from the client's request on until either side ends it."""
        asked = _read_head(near, time.monotonic() + CONNECT_S)
        wanted = None if asked is None else self._wanted(*asked)
        if wanted is None:
            near.sendall(_FORBIDDEN)
            return
        try:
            with connect(self._guard, wanted.host, wanted.port, CONNECT_S) as far:
                self.refusal = None
                near.sendall(wanted.to_client)
                far.sendall(wanted.to_server)
                _relay(near, far)
        except EgressRefused as error:
            self.refusal = error
            near.sendall(_FORBIDDEN)

    def _wanted(self, head: list[str], body: bytes) -> _Wanted | None:
        """Where the client wants to connect, with the right password; ``body`` is what came of it with the head."""
        given = next((line for line in head if line.lower().startswith("proxy-authorization:")), "")
        password = "Basic " + base64.b64encode(f"ffp:{self._password}".encode()).decode()
        if not hmac.compare_digest(given.partition(":")[2].strip().encode(), password.encode()):
            return None
        method, _, rest = head[0].partition(" ")
        target = rest.partition(" ")[0]
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if method == "CONNECT":
            return _Wanted(url.hostname, url.port, _ESTABLISHED, b"") if url.hostname and url.port else None
        if url.scheme != "http" or not url.hostname:
            return None
        origin = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        kept = [line for line in head[1:] if not line.lower().startswith(_BETWEEN_TWO)]
        passed_on = "\r\n".join([f"{method} {origin} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1")
        return _Wanted(url.hostname, url.port or 80, b"", passed_on + body)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One more than there are places for is hung up on."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A side that breaks off is told by the client, which has the request."""


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.server.tunnel.carry(self.request)


def _read_head(near: socket.socket, until: float) -> tuple[list[str], bytes] | None:
    """The lines of a request's head, and what came after it; None for a head that is too long, too slow as a whole, or
    broken off."""
    head = b""
    while b"\r\n\r\n" not in head:
        left = until - time.monotonic()
        if left <= 0:
            return None
        near.settimeout(left)
        piece = near.recv(_MAX_REQUEST_BYTES)
        head += piece
        if not piece or len(head.partition(b"\r\n\r\n")[0]) > _MAX_REQUEST_BYTES:
            return None
    near.settimeout(CONNECT_S)
    lines, _, body = head.partition(b"\r\n\r\n")
    return lines.decode("latin-1").split("\r\n"), body


def _relay(near: socket.socket, far: socket.socket) -> None:
    for side in (near, far):
        side.settimeout(_SILENT_S)
    back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
    back.start()
    _pass_on(near, far)
    back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends; then the target is told that nothing more comes."""
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
