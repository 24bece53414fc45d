from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from matcher import Topography, write_topography
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.run_evaluation import Evaluation, EvaluationError, evaluate, read_truth
from matcher.synthetic import breech_face

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(scans: dict[tuple[int, int], Topography], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    rows = ["scan,firearm"]
    for (firearm, shot), scan in scans.items():
        write_topography(scan, folder / f"s{firearm}-{shot}.x3p", instrument="synthetic")
        rows.append(f"s{firearm}-{shot},{firearm}")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def as_is(folder: Path) -> Evaluation:
    return evaluate(folder, folder / "truth.csv", with_controls=False)


def test_every_pair_once_with_all_figures(folder: Path) -> None:
    stages: dict[str, tuple[int, int]] = {}
    evaluation = evaluate(
        folder, folder / "truth.csv", progress=lambda stage, done, total: stages.update({stage: (done, total)})
    )
    assert (evaluation.n_scans, evaluation.n_km, evaluation.n_knm) == (6, 3, 12)
    assert (evaluation.auc, evaluation.eer, evaluation.overlaps) == (1.0, 0.0, 0)
    assert (evaluation.rank1, evaluation.map, evaluation.recall_at_10) == (1.0, 1.0, 1.0)
    assert evaluation.km_min > evaluation.knm_max
    assert len({(pair.a, pair.b) for pair in evaluation.pairs}) == 15
    assert stages["comparing"] == (15, 15)
    assert stages["cleaning"] == (6, 6)
    assert 0.0 <= evaluation.controls["random_texture_auc"] <= 1.0
    assert evaluation.cpu_s["full_per_pair"] == pytest.approx(
        evaluation.cpu_s["fine_per_pair"] + evaluation.cpu_s["cells_per_pair"]
    )
    plain = json.loads(evaluation.to_json())
    assert sum(pair["same"] for pair in plain["pairs"]) == 3
    assert sum(plain["histogram"]["km"]) == 3
    assert sum(plain["histogram"]["knm"]) == 12
    assert plain["conditions"]["rotate"] is None


def test_rotation_is_seeded(folder: Path, as_is: Evaluation) -> None:
    first, again = (evaluate(folder, folder / "truth.csv", Conditions(rotate=5), with_controls=False) for _ in range(2))
    assert first.pairs == again.pairs
    assert [pair.rotation_deg for pair in as_is.pairs] != [pair.rotation_deg for pair in first.pairs]
    assert first.overlaps == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "columns scan and firearm"),
        ("name,gun\na,1\n", "columns scan and firearm"),
        ("scan,firearm\na,1\na,2\n", "line 3"),
        ("scan,firearm\na,1\n,2\n", "line 3"),
        ("scan,firearm\na,1\nb\n", "line 3"),
        ("scan,firearm\na,1\nb\0c,1\n", "line 3: the scan.s name holds a character"),
        ("scan,firearm\na,1\nb,2\n", "at least one pair"),
        ("scan,firearm\na,1\nb,1\n", "at least one pair"),
    ],
)
def test_a_truth_that_tells_too_little_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=sentence):
        read_truth(tmp_path / "truth.csv")


