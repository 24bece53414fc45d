"""Raw scans of real marks, nothing but the files: found, levelled, and ranked with what a laboratory had prepared."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from matcher import Prepared, assess, compare, prepare, read_topography
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.run_evaluation import read_truth
from tests.accuracy.measure_regions import against_the_laboratorys

pytestmark = [pytest.mark.data, pytest.mark.slow]

RAW = ("1-1", "1-2", "2-1")


@pytest.fixture(scope="module")
def firearms(ffp_data: Path) -> dict[str, str]:
    return read_truth(ffp_data / "fadul" / "truth.csv")


@pytest.fixture(scope="module")
def references(ffp_data: Path, firearms: dict[str, str]) -> dict[str, Prepared]:
    return {name: prepare(read_topography(ffp_data / "fadul" / f"{name}.x3p")) for name in firearms}


@pytest.fixture(scope="module")
def raw(ffp_data: Path) -> dict[str, Prepared]:
    return {name: prepare(read_topography(ffp_data / "fadul-raw" / f"Fadul {name} raw.x3p")) for name in RAW}


@pytest.mark.parametrize("name", RAW)
def test_its_firearm_ranks_first(
    name: str, raw: dict[str, Prepared], references: dict[str, Prepared], firearms: dict[str, str]
) -> None:
    specimen = f"Fadul {name}"
    scores = {other: compare(raw[name], scan).score for other, scan in references.items() if other != specimen}
    of_one_firearm = {other for other in scores if firearms[other] == firearms[specimen]}
    ranked = sorted(scores, key=lambda other: -scores[other])
    assert set(ranked[: len(of_one_firearm)]) == of_one_firearm
    # far from the others, not just ahead of them
    assert scores[ranked[len(of_one_firearm) - 1]] > 2.0 * scores[ranked[len(of_one_firearm)]]


def test_raw_pairs_lie_where_pairs_of_their_kind_lie(raw: dict[str, Prepared]) -> None:
    scores = {pair: compare(raw[pair[0]], raw[pair[1]]).score for pair in combinations(RAW, 2)}
    # Fadul's highest pair of two firearms scores 0.35, its lowest pair of one 0.7
    assert scores["1-1", "1-2"] > 0.7
    assert max(scores["1-1", "2-1"], scores["1-2", "2-1"]) < 0.35


@pytest.mark.parametrize("name", RAW)
def test_the_mark_agrees_with_the_laboratorys(name: str, ffp_data: Path) -> None:
    found, given = (
        assess(read_topography(ffp_data / folder / f"Fadul {name}{kind}.x3p"))
        for folder, kind in (("fadul-raw", " raw"), ("fadul", ""))
    )
    assert found.usable
    assert not found.levelled_before
    assert given.levelled_before
    assert found.outline is not None
    assert given.outline is not None
    assert found.outline.radius_um == pytest.approx(given.outline.radius_um, abs=100.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", RAW)
def test_the_region_is_that_of_the_mask_made_by_hand(name: str, ffp_data: Path) -> None:
    found = against_the_laboratorys(ffp_data, name)
    # else the masks are not registered, and their overlap says nothing
    assert found.comparison.score > 0.9
    assert found.overlap >= 0.85
    assert found.outside < 0.12
    assert found.missed < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["fadul", "weller", "fadul-raw"])
def test_real_marks_look_like_breech_faces(folder: str, ffp_data: Path) -> None:
    paths = sorted((ffp_data / folder).glob("*.x3p"))
    found = {path.name: assess(read_topography(path)) for path in paths}
    assert found
    assert [name for name, quality in found.items() if quality.doubts or not quality.usable] == []


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.25])
@pytest.mark.parametrize("folder", ["fadul", "weller"])
def test_parts_of_real_marks_look_like_breech_faces(folder: str, share: float, ffp_data: Path) -> None:
    paths = sorted((ffp_data / folder).glob("*.x3p"))
    cropped = Conditions(crop=share)
    found = [assess(cropped.apply(read_topography(path), place)) for place, path in enumerate(paths)]
    assert [quality.doubts for quality in found if quality.doubts] == []
    # a quarter may lie where little was printed
    assert sum(quality.usable for quality in found) >= 0.9 * len(found)
