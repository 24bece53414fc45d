"""Drawn scans of known firearm: no proof of accuracy on real ones, but a change that harms the matcher shows here."""

from __future__ import annotations

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, Prepared, compare, correlate, prepare
from matcher.evaluate.conditions import rotated
from matcher.evaluate.evaluated_pairs import Stopwatch, score_pairs
from matcher.numeric import figures
from matcher.synthetic import breech_face

pytestmark = pytest.mark.slow

SHOTS = 3


def prepared_set(firearms: int, raw: bool) -> tuple[list[str], list[Prepared]]:
    names = [f"{firearm}" for firearm in range(firearms) for _ in range(SHOTS)]
    scans = [breech_face.draw(100 + firearm, shot, raw=raw) for firearm in range(firearms) for shot in range(SHOTS)]
    return names, [prepare(scan) for scan in scans]


@pytest.fixture(scope="module", params=[4, pytest.param(9, marks=pytest.mark.slow)])
def masked(request: pytest.FixtureRequest) -> tuple[list[str], list[Prepared]]:
    """The three shots of so many firearms."""
    return prepared_set(request.param, raw=False)


def scores_of(names: list[str], scans: list[Prepared]) -> tuple[np.ndarray, np.ndarray]:
    pairs = score_pairs(
        [str(place) for place in range(len(names))], scans, DEFAULT_PARAMETERS, Stopwatch(), lambda _done, _total: None
    )
    scores = np.array([pair.score for pair in pairs])
    same = np.array([names[int(pair.a)] == names[int(pair.b)] for pair in pairs])
    return scores[same], scores[~same]


def test_masked_scans_separate(masked: tuple[list[str], list[Prepared]]) -> None:
    km, knm = scores_of(*masked)
    assert figures.auc(km, knm) == 1.0
    assert figures.gap_in_knm_deviations(km, knm) > 2.0


@pytest.mark.parametrize("firearms", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_raw_scans_separate(firearms: int) -> None:
    km, knm = scores_of(*prepared_set(firearms, raw=True))
    assert figures.auc(km, knm) == 1.0
    assert figures.gap_in_knm_deviations(km, knm) > 2.0


def test_a_gallery_ranks_the_own_firearm_first(masked: tuple[list[str], list[Prepared]]) -> None:
    names, gallery = masked
    for row in range(0, len(gallery), 4):
        ranked = correlate(gallery[row], gallery)
        own = [entry.index for entry in ranked[:SHOTS]]
        assert [names[index] for index in own] == [names[row]] * SHOTS


@pytest.mark.parametrize("degrees", [45.0, 133.3, 270.0])
def test_a_turn_changes_the_score_of_a_pair_little(degrees: float) -> None:
    one, other = breech_face.draw(103, 0), breech_face.draw(103, 1)
    first = prepare(one)
    as_it_is = compare(first, prepare(other)).score
    assert compare(first, prepare(rotated(other, degrees))).score == pytest.approx(as_it_is, abs=0.1)
