"""``ffp`` as processes: a node from its making to its end, and what it says when it cannot serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from exchange.flows.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.conftest import free_port
from tests.exchange.served import eventually, ffp, serving
from tests.exchange.web.conftest import tiny_scan

HELP_S = 1.0


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ffp(*arguments), capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_help_comes_at_once() -> None:
    """The best of three: nothing heavy is imported before a command needs it."""
    taken = []
    for _ in range(3):
        begun = time.monotonic()
        assert run("--help").returncode == 0
        taken.append(time.monotonic() - begun)
    assert min(taken) < HELP_S


def test_a_node_serves_beside_the_command_line_and_ends_cleanly(tmp_path: Path) -> None:
    """Submissions and ``ffp user add`` write at the same time; a second server is refused; Ctrl-C ends all."""
    with serving(tmp_path / "node", Jurisdiction.RS) as node:
        arriving = node.home / "incoming" / "arriving"
        arriving.write_bytes(b"half of an upload")
        with ThreadPoolExecutor(8) as pool:
            submitting = [pool.submit(node.submit, tiny_scan(), f"RS-{number}") for number in range(20)]
            adding = [
                pool.submit(run, "user", "add", f"user-{number}", "--role", "operator", "--home", node.home)
                for number in range(2)
            ]
            second = pool.submit(run, "serve", "--home", node.home, FFP_NODE_PORT=str(free_port()))
        assert [getattr(answer.result(), "status_code", None) for answer in submitting] == [201] * 20
        assert [done.result().returncode for done in adding] == [0, 0]

        refused = second.result()
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert "another process" in refused.stderr
        assert arriving.exists(), "a second server would clear away what the first is receiving"

        assert len(run("user", "list", "--home", node.home).stdout.splitlines()) == 3
        os.kill(node.process.pid, signal.SIGINT)
        assert node.process.wait(30) == 0
        eventually(lambda: node.processes() == [])
        lines = node.log.read_text(encoding="utf-8").splitlines()
        assert "Traceback" not in node.log.read_text(encoding="utf-8")
        assert all(json.loads(line)["level"] in {"info", "warning"} for line in lines)
        assert node.token not in node.log.read_text(encoding="utf-8")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    port = free_port()
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    leftover = tmp_path / "node" / "incoming" / "left"
    leftover.write_bytes(b"")
    with socket.create_server(("127.0.0.1", port)):
        refused = run("serve", "--home", tmp_path / "node")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"ffp: Port {port}")
    assert refused.stderr.count("\n") == 1
    assert leftover.exists(), "nothing of the node was touched"
