"""The region to practise in, as a trainer starts it: made once, stopped, and gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from exchange.coordination.exercises.exercise_folder import folder_of, list_sets
from exchange.coordination.exercises.exercise_vocabulary import ExerciseUse
from exchange.coordination.training import training as training_module
from exchange.coordination.training.training import PEOPLE, REGION, run_training
from exchange.demo.demo_processes import make_node
from exchange.errors import ConfigurationError
from exchange.flows.node.node import opened
from exchange.store.sync.peers import all_peers
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import free_port

PATIENCE_S = 300
EVERY_S = 2


@contextmanager
def training(folder: Path, first_port: int, out: Path, *further: str) -> Iterator[None]:
    """Runs while the block does, and is ended by Ctrl-C; it must end well."""
    command = [sys.executable, "-m", "exchange.cli.main", "training", str(folder)]
    command += ["--first-port", str(first_port), "--every", str(EVERY_S)]
    command += [word for code in further for word in ("--with", code)]
    with out.open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=printed, env={**os.environ, "COLUMNS": "100"})
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            ended = process.wait(PATIENCE_S)
    assert ended == 0, out.read_text()


def wait_for(pattern: str, out: Path) -> re.Match[str]:
    deadline = time.monotonic() + PATIENCE_S
    while (found := re.search(pattern, out.read_text())) is None:
        assert time.monotonic() < deadline, out.read_text()
        time.sleep(0.2)
    return found


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="Name an empty folder"):
        run_training(tmp_path, first_port=8441, every_s=1)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_region_that_was_not_made_to_its_end_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    with pytest.raises(ConfigurationError, match=f"rm -r {tmp_path}"):
        run_training(tmp_path, first_port=8441, every_s=1)


@pytest.mark.slow
def test_a_node_that_joined_halfway_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    six = [make_node(name, tmp_path, port=port + number) for number, name in enumerate(REGION[:2])]
    (tmp_path / "people.txt").touch()
    made = {"nodes": {node.jurisdiction: training_module._kept(node) for node in six}, "exhibits": []}
    enrolled = training_module.enrol_and_share
    calls = 0

    def interrupted(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        enrolled(*arguments)

    monkeypatch.setattr(training_module, "enrol_and_share", interrupted)
    (tmp_path / "ffp-md").mkdir()
    (tmp_path / "ffp-md" / "keys").touch()
    with pytest.raises(KeyboardInterrupt):
        training_module._join(tmp_path, made, [Jurisdiction.MD])
    made = json.loads((tmp_path / "region.json").read_text())
    assert list(made["joining"]) == ["MD"]

    grown = training_module._join(tmp_path, made, [Jurisdiction.MD])
    assert set(grown["nodes"]) == {*REGION[:2], "MD"}
    assert not grown["joining"]
    for name, peers in ((REGION[0], 1), (REGION[1], 1), (Jurisdiction.MD, 2)):
        with opened(tmp_path / f"ffp-{name.lower()}") as node, node.store.read() as session:
            assert len(all_peers(session)) == peers


@pytest.mark.long
def test_a_region_is_made_stopped_and_gone_on_with(tmp_path: Path) -> None:
    folder, first, second = tmp_path / "region", tmp_path / "first", tmp_path / "second"
    port = free_port()
    with training(folder, port, first):
        wait_for(r"-26-0001 came; 59 of 60 exhibits", first)
        people = (folder / "people.txt").read_text()
        invitations = re.findall(r"http://\S+/app/welcome/\S+", people)
        assert len(invitations) == len(REGION) * len(PEOPLE)
        for address in invitations[:: len(PEOPLE)]:  # one of each node: the page is there, and takes the invitation
            welcomed = httpx.get(address, trust_env=False)
            assert welcomed.status_code == 200, urlsplit(address).netloc
            assert "examiner-1" in welcomed.text
    assert "SYNTHETIC DATA" in first.read_text()
    assert "resolution 1244" in people
    kept = list_sets(folder / "exercises")
    assert [(one.document.audience, one.use) for one in kept] == [
        ("examiner", ExerciseUse.PRACTICE),
        ("investigator", ExerciseUse.PRACTICE),
    ]
    for made in REGION:
        with opened(folder / f"ffp-{made.lower()}") as node, node.store.read() as session:
            assert len(all_peers(session)) == len(REGION) - 1
            assert folder_of(node) == folder / "exercises", "one folder for all"
    with training(folder, port, second, "MD", "RS"):
        said = wait_for(r"-26-(\d{4}) came", second)
        welcomed = re.findall(
            rf"http://127.0.0.1:{port + len(REGION)}/app/welcome/\S+", (folder / "people.txt").read_text()
        )
        assert len(welcomed) == len(PEOPLE), "Moldova joined, on the port after the six; Serbia was there"
        assert httpx.get(welcomed[0], trust_env=False).status_code == 200
    assert int(said[1]) > 1, "what had come does not come again"
    for made in (*REGION, Jurisdiction.MD):
        with opened(folder / f"ffp-{made.lower()}") as node, node.store.read() as session:
            assert len(all_peers(session)) == len(REGION)
