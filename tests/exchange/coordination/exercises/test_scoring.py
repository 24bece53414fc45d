"""What each answer is worth, for each truth and for marks that show enough or too little."""

from __future__ import annotations

import pytest

from exchange.coordination.exercises.attempts import added_up, by_skill, pair_outcome, question_outcome
from exchange.coordination.exercises.exercise_vocabulary import ExerciseOutcome as O
from exchange.coordination.exercises.exercise_vocabulary import ExerciseSkill, ExerciseTruth
from schemas.vocabulary import ScreenConclusion

SAID = tuple(ScreenConclusion)
EXPECTED = {
    # possible association, inconclusive, no association indicated, unsuitable for examination
    (ExerciseTruth.SAME, True): (
        O.RIGHT,
        O.UNDER_CLAIM,
        O.MISSED_ASSOCIATION,
        O.UNDER_CLAIM,
    ),
    (ExerciseTruth.DIFFERENT, True): (
        O.FALSE_ASSOCIATION,
        O.INCONCLUSIVE,
        O.RIGHT,
        O.UNDER_CLAIM,
    ),
    (ExerciseTruth.SAME, False): (O.OVER_CLAIM, O.RIGHT, O.MISSED_ASSOCIATION, O.RIGHT),
    (ExerciseTruth.DIFFERENT, False): (O.FALSE_ASSOCIATION, O.RIGHT, O.OVER_CLAIM, O.RIGHT),
}


def test_the_table_is_of_the_whole_range() -> None:
    assert [one.value for one in SAID] == [
        "possible_association",
        "inconclusive",
        "no_association_indicated",
        "unsuitable_for_examination",
    ]


@pytest.mark.parametrize(("truth", "enough"), EXPECTED)
@pytest.mark.parametrize("said", SAID)
def test_an_answer_is_worth_what_the_marks_bear(truth: ExerciseTruth, enough: bool, said: ScreenConclusion) -> None:
    assert pair_outcome(truth, shows_enough=enough, said=said) is EXPECTED[truth, enough][SAID.index(said)]


def test_a_question_is_right_or_not() -> None:
    assert question_outcome("day", "day") is O.RIGHT
    assert question_outcome("day", "week") is O.WRONG


def test_results_are_counted_by_skill() -> None:
    one = by_skill([(ExerciseSkill.NOISE, O.RIGHT), (ExerciseSkill.SAME_FIREARM, O.UNDER_CLAIM)])
    other = by_skill([(ExerciseSkill.NOISE, O.RIGHT), (ExerciseSkill.NOISE, O.OVER_CLAIM)])
    assert [line.skill for line in one] == [ExerciseSkill.SAME_FIREARM, ExerciseSkill.NOISE]
    same, noise = added_up([one, other])
    assert (same.answered, dict(same.outcomes)) == (1, {O.UNDER_CLAIM: 1})
    assert (noise.answered, dict(noise.outcomes)) == (3, {O.RIGHT: 2, O.OVER_CLAIM: 1})
