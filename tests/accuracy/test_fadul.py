"""The acceptance figures on ten consecutively made slides, as they are and turned at random."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from matcher import compare, prepare, read_topography
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.run_evaluation import Evaluation, evaluate

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def as_is(ffp_data: Path) -> Evaluation:
    return evaluate(ffp_data / "fadul", ffp_data / "fadul" / "truth.csv", with_controls=False)


def separates(evaluation: Evaluation) -> None:
    assert (evaluation.n_scans, evaluation.n_km, evaluation.n_knm) == (40, 63, 717)
    assert (evaluation.auc, evaluation.eer, evaluation.overlaps) == (1.0, 0.0, 0)
    assert (evaluation.rank1, evaluation.map) == (1.0, 1.0)
    assert evaluation.gap_in_knm_deviations > 10.0
    assert evaluation.variance_ratio > 125.0


def test_as_they_are(as_is: Evaluation) -> None:
    separates(as_is)


@pytest.mark.slow
def test_turned_at_random(ffp_data: Path) -> None:
    separates(evaluate(ffp_data / "fadul", ffp_data / "fadul" / "truth.csv", Conditions(rotate=1), with_controls=False))


def test_likelihood_ratios_cost_little_within_bounds_of_ten_firearms(as_is: Evaluation) -> None:
    assert as_is.cllr is not None
    assert as_is.cllr_min == 0.0
    # wholly apart, and still not free: LRs of 1/11 to 46, the most that ten firearms could support, cost 0.078
    assert 0.078 < as_is.cllr <= 0.1
    assert as_is.log10_lr_gap == pytest.approx(2.4, abs=0.3)


def test_all_pairs_within_their_time(as_is: Evaluation) -> None:
    assert as_is.cpu_s["all_pairs"] < 60.0
    assert as_is.cpu_s["full_per_pair"] < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("scans", [12, 20])
def test_outlines_and_random_texture_tell_firearms_apart_poorly(ffp_data: Path, tmp_path: Path, scans: int) -> None:
    lines = (ffp_data / "fadul" / "truth.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "some.csv").write_text("\n".join(lines[: 1 + scans]) + "\n", encoding="utf-8")
    some = evaluate(ffp_data / "fadul", tmp_path / "some.csv")
    assert some.auc == 1.0
    assert some.controls["mask_only_auc"] < 0.85
    same, other = some.n_km, some.n_knm
    by_chance = math.sqrt((same + other + 1) / (12 * same * other))  # of a rank sum, without ties
    assert abs(some.controls["random_texture_auc"] - 0.5) < 3.3 * by_chance, "one of a thousand would be further off"


def test_raw_pairs_score_as_pairs_of_their_kind(ffp_data: Path, as_is: Evaluation) -> None:
    """Above every pair of two firearms of Fadul, and below every pair of one. Ranks: ``test_raw``."""
    one, same, other = (
        prepare(read_topography(ffp_data / "fadul-raw" / f"Fadul {name} raw.x3p")) for name in ("1-1", "1-2", "2-1")
    )
    assert compare(one, same).score > as_is.knm_max
    assert compare(one, other).score < as_is.km_min
    assert compare(same, other).score < as_is.km_min
