"""What ``ffp extras add`` runs, and what it says where that fails: one sentence, with the next step."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from exchange.extras import install
from exchange.extras.known import EXTRAS, ExtraState
from tests.exchange.cli.conftest import Ffp, ffp, refusal

__all__ = ["ffp"]
NO_INDEX = """WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'
ERROR: Could not find a version that satisfies the requirement typst==0.15.2 (from versions: none)
ERROR: No matching distribution found for typst==0.15.2
"""
ALTERED = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you ...
    typst==0.15.2 from file:///wheelhouse/typst-0.15.2.whl
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


class Pip:
    """Answers in pip's place: first to the install, then to the check."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *words: str, told: bool = True) -> tuple[int, str]:
        self.asked.append(words)
        return self.answers.pop(0)


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "wheel house"
    folder.mkdir()
    (folder / "x-1-py3-none-any.whl").touch()
    return folder


def answering(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, str]) -> Pip:
    pip = Pip(*answers)
    monkeypatch.setattr(install, "_pip", pip)
    monkeypatch.setattr("os.access", lambda _place, _mode: True)
    return pip


def test_it_takes_the_locks_of_this_release_and_nothing_from_elsewhere(
    ffp: Ffp, monkeypatch: pytest.MonkeyPatch, wheelhouse: Path
) -> None:
    pip = answering(monkeypatch, (0, ""), (0, "No broken requirements found."))
    said = ffp("extras", "add", "pdf", "s3", "pdf", "--from", wheelhouse, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out) == {"added": [], "restart": False}, "they were there in these versions"
    asked, checked = pip.asked
    assert checked == ("check",)
    assert asked[:2] == ("install", "--require-hashes")
    assert asked[asked.index("--no-index") :][:3] == ("--no-index", "--find-links", str(wheelhouse))
    locks = [Path(word) for word, after in zip(asked[1:], asked, strict=False) if after == "--requirement"]
    assert [lock.name for lock in locks] == ["pdf.lock", "s3.lock"]
    assert all(lock.is_file() for lock in locks)


def test_what_was_added_is_said_with_the_restart(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the network, where nothing else is named."""
    monkeypatch.setattr("exchange.extras.known.version", lambda _name: "0.0.1")
    assert EXTRAS[0].state is ExtraState.OTHER_VERSION
    pip = answering(monkeypatch, (0, ""), (0, ""))
    said = ffp("extras", "add", "pdf")
    assert said.out == "Installed: pdf. A node that runs takes it up when it is started anew.\n"
    assert "--no-index" not in pip.asked[0]


@pytest.mark.parametrize(
    ("answer", "from_wheelhouse", "said"),
    [
        (NO_INDEX, False, "make wheelhouse on a machine that has one (deploy/README.md, 1)"),
        (NO_INDEX, True, "is of another release, Python or processor, or is not whole"),
        (ALTERED, True, "Nothing was installed: the package is not the one that this release was tested with"),
        (ALTERED, False, "Nothing was installed"),
        (FULL, False, "No space left on device. Mend that, then: ffp extras add pdf"),
        ("", False, "pip failed. Mend that"),
    ],
)
def test_why_nothing_was_installed(
    answer: str, from_wheelhouse: bool, said: str, ffp: Ffp, monkeypatch: pytest.MonkeyPatch, wheelhouse: Path
) -> None:
    answering(monkeypatch, (1, answer))
    told = refusal(ffp("extras", "add", "pdf", *(("--from", wheelhouse) if from_wheelhouse else ())))
    assert said in told
    assert "Traceback" not in told


def test_what_does_not_fit_together_is_told(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (0, ""), (1, "distributed 1 requires dask==1, which is not installed."))
    assert "does not fit together: distributed 1 requires dask" in refusal(ffp("extras", "add", "cluster"))


def test_that_pip_installed_something_else_is_told(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (0, ""), (0, ""))
    monkeypatch.setitem(sys.modules, "typst", None)
    assert "pdf cannot be imported" in refusal(ffp("extras", "add", "pdf"))


def test_an_environment_of_somebody_else(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = answering(monkeypatch)
    monkeypatch.setattr("os.access", lambda _place, _mode: False)
    assert f"sudo {sys.prefix}/bin/ffp extras add pdf" in refusal(ffp("extras", "add", "pdf"))
    assert pip.asked == []


def test_an_environment_without_pip(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the container."""
    pip = answering(monkeypatch)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "pip" else found(name, *more))
    assert "--build-arg EXTRAS=" in refusal(ffp("extras", "add", "pdf"))
    assert pip.asked == []


def test_wrong_names_and_folders(ffp: Ffp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip = answering(monkeypatch)
    told = refusal(ffp("extras", "add", "pdf", "clusters"))
    assert "There is no extra 'clusters'" in told
    assert all(extra.name in told for extra in EXTRAS)
    for folder in (tmp_path, tmp_path / "missing"):
        assert "is no wheelhouse" in refusal(ffp("extras", "add", "pdf", "--from", folder))
    assert pip.asked == []


def test_what_is_installed_can_be_read_by_the_node_s_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although ffp keeps to itself what it writes; and neither the folder nor the environment says what pip is."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$(umask) $1 $2 $3"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    os.umask(0o077)
    assert install._pip("check", told=False) == (0, "0022 -I -m pip")
