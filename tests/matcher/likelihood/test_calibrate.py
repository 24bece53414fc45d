from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import matcher.likelihood.calibrate
from matcher.likelihood.calibrate import (
    LeaveOneOut,
    bounds,
    calibrate,
    fit,
    independent_firearm_pairs,
    leave_one_firearm_out,
    leave_one_out,
)
from matcher.likelihood.calibration_model import CalibrationModel, CalibrationRefused, ReferencePopulation
from matcher.likelihood.scored_pairs import ScoredPairs, read_score_table
from schemas.vocabulary import Modality, RegionOfInterest

pytestmark = pytest.mark.slow


def drawn(firearms: int, shots: int, *, apart: float = 3.0, own: float = 0.0, seed: int = 0) -> ScoredPairs:
    """All pairs of the scans of so many firearms. Scores: 0 for KNM and ``apart`` for KM, with a deviation of 1;
    ``own``: how much of a KNM score comes from each of its firearms."""
    rng = np.random.default_rng(seed)
    ease = rng.standard_normal(firearms)
    scans = [f"{firearm:03}" for firearm in range(firearms) for _ in range(shots)]
    first, second = zip(*combinations(scans, 2), strict=True)
    scores = [
        rng.standard_normal() + (apart if a == b else own * (ease[int(a)] + ease[int(b)]))
        for a, b in zip(first, second, strict=True)
    ]
    return ScoredPairs.from_names(first, second, scores)


def population(pairs: ScoredPairs) -> ReferencePopulation:
    n_km = int(pairs.same.sum())
    return ReferencePopulation(
        name="drawn",
        description="drawn scores",
        region=RegionOfInterest.BREECH_FACE,
        modality=Modality.TOPOGRAPHY,
        calibres=(),
        lateral_resolution_um=None,
        n_firearms=pairs.n_firearms,
        n_scans=None,
        n_km=n_km,
        n_knm=len(pairs.same) - n_km,
        matcher_version="none",
        parameters_digest="0" * 64,
        made_on="2026-01-01",
    )


def cllr_by_definition(log10_lrs: np.ndarray, same: np.ndarray) -> float:
    km, knm = log10_lrs[same], log10_lrs[~same]
    return float(np.mean(np.log2(1.0 + 10.0**-km)) + np.mean(np.log2(1.0 + 10.0**knm))) / 2.0


def cllr_min_by_pooling(values: np.ndarray, same: np.ndarray) -> float:
    """Adjacent violators pooled by hand: blocks of equal values first, then whichever block falls below the last."""
    weight_km, weight_knm = 0.5 / same.sum(), 0.5 / (~same).sum()
    blocks: list[list[float]] = []
    for value in np.unique(values):
        here = values == value
        blocks.append([weight_km * (here & same).sum(), weight_knm * (here & ~same).sum()])
        while len(blocks) > 1 and _share(blocks[-1]) <= _share(blocks[-2]):
            km, knm = blocks.pop()
            blocks[-1][0] += km
            blocks[-1][1] += knm
    cost = 0.0
    for km, knm in blocks:
        cost += km * np.log2((km + knm) / km) if km else 0.0
        cost += knm * np.log2((km + knm) / knm) if knm else 0.0
    return float(cost)


def _share(block: list[float]) -> float:
    return block[0] / (block[0] + block[1])


# Leaving firearms out


@pytest.mark.parametrize(
    ("firearms", "groups", "a", "b"),
    [(6, 20, 2, 5), (6, 20, 3, 3), (8, 6, 1, 5), pytest.param(23, 20, 2, 5, marks=pytest.mark.slow)],
)
def test_a_pair_is_judged_without_any_pair_of_either_of_its_firearms(
    monkeypatch: pytest.MonkeyPatch, firearms: int, groups: int, a: int, b: int
) -> None:
    monkeypatch.setattr(matcher.likelihood.calibrate, "_GROUPS", groups)
    pairs = drawn(firearms, 2)
    judged = (pairs.firearms == (a, b)).all(axis=1)
    theirs = np.isin(pairs.firearms, (a, b)).any(axis=1)
    as_it_is = leave_one_firearm_out(pairs)[judged]
    spoilt = ScoredPairs(np.where(theirs & ~judged, -40.0, pairs.scores), pairs.firearms)
    assert np.array_equal(leave_one_firearm_out(spoilt)[judged], as_it_is)
    others = ScoredPairs(np.where(~theirs & pairs.same, pairs.scores + 1.0, pairs.scores), pairs.firearms)
    assert not np.isclose(leave_one_firearm_out(others)[judged], as_it_is).any()


def test_one_by_one_it_is_the_fit_on_all_pairs_of_the_other_firearms() -> None:
    pairs = drawn(6, 3)
    found = leave_one_firearm_out(pairs)
    for at in (0, 7, 20, -1):
        kept = ~np.isin(pairs.firearms, pairs.firearms[at]).any(axis=1)
        slope, intercept = fit(pairs.scores[kept], pairs.same[kept])
        assert found[at] == intercept + slope * pairs.scores[at]


