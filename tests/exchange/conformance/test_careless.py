"""A server that is careless on the wire, TLS that cannot be believed, and addresses where no node is."""

from __future__ import annotations

import http.client
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exchange.conformance.check import Check, Verdict, run_checks
from exchange.conformance.checks import check_card as card
from exchange.conformance.checks import limits
from exchange.conformance.guest.guest import guest_at
from exchange.conformance.suite import ALL_CHECKS, run_suite
from exchange.conformance.visit import Visit
from exchange.conformance.wire import Wire
from exchange.errors import ConfigurationError, InvalidInput
from exchange.flows.node.node import create_node, opened
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.sync.test_hostile_peer import _certificate
from tests.exchange.running_nodes import free_port

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def careless(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Takes everything, waits for ever, and says that all is well."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            self.wfile.write(OK)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            if tls is None:
                return connection, address
            # shaken hands with in the handler's thread, when it first reads
            return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: object, client_address: object) -> None:
            """The visitor hung up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def verdicts(visit: Visit, checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {found.check.name: found.verdict for found in run_checks(visit, checks)}


def test_a_server_without_limits_is_found() -> None:
    with careless() as url:
        said = verdicts(Visit(Wire(url), slow_body_s=2.5), limits.CHECKS)
    assert said == {
        "header-bounded": Verdict.NOT_KEPT,
        "body-bounded": Verdict.NOT_KEPT,
        "slow-body-bounded": Verdict.NOT_KEPT,
        "alive": Verdict.KEPT,
    }


def _tls_of(visit: Visit) -> tuple[Verdict, str]:
    [check] = [check for check in card.CHECKS if check.name == "tls"]
    [found] = run_checks(visit, [check])
    return found.verdict, found.evidence


def test_a_certificate_is_believed_when_it_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_certificate(tmp_path))
    with careless(context) as url:
        unknown = _tls_of(Visit(Wire(url)))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
        known = _tls_of(Visit(Wire(url)))
        assert Wire(url).ask("GET", "/").status == 200
    assert unknown[0] is Verdict.NOT_KEPT
    assert "CERTIFICATE_VERIFY_FAILED" in unknown[1]
    assert known[0] is Verdict.KEPT
    assert known[1].startswith("TLSv1.3")


def test_where_nobody_answers_nothing_is_kept() -> None:
    findings = list(run_suite(f"http://127.0.0.1:{free_port()}", quick=True))
    assert [found.check for found in findings] == list(ALL_CHECKS)
    assert Verdict.KEPT not in {found.verdict for found in findings}


@pytest.mark.parametrize("url", ["ftp://x", "ffp.example", "http://", "http://ffp.example/path", "http://[x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises((InvalidInput, ValueError)):
        Wire(url)


def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.conformance.wire.MAX_ANSWER_BYTES", 10)
    with careless() as url:
        [found] = run_checks(Visit(Wire(url)), limits.CHECKS[-1:])
    assert (found.verdict, "more than 10 bytes" in found.evidence) == (Verdict.NOT_KEPT, True)


def test_what_is_no_http_is_not_kept() -> None:
    class Noise(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(b"\x00\xff\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Noise) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        wire = Wire(f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(http.client.HTTPException):
            wire.ask("GET", "/")
        assert set(verdicts(Visit(wire), card.CHECKS).values()) == {Verdict.NOT_KEPT, Verdict.NOT_TRIED}
        server.shutdown()


def test_a_guest_is_of_another_jurisdiction_and_has_a_port_of_its_own(tmp_path: Path) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(tmp_path / "node") as node, careless() as url:
        keys, taken = node.history, int(url.rpartition(":")[2])
        for jurisdiction, port, said in (
            (Jurisdiction.RS, free_port(), "of RS itself"),
            (Jurisdiction.MK, taken, "cannot be had"),
        ):
            with (
                pytest.raises(ConfigurationError, match=said),
                guest_at(Wire(url), keys, jurisdiction=jurisdiction, listen=("127.0.0.1", port), patience_s=1),
            ):
                pass


def test_a_guest_that_nobody_enrols_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    monkeypatch.setattr("exchange.conformance.guest.guest.POLL_S", 0.05)
    monkeypatch.setattr("tests.exchange.conformance.test_careless.OK", OK.replace(b"200 OK", b"401 No"))
    with (
        opened(tmp_path / "node") as node,
        careless() as url,
        guest_at(
            Wire(url),
            node.history,
            jurisdiction=Jurisdiction.MK,
            listen=("127.0.0.1", free_port()),
            patience_s=1,
        ) as guest,
        pytest.raises(ConfigurationError, match="was not enrolled within 0 s"),
    ):
        guest.wait_enrolled(0.2)


def test_a_guest_does_not_take_another_nodes_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(tmp_path / "node") as node:
        monkeypatch.setenv("FFP_NODE_NODE_ID", "ffp-mk-other")
        with (
            pytest.raises(ConfigurationError, match="unset what begins with FFP_NODE_"),
            guest_at(
                Wire("http://127.0.0.1:9"),
                node.history,
                jurisdiction=Jurisdiction.MK,
                listen=("127.0.0.1", free_port()),
                patience_s=1,
            ),
        ):
            pass
