from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.likelihood.fusion import FusedSet, Fusion, cllr, conservative, fit_fusion
from matcher.numeric import figures

REGIONS = ("breech_face", "firing_pin_impression")
BOUNDS = (-2.0, 2.0)


def pairs(seed: int, shared: float, firearms: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated log10 LRs of two regions whose chance parts have the correlation ``shared``, and firearms."""
    rng = np.random.default_rng(seed)
    places = np.array([(a, a) for a in range(firearms)] + [(a, (a + 1 + a % 7) % firearms) for a in range(firearms)])
    common = np.sqrt(shared) * rng.standard_normal((len(places), 1))
    chance = common + np.sqrt(1.0 - shared) * rng.standard_normal((len(places), 2))
    same = places[:, 0] == places[:, 1]
    # normal scores, means 2 apart, deviation 1: the logarithm of the likelihood ratio is 2 x score
    scores = np.where(same, 1.0, -1.0)[:, None] + chance
    return 2.0 * scores / np.log(10.0), places


def test_independent_regions_are_added_and_dependent_ones_weighed() -> None:
    apart, firearms = pairs(1, shared=0.0, firearms=400)
    alike, _ = pairs(2, shared=0.9, firearms=400)
    independent = fit_fusion(REGIONS, apart, firearms, BOUNDS).sets[0]
    dependent = fit_fusion(REGIONS, alike, firearms, BOUNDS).sets[0]
    assert sum(independent.weights) > 1.6
    assert sum(dependent.weights) < 1.25
    same = firearms[:, 0] == firearms[:, 1]
    fused = alike @ np.array(dependent.weights)
    assert cllr(fused, same) < cllr(alike.sum(axis=1), same)


def test_a_missing_region_says_nothing() -> None:
    fusion = Fusion((FusedSet(REGIONS, (0.5, 1.0), 30, 30, 30),), BOUNDS)
    assert fusion.fuse({}).log10_lr == 0.0
    assert fusion.fuse({"breech_face": None}).rule == "none"
    alone = fusion.fuse({"breech_face": 1.2, "firing_pin_impression": None})
    assert (alone.log10_lr, alone.rule, alone.regions) == (1.2, "alone", ("breech_face",))
    both = fusion.fuse({"firing_pin_impression": 0.6, "breech_face": 1.2})
    assert both.log10_lr == pytest.approx(1.2)
    assert (both.rule, both.weights) == ("fitted", (0.5, 1.0))
    unknown_set = fusion.fuse({"breech_face": 1.2, "aperture_shear": 0.9})
    assert (unknown_set.log10_lr, unknown_set.rule) == (1.2, "conservative")
    assert fusion.fuse({"breech_face": 3.0, "firing_pin_impression": 3.0}).log10_lr == BOUNDS[1]
    with pytest.raises(ValueError, match="finite"):
        fusion.fuse({"breech_face": float("nan")})


def test_the_conservative_rule_counts_agreement_once_and_dissent_fully() -> None:
    assert conservative((1.0, 0.7)) == 1.0
    assert conservative((-1.0, -0.4)) == -1.0
    assert conservative((1.0, -0.4)) == pytest.approx(0.6)


def test_pairs_without_a_region_are_fused_by_what_they_show() -> None:
    values, firearms = pairs(3, shared=0.3)
    values[::5, 1] = np.nan
    fused = fused_leaving_out(REGIONS, values, firearms, BOUNDS, groups=6)
    alone = np.isnan(values[:, 1])
    np.testing.assert_allclose(fused[alone], np.clip(values[alone, 0], *BOUNDS))
    same = firearms[:, 0] == firearms[:, 1]
    assert cllr(fused, same) < cllr(np.nan_to_num(values[:, 0]), same)


def test_too_few_firearms_fit_nothing() -> None:
    values, firearms = pairs(4, shared=0.0, firearms=12)
    assert fit_fusion(REGIONS, values, firearms, BOUNDS).sets == ()


def test_bounds_and_weights_are_held() -> None:
    with pytest.raises(ValueError, match="bounds"):
        Fusion((), (0.5, 1.0))
    with pytest.raises(ValueError, match="weights"):
        Fusion((FusedSet(REGIONS, (1.5, 1.0), 30, 30, 30),), BOUNDS)
    with pytest.raises(ValueError, match="log10_lrs"):
        fit_fusion(REGIONS, np.zeros((3, 1)), np.zeros((3, 2), np.int64), BOUNDS)


def calibrated(scores: np.ndarray, same: np.ndarray) -> np.ndarray:
    """log10 LRs by two normal distributions of one spread: enough to see what fusion adds."""
    km, knm = scores[same], scores[~same]
    spread = (km.var() + knm.var()) / 2.0
    return ((scores - knm.mean()) ** 2 - (scores - km.mean()) ** 2) / (2.0 * spread * np.log(10.0))


@pytest.mark.data
def test_two_regions_of_real_pairs_say_more_than_one(ffp_data: Path) -> None:
    tables = []
    for name in ("breech_face_impression", "firing_pin_impression"):
        with (ffp_data / "lr-scores" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        same = np.array([row["hypothesis"] == "1" for row in rows])
        values = calibrated(np.array([float(row["accf"]) for row in rows]), same)
        weapons = [tuple(sorted((row["weapon1"], row["weapon2"]))) for row in rows]
        tables.append(dict(zip(weapons, values, strict=True)))
    common = sorted(tables[0].keys() & tables[1].keys())
    places = np.unique([weapon for pair in common for weapon in pair], return_inverse=True)[1].reshape(-1, 2)
    values = np.array([[table[pair] for table in tables] for pair in common])
    same = places[:, 0] == places[:, 1]
    assert (int(same.sum()), int((~same).sum())) == (186, 495)
    # once the truth is known, what one region says tells little of the other: the reason that weights come near 1
    for kind in (same, ~same):
        assert abs(np.corrcoef(values[kind].T)[0, 1]) < 0.25
    fused = fused_leaving_out(REGIONS, values, places.astype(np.int64), (-2.2, 1.8), groups=8)
    alone = [cllr(np.clip(values[:, column], -2.2, 1.8), same) for column in range(2)]
    assert cllr(fused, same) < 0.7 * min(alone)
    assert figures.auc(fused[same], fused[~same]) > 0.998


def fused_leaving_out(
    regions: tuple[str, ...],
    log10_lrs: NDArray[np.float64],
    firearms: NDArray[np.int64],
    bounds: tuple[float, float],
    groups: int,
) -> NDArray[np.float64]:
    """(n,): each pair's fused log10 LR, from weights that saw no pair of either of its firearms.

    Firearms beyond ``groups`` are dealt into so many groups, and a pair leaves the groups of its firearms out.
    """
    dealt = np.sort(firearms % groups, axis=1)
    folds = np.unique(dealt, axis=0)
    fused = np.empty(len(firearms))
    for fold in folds:
        kept = ~np.isin(dealt, fold).any(axis=1)
        fusion = fit_fusion(regions, log10_lrs[kept], firearms[kept], bounds)
        for row in np.flatnonzero((dealt == fold).all(axis=1)):
            known = {
                region: float(value) if np.isfinite(value) else None
                for region, value in zip(regions, log10_lrs[row], strict=True)
            }
            fused[row] = fusion.fuse(known).log10_lr
    return fused
