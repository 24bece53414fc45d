"""``ffp`` in this process: its exit code, and what it writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Ffp = Callable[..., Said]


@pytest.fixture
def ffp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ffp:
    """``ffp("user", "list", "--home", home)``."""

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["ffp", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        found = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, found.out, found.err)

    return call


def refusal(said: Said) -> str:
    """The one sentence of a refusal, beside what was logged."""
    assert said.code == 2, said
    [sentence] = [line for line in said.err.splitlines() if not line.startswith("{")]
    assert sentence.startswith("ffp: "), said
    assert said.out == ""
    return sentence
