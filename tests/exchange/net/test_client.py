"""What a peer says of itself is bounded before anything follows from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import PeerUnreachable
from exchange.net.client import MOST_RETRY_S, PeerClient
from exchange.net.egress import Typed


class _Later(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "999999999")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Later)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_nobody_is_left_alone_for_thirty_years(url: str) -> None:
    client = PeerClient("ffp-mk", Ed25519PrivateKey.generate(), guard=Typed(url, ()), timeout_s=5, certificate=None)
    with pytest.raises(PeerUnreachable) as caught:
        client.fetch_card(url)
    client.close()
    assert caught.value.retry_after_s == MOST_RETRY_S
