from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.numeric import figures

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=12).map(np.array)


def test_complete_separation() -> None:
    km, knm = np.array([0.9, 1.0, 1.1]), np.array([0.1, 0.2, 0.2])
    assert figures.auc(km, knm) == 1.0
    assert figures.eer(km, knm) == 0.0
    assert figures.overlaps(km, knm) == 0
    assert figures.gap_in_knm_deviations(km, knm) == pytest.approx(0.7 / knm.std())


def test_known_values() -> None:
    km, knm = np.array([0.3, 0.7]), np.array([0.1, 0.5])
    assert figures.auc(km, knm) == 0.75
    assert figures.eer(km, knm) == 0.5
    assert figures.overlaps(km, knm) == 2
    assert figures.variance_ratio(km, knm) == pytest.approx(0.04 / 0.08)


def test_the_equal_error_rate_lies_between_the_steps_of_the_roc() -> None:
    # one of four KM is missed where none of the KNM alarms; none is missed where two of five alarm
    km, knm = np.array([0.3, 0.8, 0.9, 1.0]), np.array([0.0, 0.1, 0.2, 0.4, 0.5])
    # the ROC steps from (alarms 2/5, misses 0) up to (2/5, 1/4), then left to (0, 1/4)
    assert figures.eer(km, knm) == pytest.approx(0.25)


@given(km=scores, knm=scores)
def test_auc_is_the_share_of_pairs_in_order(km: np.ndarray, knm: np.ndarray) -> None:
    counted = np.mean([(k > n) + 0.5 * (k == n) for k in km for n in knm])
    assert figures.auc(km, knm) == pytest.approx(counted)
    assert figures.auc(knm, km) == pytest.approx(1.0 - counted)


@given(km=scores, knm=scores)
def test_the_equal_error_rate_is_a_rate_and_survives_any_monotone_change(km: np.ndarray, knm: np.ndarray) -> None:
    rate = figures.eer(km, knm)
    assert 0.0 <= rate <= 1.0
    assert figures.eer(km**3 + 2.0, knm**3 + 2.0) == pytest.approx(rate)
    assert (figures.overlaps(km, knm) == 0) == (km.min() > knm.max())


def test_ranking_counts_every_scan_that_has_another_of_its_firearm() -> None:
    matrix = np.array(
        [
            [0.0, 0.9, 0.8, 0.1],
            [0.9, 0.0, 0.2, 0.1],
            [0.8, 0.2, 0.0, 0.5],
            [0.1, 0.1, 0.5, 0.0],
        ]
    )
    rank1, mean_precision, recall = figures.ranking(matrix, ["x", "x", "y", "y"])
    # scan 2 finds its own firearm second, the others first
    assert rank1 == 0.75
    assert mean_precision == pytest.approx((1.0 + 1.0 + 0.5 + 1.0) / 4)
    assert recall == 1.0
    assert figures.ranking(matrix, ["x", "x", "y", "z"])[0] == 1.0


def test_ties_are_held_against_the_ranking() -> None:
    matrix = np.ones((3, 3))
    rank1, mean_precision, _ = figures.ranking(matrix, ["x", "x", "y"])
    assert rank1 == 0.0
    assert mean_precision == 0.5
