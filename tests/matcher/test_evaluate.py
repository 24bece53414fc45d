from __future__ import annotations

import json
from pathlib import Path

import pytest

from matcher import Topography, write_topography
from matcher.conditions import Conditions
from matcher.evaluate import EvaluationError, evaluate, read_truth


@pytest.fixture(scope="module")
def folder(scans: dict[tuple[int, int], Topography], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    rows = ["scan,firearm"]
    for (firearm, shot), scan in scans.items():
        write_topography(scan, folder / f"s{firearm}-{shot}.x3p", instrument="synthetic")
        rows.append(f"s{firearm}-{shot},{firearm}")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


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


def test_rotation_is_seeded(folder: Path) -> None:
    first, again = (evaluate(folder, folder / "truth.csv", Conditions(rotate=5), with_controls=False) for _ in range(2))
    assert first.pairs == again.pairs
    as_is = evaluate(folder, folder / "truth.csv", with_controls=False)
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
        ("scan,firearm\na,1\nb,2\n", "at least one pair"),
        ("scan,firearm\na,1\nb,1\n", "at least one pair"),
    ],
)
def test_a_truth_that_tells_too_little_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=sentence):
        read_truth(tmp_path / "truth.csv")


def test_a_missing_truth_and_a_missing_scan_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"truth\.csv"):
        read_truth(tmp_path / "truth.csv")
    (tmp_path / "truth.csv").write_text("scan,firearm\na,1\nb,1\nc,2\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"a\.x3p, named in the truth"):
        evaluate(tmp_path, tmp_path / "truth.csv")
    (tmp_path / "a.x3p").write_bytes(b"no zip")
    with pytest.raises(EvaluationError, match=r"a\.x3p, named in the truth"):
        evaluate(tmp_path, tmp_path / "truth.csv")
