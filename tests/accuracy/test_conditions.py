"""Harder conditions on the first three of ten consecutively made slides; `ffp validate` runs all of them on all ten."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluation_figures import Evaluation
from matcher.evaluate.run_evaluation import evaluate

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def truth(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = (ffp_data / "fadul" / "truth.csv").read_text(encoding="utf-8").splitlines()
    few = tmp_path_factory.mktemp("truth") / "truth.csv"
    few.write_text("\n".join(lines[:13]) + "\n", encoding="utf-8")
    return few


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param(Conditions(rotate=1, crop=0.5, against="full"), id="half with whole", marks=pytest.mark.slow),
        pytest.param(Conditions(rotate=1, noise=1.0), id="noise"),
        pytest.param(Conditions(rotate=1, resample_um=(3.125, 6.25, 12.5)), id="mixed sampling"),
    ],
)
def test_marks_are_told_apart_in_harder_conditions(ffp_data: Path, truth: Path, conditions: Conditions) -> None:
    found = evaluate(ffp_data / "fadul", truth, conditions, with_controls=False)
    assert found.n_scans == 12
    assert found.auc_with_refused >= 0.9995
    assert found.rank1_with_refused == 1.0


@pytest.mark.slow
def test_halves_that_share_a_third_are_told_apart(ffp_data: Path, truth: Path) -> None:
    found: Evaluation = evaluate(ffp_data / "fadul", truth, Conditions(rotate=1, crop=0.5), with_controls=False)
    wide = [share for share in found.auc_by_overlap if share.low >= 0.3 and share.n_km]
    assert sum(share.n_km for share in wide) >= 5
    assert all(share.auc is not None and share.auc >= 0.99 for share in wide)
