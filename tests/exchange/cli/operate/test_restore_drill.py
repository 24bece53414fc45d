"""``ffp restore-drill``: what it says, its exit codes, and that a signal leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exchange.flows.operate.recovery import read_drills
from tests.exchange.cli.conftest import Ffp

pytestmark = pytest.mark.slow
_SLOWLY = """
import sys, time
from exchange.flows.operate.drill import restore_drill
restore_drill.open_with = lambda _settings: time.sleep(60)
from exchange.cli.main import run
run()
"""


@pytest.fixture
def home(ffp: Ffp, tmp_path: Path) -> Path:
    home = tmp_path / "node"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    return home


def test_before_and_after_the_first_backup(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    said = ffp("restore-drill", "--home", home)
    assert said.code == 1
    assert "The node knows of no backup" in said.err
    ffp("backup", tmp_path / "backups", "--home", home)
    said = ffp("restore-drill", "--home", home)
    assert said.code == 0, said.err
    assert "All is what was signed, and the log is the beginning of the running node's." in said.out
    told = json.loads(ffp("restore-drill", "--home", home, "--from", tmp_path / "backups", "--json").out)
    assert (told["verified"], told["keys"], told["scans"]) == (True, "of the running node", 0)
    status = json.loads(ffp("status", "--home", home, "--json").out)["recovery"]
    assert status["backup"]["bytes"] == told["bytes"] == status["verified"]["bytes"]
    assert status["lacking"] == []
    facts = ffp("status", "--home", home).out
    assert f"last verified restore\t{status['verified']['at']}, of {told['backup']}" in facts


def test_a_folder_without_backups_and_one_that_is_not_there(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    for name in ("empty", "gone"):
        if name == "empty":
            (tmp_path / name).mkdir()
        said = ffp("restore-drill", "--home", home, "--from", tmp_path / name)
        assert said.code == 1
        assert f"There is no backup of ffp-rs in {tmp_path / name}" in said.err


def test_where_there_is_no_node(ffp: Ffp, tmp_path: Path) -> None:
    said = ffp("restore-drill", "--home", tmp_path / "nothing")
    assert said.code == 2
    assert "There is no node" in said.err


def test_what_is_kept_is_named(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    ffp("backup", tmp_path / "backups", "--home", home)
    said = ffp("restore-drill", "--home", home, "--scratch", tmp_path, "--keep")
    assert said.code == 0
    assert f"Kept, with its keys, until the next drill: {tmp_path / 'restore-drill-ffp-rs'}" in said.err
    served = ffp("serve", "--home", tmp_path / "restore-drill-ffp-rs/home")
    assert served.code == 2
    assert "half of the node is missing" in served.err


def test_a_service_that_is_stopped_leaves_nothing(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    ffp("backup", tmp_path / "backups", "--home", home)
    program = [sys.executable, "-c", _SLOWLY, "restore-drill", "--home", str(home)]
    process = subprocess.Popen(program, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, stderr=subprocess.DEVNULL)
    twin = home / "restore-drill-ffp-rs/home/config.toml"
    deadline = time.monotonic() + 60
    while not twin.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    assert list(home.glob("restore-drill-*")) == []
    assert read_drills(home).scratch is None
    assert read_drills(home).last is None, "nothing was found out"
