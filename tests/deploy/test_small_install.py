"""The small install, as `make install` makes it: what it takes, that the demo runs on it, and each extra added to it.

It fetches what the locks name, so it needs the network, as `make install` does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.extras.known import EXTRAS
from tests.deploy.install_drill import put_release
from tests.deploy.wheelhouse import made_wheelhouse

MOST_MB, MOST_PACKAGES = 500, 60
"""Of the base with its editable install, and without what a first start compiles (some 25 MB)."""

pytestmark = pytest.mark.long


def environment(**more: str) -> dict[str, str]:
    """Neither the modules nor the settings of this one."""
    kept = {name: value for name, value in os.environ.items() if not re.match("PYTHON|FFP_|VIRTUAL_ENV", name)}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **more}


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), env=environment(**more), capture_output=True, text=True, check=False, timeout=1800
    )


def megabytes(folder: Path) -> int:
    return int(run("du", "-sm", folder).stdout.split()[0])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its environment."""
    folder = tmp_path_factory.mktemp("small")
    put_release(folder)
    source = folder / "opt/ffp/source"
    done = run("make", "-C", source, "install", f"PYTHON={sys.executable}")
    assert done.returncode == 0, done.stderr
    return source / ".venv"


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_wheelhouse(tmp_path_factory.mktemp("all") / "wheelhouse")


def check(small: Path) -> None:
    done = run(small / "bin/python", "-m", "pip", "check")
    assert done.returncode == 0, done.stdout


def states(small: Path) -> dict[str, str]:
    told = json.loads(run(small / "bin/ffp", "extras", "list", "--json").stdout)
    return {one["name"]: one["state"] for one in told}


def test_the_base_is_small_and_runs_the_demo(small: Path) -> None:
    check(small)
    packages = json.loads(run(small / "bin/python", "-m", "pip", "list", "--format", "json").stdout)
    assert len(packages) <= MOST_PACKAGES
    assert megabytes(small) <= MOST_MB
    assert set(states(small).values()) == {"not installed"}
    told = small.parent / "demo.json"
    done = run(small / "bin/ffp", "demo", "--json", told)
    assert done.returncode == 0, done.stderr
    found = json.loads(told.read_text(encoding="utf-8"))
    assert found["found_links"] == found["possible_links"] > 0
    assert (found["wrong_above"], found["pairs_dropped"]) == (0, 0)


def test_a_node_of_the_base_names_what_a_setting_needs(small: Path, tmp_path: Path) -> None:
    home, program = tmp_path / "home", small / "bin/ffp"
    made = run(program, "init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8440")
    assert made.returncode == 0, made.stderr
    assert "Traceback" not in run(program, "doctor", "--home", home).stderr
    for name, variables in {
        "cluster": {"CLUSTER_SCHEDULER": "tcp://127.0.0.1:8786"},
        "oidc": {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "ffp"},
        "s3": {"OBJECTS_URL": "s3://scans/rs", "OBJECTS_KEY_ID": "key", "OBJECTS_SECRET": "a secret of the test"},
        "postgresql": {"DATABASE_URL": "postgresql+psycopg:///ffp?host=/var/run/postgresql"},
    }.items():
        given = {f"FFP_NODE_{variable}": value for variable, value in variables.items()}
        assert f"Step:  ffp extras add {name}" in run(program, "doctor", "--home", home, **given).stdout
        refused = run(program, "serve", "--home", home, **given)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert f"ffp extras add {name}" in refused.stderr
    asked = ("report", "--home", home, "--half", "2026H1", "--draft", "--form", "pdf", "--out", tmp_path / "report.pdf")
    assert "ffp extras add pdf" in run(program, *asked).stderr
    asked = ("calibrate", "--scores", home, "--out", tmp_path / "model", "--name", "x", "--description", "y")
    assert "ffp extras add evaluation" in run(program, *asked).stderr


def test_without_a_network_it_says_what_to_carry(small: Path) -> None:
    said = run(small / "bin/ffp", "extras", "add", "pdf", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_FIND_LINKS="")
    assert said.returncode == 2
    assert "ffp extras add pdf --from FOLDER" in said.stderr.splitlines()[-1]


def test_whoever_does_not_own_the_environment_is_told_who_does(small: Path) -> None:
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("only root gives up what only root has")
    for folder in (small, *small.parents):
        if not folder.stat().st_mode & 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    said = run(*nobody, small / "bin/ffp", "extras", "add", "pdf")
    assert said.returncode == 2, said.stderr
    assert f"sudo {small}/bin/ffp extras add pdf" in said.stderr


def test_an_exchanged_wheel_is_not_installed(small: Path, wheelhouse: Path, tmp_path: Path) -> None:
    [wheel] = wheelhouse.glob("typst-*.whl")
    content = wheel.read_bytes()
    (tmp_path / wheel.name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = run(small / "bin/ffp", "extras", "add", "pdf", "--from", tmp_path)
    assert said.returncode == 2
    assert "Nothing was installed" in said.stderr.splitlines()[-1]
    assert states(small)["pdf"] == "not installed"


def test_each_extra_comes_from_the_wheelhouse_and_takes_what_is_said(small: Path, wheelhouse: Path) -> None:
    """One after another: each alone with the base fits together, and so do all."""
    for extra in EXTRAS:
        before = megabytes(small)
        said = run(small / "bin/ffp", "extras", "add", extra.name, "--from", wheelhouse)
        assert said.returncode == 0, said.stderr
        assert said.stdout.startswith(f"Installed: {extra.name}."), said.stdout
        added = megabytes(small) - before
        assert abs(added - extra.megabytes) <= 3 + extra.megabytes // 4, (extra.name, added)
        check(small)
        assert states(small)[extra.name] == "installed"
    again = run(small / "bin/ffp", "extras", "add", *(extra.name for extra in EXTRAS), "--from", wheelhouse)
    assert again.stdout.startswith("Installed already")
