"""docs/training: every command of the half-day script, as it is written, while the region runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT, Document

SCRIPT = "docs/training/README.md"
PATIENCE_S = 420
PORTS = 21_441


@pytest.fixture(scope="module")
def script() -> Document:
    return Document(SCRIPT, (ROOT / SCRIPT).read_text(encoding="utf-8"))


def commands_of(script: Document) -> list[list[str]]:
    lines = [line for block in script.blocks("sh") for line in block.replace("\\\n", " ").splitlines() if line]
    return [shlex.split(line) for line in lines]


def test_the_script_has_its_pictures_and_each_is_small(script: Document) -> None:
    folder = ROOT / "docs" / "training"
    named = set(re.findall(r"!\[[^\]]+\]\(([a-z-]+\.png)\)", script.text))
    assert len(named) >= 6
    for name in named:
        content = (folder / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 200_000, name


def test_the_half_day_adds_up(script: Document) -> None:
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) min \|", script.text, re.MULTILINE)
    times = [(60 * int(hour) + int(minute), int(long)) for hour, minute, long in rows]
    for (begins, long), (follows, _) in pairwise(times):
        assert begins + long == follows
    assert sum(long for _, long in times) == 240


def test_the_questions_of_the_script_are_commands_of_this_software(script: Document) -> None:
    assert [command[0] for command in commands_of(script)] == ["ffp"] * len(commands_of(script))
    assert commands_of(script)[0] == ["ffp", "training", "region"]


@pytest.mark.long
def test_every_command_works_as_written(script: Document, tmp_path: Path) -> None:
    first, *others = commands_of(script)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FFP_NODE_")}
    # other tests may have the usual ports
    started = _ffp([*first, "--first-port", str(PORTS)])
    with (
        (tmp_path / "training.log").open("wb") as log,
        subprocess.Popen(started, cwd=tmp_path, env=environment, stdout=log, stderr=log) as region,
    ):
        try:
            _wait(tmp_path, region)
            for command in others:
                done = subprocess.run(_ffp(command), cwd=tmp_path, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, (command, done.stderr)
        finally:
            region.send_signal(signal.SIGINT)
            region.wait(60)
    listed = _ffp(["ffp", "exercise", "list", "--into", "region/exercises", "--json"])
    told = json.loads(subprocess.run(listed, cwd=tmp_path, env=environment, capture_output=True).stdout)
    assert sorted((one["for"], one["use"], one["answers"]) for one in told) == [
        ("examiner", "practice", True),
        ("examiner", "proficiency", True),
        ("investigator", "practice", True),
        ("investigator", "proficiency", True),
    ]
    assert json.loads((tmp_path / "exercises-2026H2.json").read_bytes())["synthetic"] is True


def _ffp(command: list[str]) -> list[str]:
    return [sys.executable, "-m", "exchange.cli.main", *command[1:]]


def _wait(folder: Path, region: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while "still to come" not in (folder / "training.log").read_text(errors="replace"):
        assert region.poll() is None, (folder / "training.log").read_text(errors="replace")[-2000:]
        assert time.monotonic() < deadline, (folder / "training.log").read_text(errors="replace")[-2000:]
        time.sleep(1)