def test_spaces_at_the_ends_of_names_make_no_second_firearm(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("scan,firearm\na ,1\nb,1 \nc, 2\n", encoding="utf-8")
    assert read_truth(tmp_path / "truth.csv") == {"a": "1", "b": "1", "c": "2"}


def test_a_missing_truth_and_a_missing_scan_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"truth\.csv"):
        read_truth(tmp_path / "truth.csv")
    (tmp_path / "truth.csv").write_text("scan,firearm\na,1\nb,1\nc,2\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"a\.x3p, named in the truth"):
        evaluate(tmp_path, tmp_path / "truth.csv")
    (tmp_path / "a.x3p").write_bytes(b"no zip")
    with pytest.raises(EvaluationError, match=r"a\.x3p, named in the truth"):
        evaluate(tmp_path, tmp_path / "truth.csv")


def test_crops_of_one_firearm_are_told_apart_by_what_they_share(folder: Path) -> None:
    halves = evaluate(folder, folder / "truth.csv", Conditions(crop=0.5), with_controls=False)
    assert [share.low for share in halves.auc_by_overlap] == [0.0, 0.1, 0.2, 0.3, 0.5, 0.75]
    assert sum(share.n_km for share in halves.auc_by_overlap) == halves.n_km == 3
    assert all((share.auc is None) == (share.n_km == 0) for share in halves.auc_by_overlap)
    against = evaluate(folder, folder / "truth.csv", Conditions(crop=0.5, against="full"), with_controls=False)
    assert against.auc_by_overlap == ()
    assert (against.n_km, against.n_knm) == (6, 24)
    assert {(pair.a, pair.b) for pair in against.pairs} >= {("s0-0", "s0-1"), ("s0-1", "s0-0")}
    assert against.rank1 == 1.0
    assert json.loads(against.to_json())["conditions"]["against"] == "full"


@pytest.fixture(scope="module")
def with_a_small_one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scans, and one more of the first firearm of which less than a half is not enough to compare."""
    with_it = tmp_path_factory.mktemp("small")
    for path in folder.glob("*.x3p"):
        (with_it / path.name).write_bytes(path.read_bytes())
    scan = breech_face.draw(0, 2)
    points = np.flatnonzero(np.isfinite(scan.heights_um).ravel())
    few = np.full(scan.heights_um.size, np.nan, np.float32)
    wanted = points[: round(0.36e6 / 6.25**2)]
    few[wanted] = scan.heights_um.ravel()[wanted]
    small = Topography(few.reshape(scan.heights_um.shape), scan.spacing_um)
    write_topography(small, with_it / "small.x3p", instrument="synthetic")
    (with_it / "truth.csv").write_text(
        (folder / "truth.csv").read_text(encoding="utf-8") + "small,0\n", encoding="utf-8"
    )
    return with_it


def test_what_a_condition_makes_unusable_is_counted_and_named(with_a_small_one: Path) -> None:
    truth = with_a_small_one / "truth.csv"
    assert evaluate(with_a_small_one, truth, with_controls=False).refused == {}
    cropped = evaluate(with_a_small_one, truth, Conditions(crop=0.45), with_controls=False)
    assert list(cropped.refused) == ["small"]
    assert cropped.refused["small"].startswith("not usable")
    assert (cropped.n_scans, cropped.n_km, cropped.n_knm) == (7, 3, 12)
    assert (cropped.missing_km, cropped.missing_knm) == (2, 4)
    assert cropped.auc_with_refused < cropped.auc
    assert cropped.rank1_with_refused == pytest.approx(cropped.rank1 * 6 / 7)
    assert sum(share.n_km for share in cropped.auc_by_overlap) == 3


def test_a_refused_query_remains_a_reference(with_a_small_one: Path) -> None:
    conditions = Conditions(crop=0.45, against="full")
    across = evaluate(with_a_small_one, with_a_small_one / "truth.csv", conditions, with_controls=False)
    assert list(across.refused) == ["small"]
    assert {pair.a for pair in across.pairs} == {f"s{firearm}-{shot}" for firearm in range(3) for shot in range(2)}
    assert ("s0-0", "small") in {(pair.a, pair.b) for pair in across.pairs}
    assert (across.missing_km, across.missing_knm) == (2, 4)
    assert across.n_km + across.n_knm == 7 * 6 - 6


def test_without_a_condition_a_scan_that_cannot_be_used_is_an_error(with_a_small_one: Path, tmp_path: Path) -> None:
    for path in with_a_small_one.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    empty = Topography(np.full((80, 80), 1.0, np.float32), (6.25, 6.25))
    write_topography(empty, tmp_path / "small.x3p", instrument="synthetic")
    with pytest.raises(EvaluationError, match=r"small\.x3p, named in the truth, cannot be used"):
        evaluate(tmp_path, tmp_path / "truth.csv", with_controls=False)


def test_a_condition_that_leaves_no_pairs_is_named(folder: Path) -> None:
    with pytest.raises(EvaluationError, match=r"makes 6 of 6 scans unusable.*choose a milder one"):
        evaluate(folder, folder / "truth.csv", Conditions(crop=0.01), with_controls=False)


def test_intervals_stand_beside_the_figures(as_is: Evaluation) -> None:
    assert as_is.intervals["auc"] == (1.0, 1.0)
    assert as_is.intervals["rank1"] == (1.0, 1.0)
    assert as_is.auc_with_refused == as_is.auc
    assert (as_is.missing_km, as_is.missing_knm) == (0, 0)
