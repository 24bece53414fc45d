"""What stands out of a list of scores: by reason, on lists that are made up. Measured: tests/accuracy."""

from __future__ import annotations

import random
from math import log
from statistics import fmean

import pytest

from exchange.flows.candidates.standing_out import standing_out

CROWD = [0.06 + 0.004 * place for place in range(40)]
"""Marks of other firearms, .06 to .216."""


def test_nothing_stands_out_of_a_crowd() -> None:
    assert standing_out(CROWD) == 0


@pytest.mark.parametrize("true", [[0.93], [0.93, 0.88], [0.75] * 9, [0.6, 0.55, 0.93]])
def test_true_pairs_stand_out_and_do_not_hide_each_other(true: list[float]) -> None:
    assert standing_out([*CROWD, *true]) == len(true)


def test_the_order_of_the_scores_does_not_count() -> None:
    scores = [*CROWD, 0.9, 0.8]
    random.Random(1).shuffle(scores)
    assert standing_out(scores) == 2


@pytest.mark.parametrize("scores", [[], [0.04], [0.9, 0.1], [0.3, 0.2, 0.1]])
def test_a_list_of_three_is_shown_whole(scores: list[float]) -> None:
    assert standing_out(scores) == len(scores)


def test_with_few_references_what_validation_found_decides() -> None:
    assert standing_out([0.9, 0.2, 0.15, 0.1]) == 1
    assert standing_out([0.3, 0.2, 0.15, 0.1]) == 1
    assert standing_out([0.22, 0.2, 0.15, 0.1]) == 0
    assert standing_out([0.9, 0.88, 0.86, 0.8]) == 4


def test_what_many_references_reach_by_chance_does_not_stand_out() -> None:
    many = [0.06 + 0.16 * place / 2000 for place in range(2000)]
    assert standing_out([*many, 0.3]) == 0
    assert standing_out([*many[::50], 0.3]) == 0
    assert standing_out([*many[::50], 0.5]) == 1


def test_a_crowd_that_is_more_alike_than_those_of_the_sets_is_a_crowd() -> None:
    alike = [0.16 + 0.006 * place for place in range(40)]
    assert standing_out(alike) == 0
    assert standing_out([*alike, 0.9]) == 1


@pytest.mark.parametrize("length", [5, 40, 400])
def test_chance_misleads_in_few_lists(length: int) -> None:
    """Agreements that are the best of many places."""
    drawn = random.Random(7)
    lists = [[_chance(drawn) for _ in range(length)] for _ in range(400 if length < 400 else 60)]
    assert fmean(standing_out(scores) > 0 for scores in lists) <= 0.05


def _chance(drawn: random.Random) -> float:
    """The score of two firearms: mean 4.7 and deviation .8 of a Gumbel variable, on the scale of the score."""
    agreement = 4.7 - 0.577 * 0.624 - 0.624 * log(drawn.expovariate(1.0))
    return agreement**2 / (agreement**2 + 12**2)


@pytest.mark.parametrize("scores", [[1.0] * 5, [0.0] * 5, [-0.3, 0.0, 1.0, 1.2, 0.1]])
def test_scores_at_the_ends_of_the_scale(scores: list[float]) -> None:
    assert 0 <= standing_out(scores) <= 5
