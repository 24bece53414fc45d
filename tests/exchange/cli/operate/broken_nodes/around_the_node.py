"""Ways to break what is around a node: its port, its address, its peers, its services, and who does its work."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import uvicorn

from exchange.clock import now, stamp_in
from exchange.config import load_settings
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.node.node import create_node, open_node, opened
from exchange.store.node.jobs import JobKind, promise
from exchange.store.node.workers import WorkerIdentity, show_worker
from exchange.store.sync.peers import find_peer
from exchange.store.tables.work_tables import JobRow
from exchange.trust.registry import RegisteredNode
from exchange.web.app import create_app
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.operate.broken_nodes.in_the_settings import certificate
from tests.exchange.cli.operate.broken_nodes.made import Made
from tests.exchange.log.authority import Authority, url_of
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.running_nodes import free_port
from tests.exchange.trust.rounds import Capitals

_HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(60)
"""


class _Quiet(BaseHTTPRequestHandler):
    """Answers 200 to everything, and is no node."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: object) -> None:
        """Not between the lines that a test reads."""


@contextmanager
def _web_server(port: int, context: ssl.SSLContext | None = None) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", port), _Quiet) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@contextmanager
def _node_served(made: Made, *, works: bool = False) -> Iterator[None]:
    """The node of the home runs, in this process."""
    node = open_node(made.home)
    config = uvicorn.Config(
        create_app(node, works=works), port=node.settings.port, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the node ended at once"
        time.sleep(0.01)
    try:
        yield
    finally:
        node.news.close()
        server.should_exit = True
        thread.join()
        node.close()


@contextmanager
def _another_node(made: Made, jurisdiction: Jurisdiction, port: int | None = None) -> Iterator[int]:
    """Runs; gives its port."""
    port, home, own = port or free_port(), made.folder / "other", made.home
    create_node(home, jurisdiction=jurisdiction, url=f"http://127.0.0.1:{port}", port=port)
    made.home = home
    with _node_served(made):
        made.home = own
        yield port


@contextmanager
def web_server_on_the_port(made: Made) -> Iterator[None]:
    with _web_server(load_settings(made.home).port):
        yield


@contextmanager
def silent_program_on_the_port(made: Made) -> Iterator[None]:
    """It takes connections, and says nothing that is HTTP."""
    with socket.create_server(("127.0.0.1", load_settings(made.home).port)) as listener:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    line.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
                    line.close()

        threading.Thread(target=answer, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def another_node_on_the_port(made: Made) -> Iterator[None]:
    with _another_node(made, Jurisdiction.MK) as port:
        made.set(f"port = {port}")
        yield


@contextmanager
def a_namesake_on_the_port(made: Made) -> Iterator[None]:
    """`ffp init` made a second node of the same name, in another folder."""
    with _another_node(made, Jurisdiction.RS) as port:
        made.set(f"port = {port}")
        yield


@contextmanager
def another_node_at_the_address(made: Made) -> Iterator[None]:
    """Of its card; the node itself would serve at another port, as behind a reverse proxy."""
    with _another_node(made, Jurisdiction.MK, load_settings(made.home).port):
        made.set(f"port = {free_port()}")
        yield


@contextmanager
def this_node_elsewhere(made: Made) -> Iterator[None]:
    """The home was copied to a new machine, and the old one still serves."""
    with _node_served(made):
        made.set(f"port = {free_port()}")
        yield


@contextmanager
def address_of_another_machine(made: Made) -> Iterator[None]:
    made.set('host = "192.0.2.7"')
    yield


@contextmanager
def process_that_hangs(made: Made) -> Iterator[None]:
    """It serves the home, as the lock says, and answers nobody."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(made.home / "serve.lock")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


@contextmanager
def no_worker(made: Made) -> Iterator[None]:
    with _node_served(made):
        yield


@contextmanager
def queue_that_stands(made: Made) -> Iterator[None]:
    """A worker shows itself, and begins nothing."""
    with _node_served(made), opened(made.home) as node:
        with node.store.write() as session:
            show_worker(session, WorkerIdentity("w", "here", "m", "h", stamp_in(0)), lease_s=3600)
            promise(session, JobKind.CORRELATE, 1)
            session.flush()
            session.query(JobRow).update({JobRow.not_before: stamp_in(-3600)})
        yield


