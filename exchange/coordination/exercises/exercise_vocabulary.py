"""The words of exercises: for whom, which skill, what is true, what the marks show, and what an answer was worth."""

from __future__ import annotations

from enum import StrEnum


class ExerciseAudience(StrEnum):
    EXAMINER = "examiner"
    """Two exhibits under the comparison viewer, and a conclusion on the screen."""
    INVESTIGATOR = "investigator"
    """A situation, and what to do next."""


class ExerciseUse(StrEnum):
    PRACTICE = "practice"
    """The answer stands beside each exercise as soon as a person has answered it."""
    PROFICIENCY = "proficiency"
    """The answers lie elsewhere, sealed, until whoever gives the set opens them."""


class ExerciseSkill(StrEnum):
    SAME_FIREARM = "same_firearm"
    """Whole marks of one firearm."""
    DIFFERENT_FIREARMS = "different_firearms"
    """Whole marks of two firearms that no tool joins."""
    LOOK_ALIKES = "look_alikes"
    """Two firearms of one tool: the class characteristics agree, and subclass marks on a part of the face."""
    HALF_MARKS = "half_marks"
    """One of the two marks is half missing."""
    NOISE = "noise"
    """Poor contact and a rough primer, and still enough to see."""
    TOO_LITTLE = "too_little"
    """The marks show too little for a conclusion: inconclusive, or unsuitable."""
    READING_A_HIT = "reading_a_hit"
    NEXT_STEP = "next_step"
    PURPOSE_AND_LAW = "purpose_and_law"
    DEADLINES = "deadlines"
    WHO_MAY_SEE = "who_may_see"


class ExerciseTruth(StrEnum):
    """Of two exhibits, as they were drawn."""

    SAME = "same"
    DIFFERENT = "different"


class ExerciseOutcome(StrEnum):
    """What an answer was worth."""

    RIGHT = "right"
    INCONCLUSIVE = "inconclusive"
    """Inconclusive of two firearms that the marks tell apart: cautious. Many laboratories eliminate on class
    characteristics alone."""
    UNDER_CLAIM = "under_claim"
    """Less than the marks show."""
    OVER_CLAIM = "over_claim"
    """More than the marks show, even where it happens to be true."""
    FALSE_ASSOCIATION = "false_association"
    MISSED_ASSOCIATION = "missed_association"
    WRONG = "wrong"
    """Of a question for investigators."""


SKILLS_OF = {
    ExerciseAudience.EXAMINER: (
        ExerciseSkill.SAME_FIREARM,
        ExerciseSkill.DIFFERENT_FIREARMS,
        ExerciseSkill.LOOK_ALIKES,
        ExerciseSkill.HALF_MARKS,
        ExerciseSkill.NOISE,
        ExerciseSkill.TOO_LITTLE,
    ),
    ExerciseAudience.INVESTIGATOR: (
        ExerciseSkill.READING_A_HIT,
        ExerciseSkill.NEXT_STEP,
        ExerciseSkill.PURPOSE_AND_LAW,
        ExerciseSkill.DEADLINES,
        ExerciseSkill.WHO_MAY_SEE,
    ),
}
OUTCOMES_OF = {
    ExerciseAudience.EXAMINER: tuple(one for one in ExerciseOutcome if one is not ExerciseOutcome.WRONG),
    ExerciseAudience.INVESTIGATOR: (ExerciseOutcome.RIGHT, ExerciseOutcome.WRONG),
}
