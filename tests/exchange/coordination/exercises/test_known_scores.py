"""Scores of known pairs: of this matcher, measured as told, and with look-alikes between the others."""

from __future__ import annotations

import statistics
from itertools import islice

import pytest

import matcher
from exchange.coordination.exercises.draw_set import KnownPairScores, known_pair_scores, place_among
from tests.exchange.coordination.exercises.measure_exercises import KINDS, measured


def test_they_are_of_this_matcher() -> None:
    """Where not: ``python -m tests.exchange.coordination.exercises.measure_exercises``."""
    known = known_pair_scores()
    assert known.parameters == matcher.DEFAULT_PARAMETERS.digest
    assert known.is_of_this_matcher
    assert {kind: len(getattr(known, kind)) for kind in KINDS} == KINDS


def test_look_alikes_look_alike_and_are_told_apart() -> None:
    """Different firearms of one tool score higher than other different ones, and lower than one firearm does."""
    known = known_pair_scores()
    middle = {kind: statistics.median(getattr(known, kind)) for kind in KINDS}
    assert middle["different"] + 0.1 < middle["look_alikes"] < middle["same"] - 0.1
    above = sum(score > known.different[-1] for score in known.look_alikes)
    assert above > len(known.look_alikes) / 3, "many stand where no other pair of different firearms does"
    assert sum(score < known.same[0] for score in known.look_alikes) > 0.8 * len(known.look_alikes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_are_measured_again(kind: str) -> None:
    kept = getattr(known_pair_scores(), kind)
    for score in islice(measured(kind, KINDS[kind]), 3):
        assert min(abs(score - one) for one in kept) < 1e-4


def test_a_place_is_counted_from_below() -> None:
    known = KnownPairScores("", (0.1, 0.2, 0.3), (0.4, 0.5), (0.8, 0.9))
    assert place_among(0.2, known).above_different == 1
    place = place_among(0.45, known)
    assert (place.above_different, place.above_look_alikes, place.above_same) == (3, 1, 0)