@pytest.mark.parametrize(("firearms", "shots"), [(2, 4), (3, 2)])
def test_too_few_firearms_are_refused(firearms: int, shots: int) -> None:
    with pytest.raises(CalibrationRefused, match="too few firearms"):
        leave_one_out(drawn(firearms, shots))


def test_fits_are_reported() -> None:
    seen: list[tuple[int, int]] = []
    leave_one_firearm_out(drawn(5, 2), lambda done, total: seen.append((done, total)))
    assert seen == [(done, 15) for done in range(1, 16)]


# The fit


def test_the_log_lr_of_normal_scores_is_found() -> None:
    """Of two normal kinds, one deviation wide and 2 apart, the log LR is 2 s - 2 in nats."""
    pairs = drawn(50, 4, apart=2.0)
    slope, intercept = fit(pairs.scores, pairs.same)
    assert slope * np.log(10.0) == pytest.approx(2.0, abs=0.15)
    assert intercept * np.log(10.0) == pytest.approx(-2.0, abs=0.15)


def test_another_scale_of_scores_gives_the_same_lrs() -> None:
    pairs = drawn(6, 3)
    scaled = ScoredPairs(pairs.scores * 250.0 - 1e4, pairs.firearms)
    assert leave_one_firearm_out(scaled) == pytest.approx(leave_one_firearm_out(pairs), abs=1e-4)


def test_kinds_that_are_wholly_apart_give_finite_lrs() -> None:
    validation = leave_one_out(drawn(10, 4, apart=50.0))
    assert np.isfinite(validation.log10_lrs).all()
    assert np.abs(validation.log10_lrs).max() < 1.7  # forty-five pairs of firearms support no more
    assert validation.cllr_min == 0.0
    assert validation.gap == pytest.approx(validation.bounds.upper - validation.bounds.lower)


def test_equal_scores_within_each_kind_are_fitted_too() -> None:
    pairs = drawn(6, 3)
    validation = leave_one_out(ScoredPairs(pairs.same.astype(float), pairs.firearms))
    assert validation.gap > 0.0
    assert validation.bounds.independent_knm == 3.0


# Bounds


def test_bounds_follow_the_firearms_however_many_scans_each_gave() -> None:
    few, many = (leave_one_out(drawn(10, shots, apart=50.0)).bounds for shots in (3, 8))
    assert few.lower == many.lower == pytest.approx(-np.log10(11.0))
    assert few.upper <= np.log10(46.0)
    assert many.upper <= np.log10(46.0)
    assert few.independent_km == many.independent_km == 10.0


def test_a_firearm_without_a_pair_of_its_own_does_not_lower_the_bound() -> None:
    pairs = drawn(10, 2, apart=50.0)
    kept = ~pairs.same | (pairs.firearms[:, 0] < 6)
    some = ScoredPairs(pairs.scores[kept], pairs.firearms[kept])
    assert bounds(leave_one_firearm_out(pairs)[kept], some).lower == pytest.approx(-np.log10(7.0), abs=0.01)


def test_pairs_whose_scores_come_from_their_firearms_count_less() -> None:
    alone = [independent_firearm_pairs(drawn(20, 1 + 1, seed=seed)) for seed in range(5)]
    shared = [independent_firearm_pairs(drawn(20, 1 + 1, own=3.0, seed=seed)) for seed in range(5)]
    assert min(alone) > 0.75 * 190
    assert max(shared) < 0.25 * 190
    assert min(shared) >= 10.0


def test_the_correlation_in_the_upper_tenth_is_that_of_two_normal_variables() -> None:
    """20 firearms, 190 pairs that share with 36 others each: what is counted gives the correlation back."""
    pairs = drawn(20, 2, own=3.0)
    m, sharing = 190, 36
    found = (m / independent_firearm_pairs(pairs) - 1.0) / sharing
    both = [multivariate_normal.cdf([-1.2815515655] * 2, cov=[[1.0, rho], [rho, 1.0]]) for rho in (0.25, 0.5)]
    low, high = ((probability - 0.01) / 0.09 for probability in both)
    assert low < found <= high + 1e-6


def test_constant_scores_count_as_half_the_firearms() -> None:
    pairs = drawn(9, 2)
    assert independent_firearm_pairs(ScoredPairs(pairs.same * 1.0, pairs.firearms)) == 4.5


# The model


def test_the_model_is_the_fitted_line_cut_at_its_bounds() -> None:
    pairs = drawn(8, 3)
    model = calibrate(pairs, population(pairs))
    slope, intercept = fit(pairs.scores, pairs.same)
    for score in np.linspace(-6.0, 9.0, 301):
        cut = min(max(intercept + slope * score, model.lower), model.upper)
        assert model.log10_lr(score) == pytest.approx(cut, abs=1e-12)
    assert isinstance(model, CalibrationModel)
    validation = leave_one_out(pairs)
    assert (model.cllr, model.cllr_min) == (validation.cllr, validation.cllr_min)
    assert (model.lower, model.upper) == (validation.bounds.lower, validation.bounds.upper)


