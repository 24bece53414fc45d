"""Statements of the documentation and of the program about itself that the code can confirm or refute: limits, figures,
counts, and the commands that pages and errors name."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import matcher
from exchange.cli.main import app
from exchange.config import Settings
from exchange.demo.deal import DealtScan, deal_synthetic, jurisdiction_name
from exchange.demo.demo_processes import make_node
from exchange.flows.node.regions import COMPARED
from exchange.flows.node.validated_scores import (
    COARSEST_UM,
    LEAST_MARK_MM2,
    VALIDATED,
    WHOLE_MARK_MM2,
    ComparedKinds,
    MarksShown,
)
from schemas.calibre_list import CALIBRES
from schemas.vocabulary import ExhibitKind, Jurisdiction, RegionOfInterest, Role

LIMITS: dict[str, Callable[[], bool]] = {
    "It correlates topographies": lambda: set(COMPARED) < set(RegionOfInterest),
    "It gives no likelihood ratio": lambda: Settings.model_fields["calibration"].default is None,
    "It compares cartridge cases only": lambda: not any("bullet" in kind for kind in ExhibitKind),
    "What is protected": lambda: True,
}
"""The beginning of each limit in the README, and whether the limit still exists."""


def test_each_limit_in_the_readme_still_exists(readme: Any) -> None:
    section = readme.text.split("## What it does not do yet")[1].split("\n## ")[0]
    limits = re.findall(r"^- (.+)$", section, re.MULTILINE)
    stated = {text: [beginning for beginning in LIMITS if text.startswith(beginning)] for text in limits}
    assert all(len(found) == 1 for found in stated.values()), stated
    assert sorted(found[0] for found in stated.values()) == sorted(LIMITS)
    assert all(still_exists() for still_exists in LIMITS.values())


def test_the_demo_has_a_token_for_each_role(readme: Any, tmp_path: Path) -> None:
    assert "a token for each role" in readme.text
    assert set(make_node(Jurisdiction.RS, tmp_path).tokens) == set(Role) - {Role.NODE}


@pytest.mark.slow
def test_the_sample_output_in_the_readme_is_what_the_demo_prints(readme: Any, tmp_path: Path) -> None:
    """The scores and cells of the listed pairs; the seconds differ from run to run."""
    dealt = {scan.case_reference: scan for scan in deal_synthetic(tmp_path, 1)}
    sample = next(block for block in readme.blocks("text") if "other jurisdiction" in block)
    rows = re.findall(r"^ *\d+  (\S+)  (\S+) (\S+) +([\d.]+) +(\d+) of (\d+) .* (\w+)$", sample, re.MULTILINE)
    assert len(rows) >= 4
    for record, other, name, score, congruent, cells, firearm in rows:
        one, two = dealt[record], dealt[other]
        assert (jurisdiction_name(two.jurisdiction), firearm) == (
            name,
            "same" if one.firearm == two.firearm else "different",
        )
        assert _compared(one, two) == (score, int(congruent), int(cells)), (record, other)
    here = [scan.jurisdiction for scan in dealt.values()]
    across = sum(one != two for place, one in enumerate(here) for two in here[:place])
    assert f"{len(here)} scans, {across} pairs across a border" in sample


def _compared(one: DealtScan, two: DealtScan) -> tuple[str, int, int]:
    first, second = (matcher.prepare(matcher.read_topography(scan.path)) for scan in (one, two))
    found = matcher.compare(first, second)
    return f"{found.score:.3f}", found.n_congruent, found.n_cells


def test_bounds_of_settings_in_the_documentation_are_those_of_the_code(document: Any) -> None:
    """Where a page writes ``NAME`` (default; lowest to highest)."""
    for name, default, lowest, highest in re.findall(r"`FFP_NODE_([A-Z_]+)` \((\S+); (\S+) to (\S+)\)", document.text):
        field = Settings.model_fields[name.lower()]
        bounds = {type(item).__name__: item for item in field.metadata}
        assert (str(field.default), str(bounds["Ge"].ge), str(bounds["Le"].le)) == (default, lowest, highest)


def test_the_benchmarks_say_of_which_matcher_they_are(root: Path, tmp_path: Path) -> None:
    text = (root / "docs/benchmarks.md").read_text(encoding="utf-8")
    [measured] = re.findall(r"^Matcher (\d+),", text, re.MULTILINE)
    earlier = f"This release has matcher {matcher.MATCHER_VERSION}"
    assert measured == matcher.MATCHER_VERSION or earlier in text
    [drawn] = deal_synthetic(tmp_path, 1, firearms=1)[:1]
    descriptor = matcher.prepare(matcher.read_topography(drawn.path)).descriptor.nbytes
    assert re.findall(r"the prefilter compares ([\d,]+) of them", text) == [f"{descriptor:,}"]


def test_the_pages_agree_how_long_making_the_training_region_takes(root: Path) -> None:
    pages = [root / "deploy/pilot/README.md", root / "docs/training/README.md"]
    stated = [re.findall(r"The first time (?:it )?takes (.+?):", page.read_text(encoding="utf-8")) for page in pages]
    assert stated == [["two minutes"]] * len(pages)


@pytest.mark.data
@pytest.mark.slow
def test_the_score_of_real_photographs_is_the_measured_one(root: Path, ffp_data: Path) -> None:
    text = " ".join((root / "docs/photographs.md").read_text(encoding="utf-8").split())
    stated = re.search(r"They score ([\d.]+), with (\d+) of (\d+) cells congruent", text)
    assert stated
    one, other = (
        matcher.read_photograph(path, 2.53, matcher.Lighting.parse("ring"))
        for path in sorted((ffp_data / "reflectance").glob("*.png"))
    )
    found = matcher.compare_scans(one, other).comparison
    assert (f"{found.score:.2f}", str(found.n_congruent), str(found.n_cells)) == stated.groups()


def test_the_page_of_regions_has_the_table_of_validated_scores(root: Path) -> None:
    text = (root / "docs/regions.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text.split("\n## ")[0], re.MULTILINE)[1:]
    marks = {
        MarksShown.WHOLE: f"whole, {WHOLE_MARK_MM2:g} mm2 or more",
        MarksShown.PART_WITH_WHOLE: f"one a part, {LEAST_MARK_MM2:g} mm2 or more",
        MarksShown.PARTS: f"two parts, {LEAST_MARK_MM2:g} mm2 or more each",
    }
    kinds = {ComparedKinds.TOPOGRAPHIES: "two topographies"}
    stated = {(region, compared, shown) for region, compared, shown, by in table if not by.startswith("nothing")}
    assert stated == {(region.replace("_", " "), kinds[one], marks[shown]) for region, one, shown in VALIDATED}
    assert {one for region, *_ in table for one in region.split(", ")} == {one.replace("_", " ") for one in COMPARED}
    unmeasured = f"less than {LEAST_MARK_MM2:g} mm2; points more than {COARSEST_UM:g} um apart"
    assert any(shown.startswith(unmeasured) for _, _, shown, by in table if by.startswith("nothing"))


def test_the_page_of_calibres_counts_what_was_checked(root: Path) -> None:
    text = (root / "docs/calibres.md").read_text(encoding="utf-8")
    checked = sum(entry.verified for entry in CALIBRES)
    assert f"{len(CALIBRES)} of them; {checked} were checked against" in text


def test_commands_that_pages_and_messages_name_exist(root: Path) -> None:
    commands = typer.main.get_command(app)
    wrong = [
        f"{path.relative_to(root)}: ffp {words}"
        for path, text in _texts_of_the_program(root)
        for words in re.findall(r"(?<![\w.-])ffp ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", text)
        if not _is_command(commands, words.split())
    ]
    assert wrong == []
    assert not _is_command(commands, ["audit", "check"])


def test_no_page_claims_that_the_exhibits_of_a_node_are_real(root: Path) -> None:
    """A node cannot know it: the exhibits of the demo are drawn."""
    claim = re.compile(r"\bnode holds real exhibits")
    texts = [*_texts_of_the_program(root)]
    assert [path for path, text in texts if claim.search(text)] == []
    assert any("This node has no exercises" in text for _, text in texts), "what the page says instead"


def _texts_of_the_program(root: Path) -> Iterator[tuple[Path, str]]:
    """Each template, catalogue of terms and script whole, and each string of the Python code."""
    for path in sorted((root / "exchange").rglob("*")):
        if path.suffix in {".html", ".toml", ".typ", ".js"}:
            yield path, path.read_text(encoding="utf-8")
        elif path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path, node.value


def _is_command(command: Any, words: list[str]) -> bool:
    """Whether the words name a command, with its group where it has one; what follows a command is not looked at."""
    for word in words:
        if not hasattr(command, "commands"):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True
