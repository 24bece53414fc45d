"""A tunnel on this machine for a client that resolves names and follows redirects by itself, as that of the object
store does: it is told to use this proxy (CONNECT, RFC 9110 9.3.6), which asks the guard. TLS runs through, end to end.

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
from typing import Any, Final

from exchange.errors import EgressRefused
from exchange.net.egress import Guard, connect

CONNECT_S: Final = 5.0
_SILENT_S: Final = 600.0
_POLL_S: Final = 0.1  # how soon it notices that it was closed
_MAX_REQUEST_BYTES: Final = 4096
MOST_AT_ONCE: Final = 64
"""Connections, of two threads each; far more than the client of an object store has."""
_PIECE_BYTES: Final = 1 << 16


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
        asked = _request(near, time.monotonic() + CONNECT_S)
        end = None if asked is None else self._end(asked)
        if end is None:
            near.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            with connect(self._guard, *end, CONNECT_S) as far:
                self.refusal = None
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                _relay(near, far)
        except EgressRefused as error:
            self.refusal = error
            near.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    def _end(self, request: list[str]) -> tuple[str, int] | None:
        """Host and port that are asked for, with the right password."""
        method, _, rest = request[0].partition(" ")
        host, _, port = rest.split(" ")[0].rpartition(":")
        given = next((line for line in request if line.lower().startswith("proxy-authorization:")), "")
        wanted = "Basic " + base64.b64encode(f"ffp:{self._password}".encode()).decode()
        right = hmac.compare_digest(given.partition(":")[2].strip().encode(), wanted.encode())
        return (host.strip("[]"), int(port)) if right and method == "CONNECT" and port.isdecimal() else None


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


def _request(near: socket.socket, until: float) -> list[str] | None:
    """Its lines; None for what is too long, too slow as a whole, or broken off."""
    head = b""
    while b"\r\n\r\n" not in head:
        left = until - time.monotonic()
        if left <= 0:
            return None
        near.settimeout(left)
        piece = near.recv(_MAX_REQUEST_BYTES)
        head += piece
        if not piece or len(head) > _MAX_REQUEST_BYTES:
            return None
    near.settimeout(CONNECT_S)
    return head.decode("latin-1").split("\r\n")


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
