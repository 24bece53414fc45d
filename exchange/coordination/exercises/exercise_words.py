"""The words of exercises: skills, outcomes, and why an answer was what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.coordination.exercises.exercise_documents import ItemAnswer, SetItem
from exchange.coordination.exercises.exercise_question_words import option_words
from exchange.coordination.exercises.exercise_questions import QUESTIONS
from exchange.coordination.exercises.exercise_vocabulary import (
    ExerciseAudience,
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseTruth,
    ExerciseUse,
)
from exchange.coordination.exercises.known_scores import KnownPairScores, ScorePlace
from exchange.coordination.exercises.scoring import SkillResult
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from schemas.vocabulary import ScreenConclusion

SKILL_WORDS: Final = {
    ExerciseSkill.SAME_FIREARM: _m("One firearm, whole marks"),
    ExerciseSkill.DIFFERENT_FIREARMS: _m("Two firearms, whole marks"),
    ExerciseSkill.LOOK_ALIKES: _m("Two firearms that look alike"),
    ExerciseSkill.HALF_MARKS: _m("Half marks"),
    ExerciseSkill.NOISE: _m("Poor marks that show enough"),
    ExerciseSkill.TOO_LITTLE: _m("Marks that show too little"),
    ExerciseSkill.READING_A_HIT: _m("Reading a hit"),
    ExerciseSkill.NEXT_STEP: _m("The next step"),
    ExerciseSkill.PURPOSE_AND_LAW: _m("Purpose and law"),
    ExerciseSkill.DEADLINES: _m("Deadlines"),
    ExerciseSkill.WHO_MAY_SEE: _m("Who may see what"),
}
OUTCOME_WORDS: Final = {
    ExerciseOutcome.RIGHT: _m("Right"),
    ExerciseOutcome.INCONCLUSIVE: _m("Inconclusive"),
    ExerciseOutcome.UNDER_CLAIM: _m("Less than the marks show"),
    ExerciseOutcome.OVER_CLAIM: _m("More than the marks show"),
    ExerciseOutcome.FALSE_ASSOCIATION: _m("False association"),
    ExerciseOutcome.MISSED_ASSOCIATION: _m("Missed association"),
    ExerciseOutcome.WRONG: _m("Not right"),
}
_AUDIENCES: Final = {
    ExerciseAudience.EXAMINER: _m("For examiners"),
    ExerciseAudience.INVESTIGATOR: _m("For investigators"),
}
_USES: Final = {
    ExerciseUse.PRACTICE: _m("Practice"),
    ExerciseUse.PROFICIENCY: _m("Proficiency set"),
}
_TRUTHS: Final = {
    ExerciseTruth.SAME: _m("Both exhibits were drawn as marks of one firearm."),
    ExerciseTruth.DIFFERENT: _m("The exhibits were drawn as marks of two different firearms."),
}
_LOOK_ALIKES: Final = _m(
    "One tool made both breech faces: kind, direction and width of the marks agree, and on a part of the face the tool "
    "left the same subclass marks. The other cells do not agree: individual marks differ."
)
_WHY: Final = {
    ExerciseSkill.SAME_FIREARM: _m("Cells that agree lie all over the mark, each where the others say that it lies."),
    ExerciseSkill.DIFFERENT_FIREARMS: _m(
        "Few cells agree, and they lie here and there: so many agree by chance between any two marks."
    ),
    ExerciseSkill.LOOK_ALIKES: _LOOK_ALIKES,
    ExerciseSkill.HALF_MARKS: _m(
        "A half of one mark is missing. What counts is the half that both show: whether its cells agree all over, or "
        "here and there."
    ),
    ExerciseSkill.NOISE: _m(
        "One print is poor: contact was weak and the primer rough. The cells of the clear parts still tell."
    ),
    ExerciseSkill.TOO_LITTLE: _m(
        "One print shows little more than the primer's own texture. Whatever is true, these marks do not bear it: "
        "inconclusive, or unsuitable for examination."
    ),
}
_OUTCOME_SENTENCES: Final = {
    ExerciseOutcome.RIGHT: _m("Right: the marks bear what you concluded."),
    ExerciseOutcome.INCONCLUSIVE: _m(
        "Cautious: the marks tell the two firearms apart. It is counted by itself, neither right nor wrong: many "
        "laboratories eliminate on class characteristics alone."
    ),
    ExerciseOutcome.UNDER_CLAIM: _m("You concluded less than the marks show."),
    ExerciseOutcome.OVER_CLAIM: _m("You concluded more than the marks show, whatever is true."),
    ExerciseOutcome.FALSE_ASSOCIATION: _m(
        "A false association: in casework it would send exhibits to a comparison for nothing."
    ),
    ExerciseOutcome.MISSED_ASSOCIATION: _m("A missed association: in casework a link would be lost."),
    ExerciseOutcome.WRONG: _m("Not right. Read why, and go on."),
}
STRIP_WIDE: Final = 1000


@dataclass(frozen=True)
class KnownStrip:
    """Scores of known pairs on one line, as places from 0 to ``STRIP_WIDE``; ``here``: that of the exercise."""

    different: Sequence[int]
    look_alikes: Sequence[int]
    same: Sequence[int]
    here: int


def skill_word(skill: ExerciseSkill) -> str:
    return _(SKILL_WORDS[skill])


def outcome_word(outcome: ExerciseOutcome) -> str:
    return _(OUTCOME_WORDS[outcome])


def outcome_sentence(outcome: ExerciseOutcome, question: bool = False) -> str:
    """``question``: of a question, where nothing is concluded."""
    if question and outcome is ExerciseOutcome.RIGHT:
        return _("Right.")
    return _(_OUTCOME_SENTENCES[outcome])


def audience_word(audience: ExerciseAudience) -> str:
    return _(_AUDIENCES[audience])


def use_word(use: ExerciseUse) -> str:
    return _(_USES[use])


def truth_words(truth: ExerciseTruth) -> str:
    return _(_TRUTHS[truth])


def why_pair(skill: ExerciseSkill) -> str:
    return _(_WHY[skill])


def answered_words(item: SetItem, said: str) -> str:
    """An answer as it was shown."""
    if item.question is None:
        return term(ScreenConclusion(said))
    return option_words(item, said)


def right_words(item: SetItem, answer: ItemAnswer) -> str:
    """What is right, in short: of a pair what is true, and whether the marks bear it."""
    if answer.truth is None:
        return option_words(item, answer.right or QUESTIONS[item.question or ""].right)
    true = _("one firearm") if answer.truth is ExerciseTruth.SAME else _("two firearms")
    return true if answer.shows_enough else _("%(truth)s; the marks show too little", truth=true)


def score_place_words(place: ScorePlace) -> list[str]:
    """Where a score stands among those of known pairs."""
    return [
        _(
            "Higher than %(above)s of %(all)s known pairs of different firearms.",
            above=place.above_different,
            all=place.different,
        ),
        _(
            "Higher than %(above)s of %(all)s known pairs of different firearms of one tool.",
            above=place.above_look_alikes,
            all=place.look_alikes,
        ),
        _("Higher than %(above)s of %(all)s known pairs of one firearm.", above=place.above_same, all=place.same),
    ]


def known_strip(score: float, known: KnownPairScores) -> KnownStrip:
    return KnownStrip(
        sorted({_x(one) for one in known.different}),
        sorted({_x(one) for one in known.look_alikes}),
        sorted({_x(one) for one in known.same}),
        _x(score),
    )


def result_cells(result: SkillResult, outcomes: Sequence[ExerciseOutcome]) -> list[int]:
    return [result.outcomes.get(outcome, 0) for outcome in outcomes]


def _x(score: float) -> int:
    return round(STRIP_WIDE * min(max(score, 0.0), 1.0))
