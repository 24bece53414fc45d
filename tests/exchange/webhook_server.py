"""A program that is told: a real server of HTTP, which writes down what came, and answers as it is told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebhookServer(ThreadingHTTPServer):
    """``statuses``: of the next answers, one after the other; then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ffp"

    def messages(self, secret: str) -> list[dict[str, Any]]:
        """What came, each verified as whoever receives it would."""
        return [verified(secret, headers, body) for headers, body in self.came]


class _Handler(BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.send_response(status)
        if status in {301, 302, 307}:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


def verified(secret: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """By the specification alone: the key is what follows the prefix, signed are name, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert hmac.compare_digest(base64.b64decode(signature), hmac.new(key, signed, hashlib.sha256).digest())
    found: dict[str, Any] = json.loads(body)
    return found


@contextmanager
def webhook_server() -> Iterator[WebhookServer]:
    server = WebhookServer()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
