from __future__ import annotations

import time

import numpy as np
import pytest

from matcher.numeric import figures
from matcher.numeric.bootstrap import Scored, intervals, unseen_failure_rate, weighted_auc, weighted_eer


def scored(n_firearms: int = 10, shots: int = 4, lift: float = 1.0, seed: int = 5) -> Scored:
    """Scores of every pair: normal, those of one firearm higher by ``lift`` deviations and what the firearm adds."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_firearms), shots)
    easy = rng.normal(0.0, 0.5, n_firearms)
    a, b = np.triu_indices(len(labels), 1)
    scores = rng.standard_normal(len(a)) + (labels[a] == labels[b]) * (lift + easy[labels[a]])
    matrix = np.full((len(labels), len(labels)), np.nan)
    matrix[a, b] = matrix[b, a] = scores
    return Scored(matrix, labels, scores, np.stack([labels[a], labels[b]], axis=1), log10_lrs=scores - 0.5)


def test_with_every_weight_one_the_figures_are_the_plain_ones() -> None:
    rng = np.random.default_rng(2)
    for ties in (False, True):
        km, knm = rng.normal(0.7, 1.0, 40), rng.normal(0.0, 1.0, 300)
        if ties:
            km, knm = km.round(1), knm.round(1)
        ones = np.ones((1, 40)), np.ones((1, 300))
        assert weighted_auc(km, knm, *ones)[0] == pytest.approx(figures.auc(km, knm))
        assert weighted_eer(km, knm, *ones)[0] == pytest.approx(figures.eer(km, knm))


def test_a_weight_of_two_is_a_pair_counted_twice() -> None:
    rng = np.random.default_rng(3)
    km, knm = rng.normal(0.7, 1.0, 8).round(1), rng.normal(0.0, 1.0, 20).round(1)
    km_times, knm_times = rng.integers(0, 3, 8), rng.integers(0, 3, 20)
    weights = km_times[None].astype(float), knm_times[None].astype(float)
    again = np.repeat(km, km_times), np.repeat(knm, knm_times)
    assert weighted_auc(km, knm, *weights)[0] == pytest.approx(figures.auc(*again))
    assert weighted_eer(km, knm, *weights)[0] == pytest.approx(figures.eer(*again))


def test_the_interval_holds_the_figure_and_narrows_with_more_firearms() -> None:
    few, many = scored(8), scored(24)
    for sample in (few, many):
        same = sample.firearms[:, 0] == sample.firearms[:, 1]
        found = intervals(sample)
        for name, value in (
            ("auc", figures.auc(sample.scores[same], sample.scores[~same])),
            ("eer", figures.eer(sample.scores[same], sample.scores[~same])),
        ):
            low, high = found[name]
            assert low < value < high
    assert np.ptp(intervals(many)["auc"]) < np.ptp(intervals(few)["auc"])


def test_drawing_firearms_is_wider_than_drawing_pairs_would_be() -> None:
    sample = scored(10, 4)
    same = sample.firearms[:, 0] == sample.firearms[:, 1]
    km, knm = sample.scores[same], sample.scores[~same]
    rng = np.random.default_rng(1)
    of_pairs = [figures.auc(rng.choice(km, len(km)), rng.choice(knm, len(knm))) for _ in range(300)]
    low, high = intervals(sample)["auc"]
    assert high - low > 1.2 * np.ptp(np.percentile(of_pairs, [2.5, 97.5]))


def test_complete_separation_has_no_width_and_says_what_may_be_unseen() -> None:
    found = intervals(scored(10, 4, lift=50.0))
    assert found["auc"] == (1.0, 1.0)
    assert found["eer"] == (0.0, 0.0)
    assert found["rank1"] == (1.0, 1.0)
    assert unseen_failure_rate(10) == pytest.approx(0.259, abs=0.001)


def test_a_rival_counts_only_where_its_firearm_was_drawn() -> None:
    """Scan 0 is beaten by firearm 1 alone: its rank-1 fails in the draws that hold firearm 1, and in no other."""
    labels = np.array([0, 0, 1, 1, 2, 2])
    matrix = np.where(labels[:, None] == labels[None, :], 1.0, 0.0)
    matrix[0, 2] = matrix[2, 0] = 2.0
    np.fill_diagonal(matrix, np.nan)
    a, b = np.triu_indices(6, 1)
    found = intervals(Scored(matrix, labels, matrix[a, b], np.stack([labels[a], labels[b]], axis=1)))
    assert found["rank1"][0] == 0.5  # firearms 0 and 1 alone: scans 0 and 2 fail, 1 and 3 do not
    assert found["rank1"][1] == 1.0
    assert "cllr" not in found


def test_it_is_seeded_and_takes_less_than_a_second() -> None:
    sample = scored()
    start = time.thread_time()
    first = intervals(sample)
    assert time.thread_time() - start < 1.0
    assert first == intervals(sample)
    assert first != intervals(sample, seed=2)
