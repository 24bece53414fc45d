"""What a node is made of: the lock for nodes is a part of the whole one, and is told as CycloneDX."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.deploy.wheelhouse import ROOT, pins

BASE, NODE, WHOLE = (ROOT / f"requirements{name}.lock" for name in ("-base", "-node", ""))
BUILD = ROOT / "requirements-build.lock"
FOR_TESTS = {"pytest", "mypy", "ruff", "playwright", "bandit", "pip-audit", "hypothesis"}


def name_of(pin: str) -> str:
    return pin.split("==")[0]


@pytest.mark.parametrize("lock", [BASE, NODE, BUILD], ids=lambda lock: lock.name)
def test_the_other_locks_are_parts_of_the_whole_one(lock: Path) -> None:
    node, whole = pins(lock), pins(WHOLE)
    assert all(digests for digests in (*node.values(), *whole.values()))
    # a package may have fewer conditions in the whole lock: a tool for tests wants it everywhere
    named = {pin.split(";")[0].strip(): digests for pin, digests in whole.items()}
    assert {pin for pin, digests in node.items() if named.get(pin.split(";")[0].strip()) != digests} == set()
    assert not FOR_TESTS & {name_of(pin) for pin in node}
    assert {name_of(pin) for pin in whole} >= FOR_TESTS


def test_a_node_has_the_base_and_no_tool_that_builds() -> None:
    assert set(pins(BASE)) < set(pins(NODE))
    assert "hatchling" not in {name_of(pin) for pin in pins(NODE)}
    assert "hatchling" in {name_of(pin) for pin in pins(BUILD)}


def test_all_locks_hold_what_the_project_asks_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [asked] = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    wanted = set(re.findall(r'"([a-z0-9-]+)', asked))
    assert len(wanted) > 20
    for lock in (BASE, NODE, WHOLE):
        assert wanted <= {name_of(pin) for pin in pins(lock)}


@pytest.mark.slow
def test_the_bill_of_materials_is_valid_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    [line] = re.findall(r"cyclonedx-py (.+) -o sbom.json", (ROOT / "Makefile").read_text(encoding="utf-8"))
    command = [Path(sys.executable).parent / "cyclonedx-py", *line.split(), "-o", file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = file.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told) is None
    bill = json.loads(told)
    assert bill["metadata"]["component"]["name"] == "ffp-exchange"
    assert {f"{part['name']}=={part['version']}" for part in bill["components"]} == {
        pin.split(";")[0].strip() for pin in pins(NODE)
    }
    assert all(reference["hashes"] for part in bill["components"] for reference in part["externalReferences"])


@pytest.fixture(scope="module")
def known_faults() -> Any:
    spec = importlib.util.spec_from_file_location("known_faults", ROOT / "deploy" / "known_faults.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAULTY = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SOUND = {"name": "y", "version": "2", "vulns": []}
UNKNOWN = {"name": "z", "skip_reason": "Dependency not found on PyPI and could not be audited: z (3)"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND, FAULTY, UNKNOWN], 1, ["x 1: PYSEC-1, mended in 1.1"]),
        ([SOUND, SOUND], 0, ["No fault is known of 2 packages."]),
        ([SOUND, UNKNOWN], 0, ["No fault is known of 1 packages; of 1 others there is no entry."]),
        ([UNKNOWN], 0, ["No advisories can be reached from here: nothing was looked up of 1 packages."]),
    ],
)
def test_known_faults_are_told(known_faults: Any, packages: list[Any], code: int, said: list[str]) -> None:
    assert known_faults.told({"dependencies": packages}) == (code, said)


@pytest.mark.slow
def test_looking_up_faults_ends_with_an_answer_or_says_that_there_is_none(known_faults: Any, capsys: Any) -> None:
    """With or without the network."""
    code = known_faults.main(str(NODE))
    said = capsys.readouterr().out
    assert said
    assert (code == 1) == ("mended in" in said)
