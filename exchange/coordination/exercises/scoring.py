"""What an answer was worth: one function of what is true, what the marks show, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.coordination.exercises.exercise_vocabulary import ExerciseOutcome, ExerciseSkill, ExerciseTruth
from schemas.vocabulary import ScreenConclusion


def pair_outcome(truth: ExerciseTruth, *, shows_enough: bool, said: ScreenConclusion) -> ExerciseOutcome:
    """Of two exhibits, seen on the screen. ``shows_enough``: whether the marks bear the true conclusion.

    1. An association of two firearms is false, and none of one firearm is missed, whatever the marks show.
    2. Where they show too little, a conclusion is too much, and inconclusive or unsuitable is right.
    3. Where they show enough, the true conclusion is right, and unsuitable is too little.
    4. Inconclusive of one firearm is too little; of two firearms it is cautious, and counted by itself.
    """
    if said is ScreenConclusion.POSSIBLE_ASSOCIATION and truth is ExerciseTruth.DIFFERENT:
        return ExerciseOutcome.FALSE_ASSOCIATION
    if said is ScreenConclusion.NO_ASSOCIATION_INDICATED and truth is ExerciseTruth.SAME:
        return ExerciseOutcome.MISSED_ASSOCIATION
    concludes = said in (ScreenConclusion.POSSIBLE_ASSOCIATION, ScreenConclusion.NO_ASSOCIATION_INDICATED)
    if not shows_enough:
        return ExerciseOutcome.OVER_CLAIM if concludes else ExerciseOutcome.RIGHT
    if concludes:
        return ExerciseOutcome.RIGHT
    if said is ScreenConclusion.UNSUITABLE_FOR_EXAMINATION or truth is ExerciseTruth.SAME:
        return ExerciseOutcome.UNDER_CLAIM
    return ExerciseOutcome.INCONCLUSIVE


def question_outcome(right: str, said: str) -> ExerciseOutcome:
    return ExerciseOutcome.RIGHT if said == right else ExerciseOutcome.WRONG


@dataclass(frozen=True)
class SkillResult:
    """How many answers of one skill were worth what."""

    skill: ExerciseSkill
    answered: int
    outcomes: Mapping[ExerciseOutcome, int]


def added_up(people: Iterable[Iterable[SkillResult]]) -> list[SkillResult]:
    """What several people did together."""
    return by_skill(
        (line.skill, outcome)
        for results in people
        for line in results
        for outcome, count in line.outcomes.items()
        for _ in range(count)
    )


def by_skill(scored: Iterable[tuple[ExerciseSkill, ExerciseOutcome]]) -> list[SkillResult]:
    """In the order of the skills; a skill that nobody was asked about is left out."""
    counted = Counter(scored)
    found = []
    for skill in ExerciseSkill:
        outcomes = {outcome: counted[skill, outcome] for outcome in ExerciseOutcome if counted[skill, outcome]}
        if outcomes:
            found.append(SkillResult(skill, sum(outcomes.values()), outcomes))
    return found