@contextmanager
def running_on_a_full_disk(made: Made) -> Iterator[None]:
    made.set("min_free_bytes = 1000000")
    with made.on_a_disk("size=64m") as place, _node_served(made):
        with suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\1" * 2**16)
        yield
        (place / "filler").unlink()


@contextmanager
def cluster_away(made: Made) -> Iterator[None]:
    made.set(f'cluster_scheduler = "tcp://127.0.0.1:{free_port()}"')
    yield


@contextmanager
def object_store_away(made: Made) -> Iterator[None]:
    made.set('objects_url = "s3://ffp/scans"', f'objects_endpoint = "http://127.0.0.1:{free_port()}"')
    made.patch.setenv("FFP_NODE_OBJECTS_KEY_ID", "id")
    made.patch.setenv("FFP_NODE_OBJECTS_SECRET", "secret")
    yield


@contextmanager
def mail_server_away(made: Made) -> Iterator[None]:
    made.set('smtp_host = "127.0.0.1"', f"smtp_port = {free_port()}", 'smtp_from = "node@lab.example"')
    made.set('smtp_security = "none"')
    yield


@contextmanager
def provider_away(made: Made) -> Iterator[None]:
    made.set(f'oidc_issuer = "http://127.0.0.1:{free_port()}/realm"', 'oidc_client_id = "ffp-rs"')
    yield


@contextmanager
def time_authority_away(made: Made) -> Iterator[None]:
    roots = Authority(made.folder / "authority").roots
    made.set(f'timestamp_url = "{url_of(free_port())}"', f'timestamp_roots = "{roots}"')
    yield


def _enrol(made: Made, jurisdiction: Jurisdiction, url: str, ahead_s: float | None = None) -> None:
    """A peer that was enrolled once, with the clock that was last measured there."""
    other = made.folder / jurisdiction
    create_node(other, jurisdiction=jurisdiction, url=url, port=9)
    with opened(other) as peer, opened(made.home) as node:
        introduction = read_introduction(node, peer.card_envelope.raw)
        enrol(node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
        with node.store.write() as session:
            row = find_peer(session, peer.node_id)
            assert row is not None
            row.clock_ahead_s = ahead_s


@contextmanager
def clock_off_by_the_peers(made: Made) -> Iterator[None]:
    """Both were ahead alike when they last answered; now neither is there."""
    for jurisdiction in (Jurisdiction.MK, Jurisdiction.AL):
        _enrol(made, jurisdiction, f"http://127.0.0.1:{free_port()}", ahead_s=7200.0)
    yield


@contextmanager
def no_peer_reached(made: Made) -> Iterator[None]:
    for jurisdiction in (Jurisdiction.MK, Jurisdiction.AL):
        _enrol(made, jurisdiction, f"http://127.0.0.1:{free_port()}")
    yield


@contextmanager
def peer_away(made: Made) -> Iterator[None]:
    _enrol(made, Jurisdiction.MK, f"http://127.0.0.1:{free_port()}")
    yield


@contextmanager
def _peer_with_a_certificate(made: Made, days: float) -> Iterator[None]:
    port, file = free_port(), made.folder / "server.pem"
    certificate(file, days=days)
    made.patch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    _enrol(made, Jurisdiction.MK, f"https://localhost:{port}")
    with _web_server(port, context):
        yield


@contextmanager
def certificate_of_a_peer_ends(made: Made) -> Iterator[None]:
    with _peer_with_a_certificate(made, 13):
        yield


@contextmanager
def certificate_of_a_peer_ended(made: Made) -> Iterator[None]:
    with _peer_with_a_certificate(made, -2):
        yield


@contextmanager
def trust_root_expires(made: Made) -> Iterator[None]:
    with opened(made.home) as node:
        card = node.card
        entry = RegisteredNode(
            node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity
        )
        trust = Capitals().round(nodes=[entry], expires=now() + timedelta(days=13))
        install_trust(node.settings, trust, confirmed=trust.fingerprint)
    yield
