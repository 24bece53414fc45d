"""The mid-term paper: what several assessments, snapshots of maturity and monitoring reports say under each criterion
of an evaluation, and what the evaluators answer. What has no data says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.coordination.assessment.assessment import Assessment, assessment_of
from exchange.coordination.assessment.assessment_folder import read_folder
from exchange.coordination.assessment.evaluation_answers import EvaluationFile
from exchange.coordination.assessment.questionnaire import (
    AssessmentQuestion,
    Criterion,
    CriterionHeading,
    headings,
    questionnaire,
)
from exchange.coordination.assessment.rating import Answered, Rated, rated
from exchange.coordination.assessment.recommendations import Recommendation
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.errors import InvalidInput

MOST_FOLDERS: Final = 32

FIGURES: Final[Mapping[Criterion, tuple[str, ...]]] = {
    Criterion.RELEVANCE: ("exhibits_entered",),
    Criterion.EFFICIENCY: ("search_median_h", "first_review_median_h", "decision_median_h"),
}
"""Which public figures of a node's monitoring report speak to a criterion. Hits are published of the region alone."""


@dataclass(frozen=True)
class CriterionShare:
    """What one jurisdiction's answers under a criterion earn; ``first`` is None where there was one alone."""

    jurisdiction: str
    now: Rated
    first: Rated | None


@dataclass(frozen=True)
class AnswersByQuestion:
    """One question under a criterion, and what each jurisdiction answered, in the order of the folders."""

    question: AssessmentQuestion
    answers: tuple[tuple[str, Answered], ...]


@dataclass(frozen=True)
class ReportedFigure:
    """One figure of the monitoring reports: by jurisdiction, of the first and of the last report in its folder."""

    name: str
    values: tuple[tuple[str, Figure | None, Figure | None], ...]


@dataclass(frozen=True)
class CriterionFindings:
    heading: CriterionHeading
    shares: tuple[CriterionShare, ...]
    questions: tuple[AnswersByQuestion, ...]
    figures: tuple[ReportedFigure, ...]
    recommendations: tuple[tuple[str, Recommendation], ...]
    """Those of high priority, each with its jurisdiction."""


@dataclass(frozen=True)
class Midterm:
    """``first`` and ``last``: the half-years of the earliest and of the latest assessment of all."""

    assessments: tuple[Assessment, ...]
    first: Half
    last: Half
    findings: tuple[CriterionFindings, ...]
    evaluation: EvaluationFile

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(found.jurisdiction for found in self.assessments)


def midterm(folders: Sequence[Path], evaluation: EvaluationFile | None = None) -> Midterm:
    """The last assessment of each folder beside its first. Raises InvalidInput for two folders of one jurisdiction, and
    what ``read_folder`` and ``assessment_of`` raise."""
    if not 1 <= len(folders) <= MOST_FOLDERS:
        raise InvalidInput(f"Name from 1 to {MOST_FOLDERS} folders of assessments.")
    found, names = list[Assessment](), dict[str, str]()
    for path in folders:
        folder = read_folder(path)
        if (other := names.get(folder.jurisdiction)) is not None:
            raise InvalidInput(f"{other} and {folder.name} are both of {folder.jurisdiction}; name one of them.")
        names[folder.jurisdiction] = folder.name
        found.append(assessment_of(folder, since_the_first=True))
    halves = [item.half for item in found] + [item.before.half for item in found if item.before is not None]
    findings = tuple(_findings(heading, found) for heading in headings())
    return Midterm(tuple(found), min(halves), max(halves), findings, evaluation or EvaluationFile())


def _findings(heading: CriterionHeading, found: Sequence[Assessment]) -> CriterionFindings:
    criterion = heading.criterion
    asked = [
        question
        for area in questionnaire().areas
        for question in area.questions
        if area.criterion_of(question) is criterion
    ]
    ids = {question.id for question in asked}
    now = {item.jurisdiction: _under(item, ids) for item in found}
    shares = tuple(
        CriterionShare(item.jurisdiction, rated(now[item.jurisdiction].values()), _first_of(item, ids))
        for item in found
    )
    questions = tuple(
        AnswersByQuestion(question, tuple((place, answers[question.id]) for place, answers in now.items()))
        for question in asked
    )
    recommendations = tuple(
        (item.jurisdiction, advice)
        for item in found
        for advice in item.recommended.made
        if advice.priority == 1 and advice.question in ids
    )
    return CriterionFindings(heading, shares, questions, _figures(criterion, found), recommendations)


def _under(found: Assessment, ids: set[str]) -> Mapping[str, Answered]:
    return {answer.question.id: answer for answer in found.answers if answer.question.id in ids}


def _first_of(found: Assessment, ids: set[str]) -> Rated | None:
    if found.before is None:
        return None
    return rated(
        answer
        for area in found.areas
        if area.before is not None
        for answer in area.before.answers
        if answer.question.id in ids
    )


def _figures(criterion: Criterion, found: Sequence[Assessment]) -> tuple[ReportedFigure, ...]:
    """Only of those that have reports; a figure that no report has is not told."""
    made = []
    for name in FIGURES.get(criterion, ()):
        values = tuple(
            (item.jurisdiction, item.reports[0].figures.get(name), item.reports[-1].figures.get(name))
            for item in found
            if item.reports
        )
        if any(last is not None for _, _, last in values):
            made.append(ReportedFigure(name, values))
    return tuple(made)
