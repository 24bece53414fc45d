"""The acceptance figures on ten consecutively made slides, as they are and turned at random."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher import compare, prepare, read_topography
from matcher.conditions import Conditions
from matcher.evaluate import Evaluation, evaluate, read_truth

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


def test_outlines_and_random_texture_tell_firearms_apart_poorly(ffp_data: Path, tmp_path: Path) -> None:
    lines = (ffp_data / "fadul" / "truth.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "half.csv").write_text("\n".join(lines[:21]) + "\n", encoding="utf-8")
    half = evaluate(ffp_data / "fadul", tmp_path / "half.csv")
    assert half.auc == 1.0
    assert half.controls["mask_only_auc"] < 0.85
    assert 0.3 < half.controls["random_texture_auc"] < 0.7


def test_raw_scans_rank_their_firearm_first(ffp_data: Path, as_is: Evaluation) -> None:
    truth = read_truth(ffp_data / "fadul" / "truth.csv")
    processed = {name: prepare(read_topography(ffp_data / "fadul" / f"{name}.x3p")) for name in truth}
    raw = {
        name: prepare(read_topography(ffp_data / "fadul-raw" / f"{name} raw.x3p"))
        for name in ("Fadul 1-1", "Fadul 1-2", "Fadul 2-1")
    }
    for name, scan in raw.items():
        scores = {other: compare(scan, processed[other]).score for other in processed if other != name}
        own = {other for other in scores if truth[other] == truth[name]}
        assert set(sorted(scores, key=scores.__getitem__)[-len(own) :]) == own
    # above every pair of two firearms of Fadul, and below every pair of one
    assert compare(raw["Fadul 1-1"], raw["Fadul 1-2"]).score > as_is.knm_max
    assert compare(raw["Fadul 1-1"], raw["Fadul 2-1"]).score < as_is.km_min
    assert compare(raw["Fadul 1-2"], raw["Fadul 2-1"]).score < as_is.km_min
