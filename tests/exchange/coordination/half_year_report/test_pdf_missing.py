"""A report as PDF without the extra that sets it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exchange.extras.known import extra_named
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.extras.test_missing import home as home


def test_a_pdf_that_was_asked_for(home: Path, ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is counted or signed; the other forms do not ask for it."""
    monkeypatch.setitem(sys.modules, extra_named("pdf").module, None)
    out = tmp_path / "report"
    asked = ("report", "--half", "2026H1", "--draft", "--home", home, "--out", out)
    assert "ffp extras add pdf" in refusal(ffp(*asked, "--form", "pdf"))
    assert not out.exists()
    assert ffp(*asked, "--form", "csv").code == 0
