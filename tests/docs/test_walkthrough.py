"""docs/first-submission.md, run as it stands there: a real node, real sockets, curl."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TIMEOUT_S = 90
# A person would have two terminals. Here the node goes into the background, and the rest waits until it answers.
SERVE = """ffp serve 2> serve.log &
trap 'kill %1; wait' EXIT
until curl -sS --fail --output ready.json http://127.0.0.1:8440/readyz 2> waiting.log; do kill -0 %1; sleep 0.1; done"""


@pytest.mark.slow
def test_submit_your_own_scan(first_submission: Any, root: Path, tmp_path: Path) -> None:
    _needs_curl()
    _install_as_make_does(tmp_path, root)
    script = "\n".join(first_submission.blocks("sh"))
    assert script.count("\nffp serve\n") == 1
    script = script.replace("\nffp serve\n", f"\n{SERVE}\n").replace("8440", str(_free_port()))

    done = _run(f"set -euo pipefail\n{script}", tmp_path)

    log = tmp_path / "serve.log"
    assert done == 0, f"{(tmp_path / 'said').read_text()}\n{log.read_text() if log.exists() else ''}"
    trial = tmp_path / "node/trial"
    receipt = json.loads((trial / "receipt.json").read_text())
    assert receipt["created"]
    assert {item["state"] for item in receipt["sharing"]} == {"no-peer"}
    candidates = json.loads((trial / "candidates.json").read_text())["items"]
    assert candidates[0]["record"]["statement_id"] == receipt["statement_id"]
    pair = json.loads((trial / "pair.json").read_text())
    assert pair["congruent_cells"] > pair["cells"] / 2
    assert (trial / "picture.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert (trial / "copy.x3p").read_bytes() == (trial / "scan-1.x3p").read_bytes()
    envelope = json.loads((trial / "envelope.json").read_text())
    assert len(envelope["signatures"]) == 2
    record = json.loads((trial / "record.json").read_text())
    assert record["acquisitions"][0]["sha256"] == hashlib.sha256((trial / "scan-1.x3p").read_bytes()).hexdigest()


def _needs_curl() -> None:
    if shutil.which("curl") is None:
        reason = "curl is not installed: docs/first-submission.md WAS NOT TRIED"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def _install_as_make_does(folder: Path, root: Path) -> None:
    """``.venv/bin`` with ``ffp`` and ``python`` in it, which lead to the software under test."""
    binaries = folder / ".venv/bin"
    binaries.mkdir(parents=True)
    for name, arguments in (("python", ""), ("ffp", "-m exchange.cli.main")):
        (binaries / name).write_text(
            f'#!/bin/sh\nexport PYTHONPATH="{root}"\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8"
        )
        (binaries / name).chmod(0o755)


def _run(script: str, folder: Path) -> int:
    """The exit code; what was printed goes to the file ``said``. Nothing that was started outlives the call."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            return process.wait(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
