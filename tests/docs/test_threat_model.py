"""The threat model: each proof that it names is a test, and its table of limits says what the code does."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from exchange.config import Settings
from matcher.numeric.size_limits import Limits
from tests.docs.conftest import is_removed

UNITS = {"kiB": 1024, "MiB": 1024**2, "s": 1, "": 1}
BOUND = re.compile(r"^(?:max_|min_free)|_timeout_s$|_quota$|_skew_s$|^workers$")


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/threat-model.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "control" not in line]


def test_each_threat_has_a_control_and_a_proof_that_is_a_test(page: str, root: Path) -> None:
    whom = ("Outsiders", "A malicious peer", "A curious insider", "A stolen or old backup", "A lost or stolen key")
    named = 0
    for heading in whom:
        threats = rows(section(page, heading))
        assert len(threats) >= 4, heading
        for threat, control, proof in threats:
            assert len(control) > 10, threat
            tests = re.findall(r"\[(\w+)\]\(\.\./(tests/\S+\.py)\)", proof)
            assert tests, threat
            for name, file in tests:
                if not is_removed(root / file):
                    assert f"def test_{name}(" in (root / file).read_text(encoding="utf-8"), f"{threat}: {name}"
            named += len(tests)
    assert named > 60


def test_what_is_not_covered_is_told_too(page: str) -> None:
    assert section(page, "Not covered").count("\n- **") > 10


def test_the_limits_are_those_of_the_code(page: str) -> None:
    told = {where.strip("`"): bound for _, bound, where in rows(section(page, "Limits")) if where != "where"}
    assert len(told) > 40
    for where, bound in told.items():
        if where == "FFP_NODE_WORKERS":
            continue
        number, _, unit = bound.partition(" ")
        assert float(number) * UNITS[unit] == _value(where), where


def test_every_bound_of_a_setting_or_of_the_reader_of_scans_is_told(page: str) -> None:
    told = section(page, "Limits")
    bounds = [f"FFP_NODE_{name.upper()}" for name in Settings.model_fields if BOUND.search(name)]
    bounds += [f"matcher.numeric.size_limits.Limits.{field.name}" for field in fields(Limits)]
    assert len(bounds) > 20
    assert [name for name in bounds if f"`{name}`" not in told] == []


def _value(where: str) -> Any:
    if where.startswith("FFP_NODE_"):
        return Settings.model_fields[where.removeprefix("FFP_NODE_").lower()].default
    owner, _, name = where.rpartition(".")
    if owner == "matcher.numeric.size_limits.Limits":
        return getattr(Limits(), name)
    return getattr(importlib.import_module(owner), name)
