"""The proxy cuts what it is told to cut, where it is told, and passes on the rest byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.chaos.fault_proxy import FaultProxy, Moment
from tests.exchange.running_nodes import free_port

BODY = bytes(range(256)) * 4000
ASKED = 40


@pytest.fixture(scope="module")
def owner_port() -> Iterator[int]:
    """A server that always gives the same megabyte."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """The proxy hung up, as it should."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def _fetched(owner_port: int, share: float, seed: int) -> tuple[list[int], FaultProxy]:
    """How many bytes of the body came, for each of some requests; -1 where there was no answer at all."""
    port = free_port()
    proxy = FaultProxy(port, owner_port, share=share, seed=seed)
    came = []
    client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
    for _ in range(ASKED):
        body, begun = b"", False
        try:
            with client.stream("GET", f"http://127.0.0.1:{port}/") as answer:
                begun = True
                for piece in answer.iter_raw():
                    body += piece
        except httpx.TransportError:
            assert BODY.startswith(body)
        came.append(len(body) if begun else -1)
    client.close()
    proxy.close()
    return came, proxy


def test_nothing_is_cut_when_nothing_is_to_be_cut(owner_port: int) -> None:
    came, proxy = _fetched(owner_port, 0.0, 1)
    assert came == [len(BODY)] * ASKED
    assert proxy.counts.to_reader > ASKED * len(BODY)
    assert not proxy.counts.cuts


def test_every_connection_is_cut_when_all_are_to_be_cut(owner_port: int) -> None:
    came, proxy = _fetched(owner_port, 1.0, 2)
    assert max(came) < len(BODY)
    assert proxy.counts.cuts.total() == proxy.counts.connections == ASKED
    assert set(proxy.counts.cuts) == set(Moment)
    assert came.count(-1) == ASKED - proxy.counts.cuts[Moment.BODY]


@pytest.mark.slow
def test_the_same_seed_cuts_the_same_connections(owner_port: int) -> None:
    whole = [[size == len(BODY) for size in _fetched(owner_port, 0.3, seed)[0]] for seed in (3, 3, 4)]
    assert whole[0] == whole[1] != whole[2]
    assert 0 < whole[0].count(False) < ASKED
