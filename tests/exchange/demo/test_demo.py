"""The demo as a newcomer runs it: whole, stopped in the middle, and with unfit input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from exchange.demo.run import stoppable
from schemas.vocabulary import KOSOVO_FOOTNOTE

COMMAND = [sys.executable, "-m", "exchange.cli.main", "demo"]


def _processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that were started with a folder as TMPDIR: nodes, their workers, and the rest."""
    mark = f"TMPDIR={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # the process ended meanwhile
            continue
    return found


def _eventually_gone(folder: Path, seconds: float = 5) -> bool:
    """Helper processes notice that their parent ended a moment after it did."""
    deadline = time.monotonic() + seconds
    while _processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _processes_of(folder)


def _environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "100"}


@pytest.mark.long  # `.ci/run` makes the demo by the README's own command
def test_the_whole_demo_on_synthetic_scans(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = subprocess.run(
        [*COMMAND, "--seed", "2", "--json", str(out)],
        capture_output=True,
        text=True,
        timeout=300,
        env=_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert (found["pairs_dropped"], found["scores_that_differ_between_nodes"]) == (0, 0)
    assert found["synthetic"] is True
    assert found["found_links"] == found["possible_links"] > 5
    assert len(found["candidates"]) == found["cross_border_pairs"]
    assert "SYNTHETIC" in done.stdout
    assert KOSOVO_FOOTNOTE.split("*")[1].split()[0] in done.stdout
    assert "Kosovo " not in done.stdout.replace("References to Kosovo ", ""), "Kosovo* carries its asterisk"
    assert _eventually_gone(tmp_path), _processes_of(tmp_path)
    assert list(tmp_path.glob("ffp-demo-*")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "nodes", "begun"),
    [
        # what SIGTERM raises is what Ctrl-C raises: this one fails when either is not answered
        pytest.param(signal.SIGTERM, 3, "ffp-demo-*/**/blobs/??/*", id="terminated, scans are exchanged"),
        pytest.param(signal.SIGINT, 1, "ffp-demo-*/**/node.db", id="Ctrl-C, nodes are being started"),
        pytest.param(signal.SIGINT, 3, "ffp-demo-*/**/blobs/??/*", id="Ctrl-C, scans are exchanged"),
    ],
)
def test_ctrl_c_ends_the_nodes_and_leaves_nothing_behind(
    tmp_path: Path, ending: signal.Signals, nodes: int, begun: str
) -> None:
    """Ended when so many nodes were started and there is such a file."""
    demo = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(tmp_path)
    )
    deadline = time.monotonic() + 60
    while sum(" serve " in line for line in _processes_of(tmp_path)) < nodes or not any(tmp_path.glob(begun)):
        assert demo.poll() is None, demo.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    demo.send_signal(ending)
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, output
    assert "Traceback" not in output
    assert _eventually_gone(tmp_path), _processes_of(tmp_path)
    assert list(tmp_path.glob("ffp-demo-*")) == []


def test_a_signal_that_arrives_in_a_callback_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised there, Python prints and drops: a demo that is asked to end prints no traceback."""
    dropped: list[object] = []
    hook = dropped.append
    monkeypatch.setattr(sys, "unraisablehook", hook)

    class Kept:
        pass

    kept = Kept()
    reference = weakref.ref(kept, lambda _: signal.raise_signal(signal.SIGTERM))
    with stoppable() as go_on:
        go_on()
        del kept
        assert reference() is None
        assert dropped == []
        with pytest.raises(KeyboardInterrupt):
            go_on()
    assert sys.unraisablehook == hook


@pytest.mark.slow
def test_an_unfit_folder_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--scans", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        timeout=60,
        env=_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert "two or more" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
