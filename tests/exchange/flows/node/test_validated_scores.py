"""Which scores are validated: what docs/validation.md has figures of, and nothing else."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import matcher
from exchange.flows.node.regions import COMPARED
from exchange.flows.node.validated_scores import (
    COARSEST_UM,
    LEAST_MARK_MM2,
    VALIDATED,
    VALIDATED_VERSION,
    WHOLE_MARK_MM2,
    ComparedKinds,
    MarksShown,
    ScanFacts,
    why_not_validated,
)
from exchange.web.wording.sentences import reason
from schemas.vocabulary import Modality, RegionOfInterest

DOCS = Path(__file__).parents[4] / "docs"
TOPOGRAPHY, PHOTOGRAPH = Modality.TOPOGRAPHY, Modality.REFLECTANCE
ROW = re.compile(r"^\| (?P<name>[^|]+) \| (?P<goal>[^|]+) \|.*\| (?P<reached>yes|\*\*no\*\*: [^|]+) \|$", re.MULTILINE)
BREECH = RegionOfInterest.BREECH_FACE


def dossier() -> list[dict[str, str]]:
    """Of each set what docs/validation.md says of each condition: "yes", or the goals that were missed."""
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    figures = text[text.index("## Figures beside the goals") : text.index("## Two partial marks")]
    parts = figures.split("\n### ")[1:]
    return [{row["name"]: row["reached"] for row in ROW.finditer(part)} for part in parts]


def conditions() -> dict[str, dict[str, Any]]:
    """What was done to the scans in each condition, as docs/validation.json has it."""
    sets = json.loads((DOCS / "validation.json").read_text(encoding="utf-8"))["sets"]
    return {trial["name"]: trial["conditions"] for one in sets for trial in one["trials"]}


def kinds_of(done: dict[str, Any]) -> tuple[ComparedKinds, MarksShown] | None:
    """What a condition measured; None of photographs, which were all drawn."""
    if done["render"] is not None:
        return None
    if done["crop"] is None:
        return ComparedKinds.TOPOGRAPHIES, MarksShown.WHOLE
    shown = MarksShown.PART_WITH_WHOLE if done["against"] == "full" else MarksShown.PARTS
    return ComparedKinds.TOPOGRAPHIES, shown


def scan(modality: str = TOPOGRAPHY, mark_mm2: float | None = 3.0, spacing_um: float | None = 6.25) -> ScanFacts:
    return ScanFacts(modality, spacing_um, mark_mm2)


def test_every_validated_kind_rests_on_figures_of_real_scans_that_reached_their_goals() -> None:
    """A likelihood ratio has limits of its own; its cost (Cllr) says nothing of how scores rank."""
    sets, done = dossier(), conditions()
    assert len(sets) == 2
    for (roi, kinds, shown), named in VALIDATED.items():
        assert named
        assert roi == BREECH, "docs/validation.md has no other region"
        for name in named:
            assert kinds_of(done[name]) == (kinds, shown), name
            assert {one[name] for one in sets} <= {"yes", "**no**: Cllr"}, name


def test_every_condition_of_the_dossier_is_named_or_gives_no_validation() -> None:
    sets, done = dossier(), conditions()
    assert set(done) == set(sets[0]) == set(sets[1])
    named = {name for conditions_named in VALIDATED.values() for name in conditions_named}
    for name in done.keys() - named:
        drawn = done[name]["render"] is not None
        assert drawn or any(one[name].startswith("**no**: AUC") for one in sets), name


def test_the_dossier_is_of_this_matcher() -> None:
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    assert VALIDATED_VERSION == matcher.MATCHER_VERSION
    assert f"Matcher version {VALIDATED_VERSION}, parameters `{matcher.DEFAULT_PARAMETERS.digest}`" in text


def test_the_limits_are_those_of_the_conditions() -> None:
    """The least mark: what half of the smallest whole mark shows. The coarsest points: the largest that were tried."""
    done = conditions()
    assert max(step for one in done.values() for step in one["resample_um"]) == COARSEST_UM
    assert {one["crop"] for one in done.values()} == {None, 0.5, 0.25}
    assert LEAST_MARK_MM2 == 0.5 * WHOLE_MARK_MM2


@pytest.mark.parametrize("roi", COMPARED)
def test_photographs_pins_and_shears_are_not_validated(roi: str) -> None:
    for one, other in product((TOPOGRAPHY, PHOTOGRAPH), repeat=2):
        validated = why_not_validated(roi, scan(one), scan(other)) is None
        assert validated == (roi == BREECH and one == other == TOPOGRAPHY)


KINDS = {
    "whole marks": (scan(), scan(), True),
    "a part with a whole mark": (scan(mark_mm2=1.2), scan(), True),
    "parts of marks": (scan(mark_mm2=1.2), scan(mark_mm2=1.0), True),
    "a quarter of a mark": (scan(mark_mm2=0.99), scan(), False),
    "an unknown part": (scan(mark_mm2=None), scan(), False),
    "12.5 um, rounded in the file": (scan(spacing_um=12.51), scan(), True),
    "coarser points": (scan(spacing_um=13.0), scan(), False),
    "a region marked by hand": (scan()._replace(mended=True), scan(), False),
    "drawn for an exercise": (scan(), scan()._replace(drawn=True), False),
    "a scan that is not here": (scan(), None, False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_decides_besides_the_region(kind: str) -> None:
    one, other, validated = KINDS[kind]
    assert (why_not_validated(BREECH, one, other) is None) is validated
    assert why_not_validated(BREECH, one, other) == why_not_validated(BREECH, other, one), "a pair has no sides"


def test_another_version_of_the_matcher_is_not_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.MATCHER_VERSION", "99.0")
    assert why_not_validated(BREECH, scan(), scan()) is not None


def test_each_reason_has_a_sentence_of_the_pages() -> None:
    reasons = {why_not_validated(roi, one, other) for one, other, _ in KINDS.values() for roi in COMPARED}
    reasons |= {why_not_validated(BREECH, scan(PHOTOGRAPH), scan(kind)) for kind in (TOPOGRAPHY, PHOTOGRAPH)}
    for said in reasons - {None}:
        assert said is not None
        assert said.startswith("Not validated: ")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("exchange.web.wording.sentences.gettext", lambda text, **_: f"known: {text}")
            assert reason(said).startswith("known: "), said
