"""What follows from the answers, by the rules of the questionnaire, and what the assessor makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.coordination.assessment.assessment_answers import AnswersFile, OwnRecommendation
from exchange.coordination.assessment.questionnaire import Advice
from exchange.coordination.assessment.rating import Answered, RatedArea

OWN_PRIORITY: Final = 2


@dataclass(frozen=True)
class Recommendation:
    """``question``: the id of the one whose answer it follows from, None for the assessor's own. ``own_words``: the
    text is the assessor's, and stays in the assessor's language. ``by_itself``: the priority that the questionnaire
    gives it, None of the assessor's own."""

    priority: int
    text: str
    question: str | None = None
    own_words: bool = False
    owner: str = ""
    by: date | None = None
    because: str = ""
    by_itself: int | None = None


@dataclass(frozen=True)
class Recommended:
    """``left_out``: those that follow from the answers and that the assessor does not make, each with why."""

    made: tuple[Recommendation, ...]
    left_out: tuple[Recommendation, ...]


def recommended(given: AnswersFile, areas: Sequence[RatedArea]) -> Recommended:
    """High priority first. Of one priority: those that the assessor wrote or moved, in the order of the file; then
    those whose question weighs more; then as they were asked."""
    found = {
        answer.question.id: (advice, answer)
        for area in areas
        for answer in area.answers
        if (advice := _advice(answer)) is not None
    }
    named = [
        (own.leave_out, _changed(own, found[own.question][0] if own.question in found else None))
        for own in given.recommendations
        if own.text or own.question in found
    ]
    moved = {item.question for _, item in named}
    rest = sorted(
        (item for name, item in found.items() if name not in moved), key=lambda item: -item[1].question.weight
    )
    made = [item for left_out, item in named if not left_out]
    made += [
        Recommendation(advice.priority, advice.text, answer.question.id, by_itself=advice.priority)
        for advice, answer in rest
    ]
    left = tuple(item for left_out, item in named if left_out)
    return Recommended(tuple(sorted(made, key=lambda item: item.priority)), left)


def _advice(answer: Answered) -> Advice | None:
    measure = answer.measure
    if not answer.told or measure is None:
        return None
    return next((advice for advice in answer.question.advice if advice.fits(measure)), None)


def _changed(own: OwnRecommendation, advice: Advice | None) -> Recommendation:
    """A question whose answer is good by now recommends nothing by itself: what the assessor writes of it stays."""
    priority = own.priority or (advice.priority if advice else OWN_PRIORITY)
    text = own.text or (advice.text if advice else "")
    by_itself = advice.priority if advice else None
    return Recommendation(
        priority, text, own.question or None, bool(own.text), own.owner, own.by, own.because, by_itself
    )
