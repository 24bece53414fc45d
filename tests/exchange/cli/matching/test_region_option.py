"""``--region``: the help lists the regions that are compared, and nothing loads them before."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from exchange.cli.main import app
from exchange.flows.node.regions import COMPARED

NAMES = [region.name for region in COMPARED.values()]
SCANS = {"compare": ["a.x3p", "b.x3p"], "inspect": ["a.x3p"]}


def test_names_are_words_of_the_vocabulary_with_spaces() -> None:
    assert {"breech face", "firing pin impression", "aperture shear"} <= set(NAMES)


@pytest.mark.parametrize("command", SCANS)
def test_the_help_lists_the_regions(command: str) -> None:
    told = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
    assert "|".join(NAMES) in told
    assert "[default: breech face]" in told


@pytest.mark.parametrize("command", SCANS)
def test_no_other_region_is_taken(command: str) -> None:
    refused = CliRunner().invoke(app, [command, *SCANS[command], "--region", "chamber mark"])
    assert refused.exit_code == 2
    assert f"'chamber mark' is not one of {', '.join(map(repr, NAMES))}" in refused.output


def test_the_regions_are_not_loaded_before_they_are_needed() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from exchange.cli.main import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "print({'matcher', 'numpy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