@pytest.mark.parametrize("apart", [-3.0, 0.0])
def test_scores_no_better_than_chance_make_no_model(apart: float) -> None:
    pairs = drawn(8, 3, apart=apart)
    with pytest.raises(CalibrationRefused, match="no better than chance"):
        calibrate(pairs, population(pairs))


def test_cllr_and_its_minimum_are_those_of_the_definition() -> None:
    pairs = drawn(15, 3, apart=1.5)
    agrees_with_definitions(leave_one_out(pairs), pairs)


def agrees_with_definitions(validation: LeaveOneOut, pairs: ScoredPairs) -> None:
    assert validation.cllr == pytest.approx(cllr_by_definition(validation.log10_lrs, pairs.same), abs=1e-9)
    assert validation.cllr_min == pytest.approx(cllr_min_by_pooling(validation.log10_lrs, pairs.same), abs=1e-6)
    assert validation.cllr_min <= validation.cllr
    assert validation.log10_lrs.min() >= validation.bounds.lower
    assert validation.log10_lrs.max() <= validation.bounds.upper


# Tables of scores


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs the columns"),
        ("weapon1,weapon2,hypothesis\n1,1,1\n", "needs the columns"),
        ("weapon1,weapon2,hypothesis,score\n1,1,0,2.0\n", "line 2: weapons and hypothesis"),
        ("weapon1,weapon2,hypothesis,score\n1,1,1,2.0\n1,2,1,2.0\n", "line 3: weapons and hypothesis"),
        ("weapon1,weapon2,hypothesis,score\n1,,0,2.0\n", "line 2: weapons and hypothesis"),
        ("weapon1,weapon2,hypothesis,score\n1,1,1,much\n", "line 2: the score"),
        ("weapon1,weapon2,hypothesis,score\n1,1,1\n", "line 2: the score"),
        ("weapon1,weapon2,hypothesis,score\n1,1,1,nan\n1,2,0,1\n", "not a finite number"),
        ("weapon1,weapon2,hypothesis,score\n1,1,1,3\n", "pairs of one firearm and pairs of two"),
        ("weapon1,weapon2,hypothesis,score\n1,2,0,3\n", "pairs of one firearm and pairs of two"),
        ("weapon1,weapon2,hypothesis,score\n", "pairs of one firearm and pairs of two"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CalibrationRefused, match=words):
        read_score_table(tmp_path / "table.csv", "score")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationRefused, match=r"table\.csv cannot be read"):
        read_score_table(tmp_path / "table.csv", "score")


# Tables of real scores. Ranges: what the set's overlap allows (Cllr_min) to a calibration loss of 0.05.


@pytest.mark.data
@pytest.mark.parametrize(
    ("table", "column", "firearms", "cllr", "cllr_min", "lower", "upper"),
    [
        ("breech_face_impression", "accf", 191, (0.44, 0.49), (0.42, 0.46), (-1.4, -0.9), (1.5, 2.0)),
        ("firing_pin_impression", "accf", 196, (0.11, 0.16), (0.10, 0.13), (-1.8, -1.2), (2.3, 2.6)),
    ],
)
def test_real_scores(
    ffp_data: Path,
    table: str,
    column: str,
    firearms: int,
    cllr: tuple[float, float],
    cllr_min: tuple[float, float],
    lower: tuple[float, float],
    upper: tuple[float, float],
) -> None:
    pairs = read_score_table(ffp_data / "lr-scores" / f"{table}.csv", column)
    assert pairs.n_firearms == firearms
    within(pairs, cllr, cllr_min, lower, upper)


@pytest.mark.data
def test_real_striated_scores_of_sixty_firearms(ffp_data: Path) -> None:
    every = read_score_table(ffp_data / "lr-scores" / "aperture_shear.csv", "ccf")
    kept = (every.firearms < 60).all(axis=1)
    pairs = ScoredPairs(every.scores[kept], every.firearms[kept])
    assert len(pairs.scores) == 60 + 60 * 59 // 2
    within(pairs, (0.0, 0.1), (0.0, 0.06), (-2.0, -1.2), (1.5, 3.1))


@pytest.mark.data
def test_real_striated_scores(ffp_data: Path) -> None:
    pairs = read_score_table(ffp_data / "lr-scores" / "aperture_shear.csv", "ccf")
    assert pairs.n_firearms == 199
    within(pairs, (0.02, 0.05), (0.01, 0.04), (-2.4, -1.8), (3.0, 3.6))


def within(
    pairs: ScoredPairs,
    cllr: tuple[float, float],
    cllr_min: tuple[float, float],
    lower: tuple[float, float],
    upper: tuple[float, float],
) -> None:
    validation = leave_one_out(pairs)
    agrees_with_definitions(validation, pairs)
    assert cllr[0] < validation.cllr < cllr[1]
    assert cllr_min[0] <= validation.cllr_min < cllr_min[1]
    assert lower[0] < validation.bounds.lower < lower[1]
    assert upper[0] < validation.bounds.upper < upper[1]
    # no fit can tell apart what the scores themselves do not
    assert validation.cllr_min > cllr_min_by_pooling(pairs.scores, pairs.same) - 0.01
