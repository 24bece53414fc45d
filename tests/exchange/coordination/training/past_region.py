"""The region of `ffp training` with a past, as a trainer starts it, and the commands of heads and the coordinator on
it: each a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.coordination.half_year.figure_definitions import AT_THE_END
from exchange.coordination.training.training import REGION

REGION_PAGE = Path(__file__).parents[4] / "docs" / "region.md"
PATIENCE_S = 1200
COMMAND_S = 300


def lines_to_try() -> list[str]:
    """The lines of the section "Try it" of docs/region.md, in their order."""
    section = REGION_PAGE.read_text(encoding="utf-8").split("## Try it\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def line_that_begins(words: str) -> str:
    [found] = [line for line in lines_to_try() if line.startswith(words)]
    return found


@dataclass
class PastRegion:
    """``desk`` is where somebody sits who tries it: the folder ``region`` of the training is in it."""

    desk: Path
    truth: Mapping[str, Any]
    digits: str = ""

    @property
    def halves(self) -> list[str]:
        return sorted(self.truth["halves"])

    def run(self, line: str, *, typed: str = "", code: int = 0) -> str:
        """A line as it stands on the page, in a shell."""
        program = f"{sys.executable} -m exchange.cli.main "
        found = subprocess.run(
            ["bash", "-c", re.sub(r"^ffp ", program, line)],
            cwd=self.desk,
            input=typed,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert found.returncode == code, (line, found.stdout, found.stderr)
        return found.stdout + found.stderr


@contextmanager
def past_region(desk: Path, first_port: int, half_years: int) -> Iterator[PastRegion]:
    """Runs while the block does, and is ended by Ctrl-C; it must end well."""
    out = desk / "training.out"
    words = line_that_begins("ffp training").removeprefix("ffp ").split()
    assert words[-2:] == ["--half-years", "2"]
    command = [sys.executable, "-m", "exchange.cli.main", *words[:-1], str(half_years)]
    command += ["--first-port", str(first_port), "--every", "3600"]
    with out.open("wb") as printed:
        process = subprocess.Popen(
            command, cwd=desk, stdout=printed, stderr=printed, env={**os.environ, "COLUMNS": "100"}
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while "exhibits are still to come" not in out.read_text():
                assert process.poll() is None, out.read_text()
                assert time.monotonic() < deadline, out.read_text()
                time.sleep(0.5)
            yield PastRegion(desk, json.loads((desk / "region" / "truth.json").read_text()))
        finally:
            process.send_signal(signal.SIGINT)
            ended = process.wait(COMMAND_S)
    assert ended == 0, out.read_text()


def true_counts(truth: Mapping[str, Any], period: str, name: str) -> dict[str, int]:
    """By whom it is of; of a year the sum of its half-years, and what stands at an end, of the last of them."""
    halves = sorted(half for half in truth["halves"] if half == period or half[:4] == period)
    if name in AT_THE_END:
        halves = halves[-1:]
    found: dict[str, int] = {}
    for half in halves:
        for key, count in truth["halves"][half]["counts"].get(name, {}).items():
            found[key] = found.get(key, 0) + count
    return found


def true_hours(truth: Mapping[str, Any], period: str, stage: str) -> list[float]:
    halves = [half for half in truth["halves"] if half == period or half[:4] == period]
    return sorted(span for half in halves for span in truth["halves"][half]["hours"].get(stage, []))


def digits_in(said: str) -> str:
    found = re.search(r"(?:\d{5} ){7}\d{5}", said)
    assert found is not None, said
    return found[0]


CODES = [str(code) for code in REGION]
