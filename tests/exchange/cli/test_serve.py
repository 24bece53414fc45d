"""``ffp`` as processes: a node from its making to its end, and what it says when it cannot serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from exchange.cli.serving.listener import listener_of
from exchange.config import load_settings
from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.running_nodes import free_port
from tests.exchange.served import command, eventually, serving
from tests.exchange.web.conftest import tiny_scan

HELP_S = 1.0


@pytest.mark.slow
def test_help_comes_at_once() -> None:
    """The best of three: nothing heavy is imported before a command needs it."""
    taken = []
    for _ in range(3):
        begun = time.monotonic()
        subprocess.run(command("--help"), capture_output=True, check=True, timeout=60)
        taken.append(time.monotonic() - begun)
    assert min(taken) < HELP_S


@pytest.mark.slow
def test_a_node_serves_beside_the_command_line_and_ends_cleanly(
    ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submissions and ``ffp user add`` write at the same time; a second server is refused; Ctrl-C ends all."""
    with serving(tmp_path / "node", Jurisdiction.RS) as node:
        arriving = node.home / "incoming" / "arriving"
        arriving.write_bytes(b"half of an upload")
        with ThreadPoolExecutor(8) as pool:
            submitting = [pool.submit(node.submit, tiny_scan(), f"RS-{number}") for number in range(10)]
            for number in range(3):
                assert ffp("user", "add", f"user-{number}", "--role", "operator", "--home", node.home).code == 0
            monkeypatch.setenv("FFP_NODE_PORT", str(free_port()))
            assert "another process" in refusal(ffp("serve", "--home", node.home))
        assert arriving.exists(), "a second server would clear away what the first is receiving"
        assert [getattr(answer.result(), "status_code", None) for answer in submitting] == [201] * 10

        os.kill(node.process.pid, signal.SIGINT)
        assert node.process.wait(30) == 0
        eventually(lambda: node.processes() == [])
        written = node.log.read_text(encoding="utf-8")
        assert "Traceback" not in written
        assert all(json.loads(line)["level"] in {"info", "warning"} for line in written.splitlines())
        assert node.token not in written


def test_an_answer_waits_for_no_acknowledgement(tmp_path: Path) -> None:
    """Else each answer but the first of a connection takes 40 ms."""
    create_node(tmp_path, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:1", port=free_port())
    settings = load_settings(tmp_path)
    with listener_of(settings) as listener, socket.create_connection(("127.0.0.1", settings.port)):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken(ffp: Ffp, tmp_path: Path) -> None:
    port = free_port()
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    leftover = tmp_path / "node" / "incoming" / "left"
    leftover.write_bytes(b"")
    with socket.create_server(("127.0.0.1", port)):
        assert f"Port {port}" in refusal(ffp("serve", "--home", tmp_path / "node"))
    assert leftover.exists(), "nothing of the node was touched"


@pytest.mark.slow
def test_a_head_without_end_ends_the_connection(tmp_path: Path) -> None:
    """Nobody fills the memory of a node with a header, whatever parser is installed beside it."""
    pieces, sent = 400, 0
    with (
        serving(tmp_path / "rs", Jurisdiction.RS) as node,
        socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2])), timeout=20) as talker,
    ):
        talker.sendall(b"GET /v1/node HTTP/1.1\r\nHost: x\r\nA: ")
        with suppress(ConnectionError):
            while sent < pieces:
                talker.sendall(b"a" * 65536)
                sent += 1
    assert sent < pieces
