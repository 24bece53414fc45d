"""The questionnaire of an assessment, as data: areas, questions, what a good answer is, and what follows from others.

    questionnaire().areas[0].questions[0].text

It lies beside this file as ``questions.toml``. An id stays what it is from one half-year to the next: answers of then
are put beside those of now by it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from exchange.coordination.outside_words import OutsideFact, read_facts


@dataclass(frozen=True)
class EvaluationQuestion:
    id: str
    text: str


@dataclass(frozen=True)
class CriterionHeading:
    """A criterion and its questions. ``asks``: the question in the words of the source. ``questions``: what evaluators
    answer, in the words of this software."""

    criterion: Criterion
    fact: OutsideFact
    asks: str
    questions: tuple[EvaluationQuestion, ...]


@functools.cache
def headings() -> tuple[CriterionHeading, ...]:
    facts = read_facts(__package__, "criteria.json")
    return tuple(
        CriterionHeading(
            Criterion(fact.id),
            fact,
            fact.more["asks"],
            tuple(EvaluationQuestion(item["id"], item["text"]) for item in fact.more["questions"]),
        )
        for fact in facts.values()
    )


@functools.cache
def standards() -> Mapping[str, OutsideFact]:
    return read_facts(__package__, "standards.json")


def outside_texts() -> list[str]:
    """What of them a paper says in the reader's language."""
    found = []
    for heading in headings():
        found += [heading.fact.text, heading.asks, *(question.text for question in heading.questions)]
    return found


MOST_ANSWERED: Final = 1_000_000
"""A count or a number of months beyond this is a slip of the hand."""
_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Points = Annotated[float, Field(ge=0, le=1)]


class AnswerKind(StrEnum):
    """How a question is answered. ``DEGREE`` is yes, partly or no."""

    DEGREE = "degree"
    CHOICE = "choice"
    COUNT = "count"
    MONTHS = "months"
    TEXT = "text"


class Criterion(StrEnum):
    """Under which heading of an evaluation a question is read (``criteria.json``)."""

    RELEVANCE = "relevance"
    COHERENCE = "coherence"
    EFFECTIVENESS = "effectiveness"
    EFFICIENCY = "efficiency"
    IMPACT = "impact"
    SUSTAINABILITY = "sustainability"
    GENDER = "gender"


DEGREES: Final[Mapping[str, float]] = {"yes": 1, "partly": 0.5, "no": 0}
PRIORITIES: Final = (1, 2, 3)
"""1 is high: without it the exchange, or what rests on it, does not hold."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(_Data):
    """One of the answers that are offered: ``word`` is written into the file, ``title`` is read by people."""

    word: _Id
    title: _Text
    points: _Points


class Advice(_Data):
    """What follows from an answer: one of the words in ``when``, or a number ``below`` or ``above`` a bound. Of the
    advice of one question the first that fits is given."""

    when: tuple[str, ...] = ()
    below: float | None = None
    above: float | None = None
    priority: Annotated[int, Field(ge=1, le=3)]
    text: _Text

    def fits(self, value: str | float) -> bool:
        if isinstance(value, str):
            return value in self.when
        return (self.below is not None and value < self.below) or (self.above is not None and value > self.above)


class AssessmentQuestion(_Data):
    """``look`` says what to look at as evidence. Numbers earn points on the way from ``zero_at`` to ``full_at``; of a
    count with ``of`` it is the share of that other count. ``practices``: those of a node's maturity that answer it."""

    id: _Id
    text: _Text
    look: _Text
    good: _Text
    kind: AnswerKind = Field(strict=False)
    weight: Annotated[int, Field(ge=0, le=3)]
    criterion: Criterion | None = Field(default=None, strict=False)
    of: _Id | None = None
    zero_at: float | None = None
    full_at: float | None = None
    choices: tuple[Choice, ...] = Field(default=(), strict=False)
    advice: tuple[Advice, ...] = Field(default=(), strict=False)
    practices: tuple[_Id, ...] = Field(default=(), strict=False)
    standard: _Id | None = None

    @property
    def words(self) -> Mapping[str, float]:
        """The answers that are offered, with what each earns; none where a number or free words are asked for."""
        match self.kind:
            case AnswerKind.DEGREE:
                return DEGREES
            case AnswerKind.CHOICE:
                return {choice.word: choice.points for choice in self.choices}
            case _:
                return {}


class Area(_Data):
    """What a spoke of the radar stands for."""

    id: _Id
    title: Annotated[str, Field(min_length=1, max_length=40)]
    criterion: Criterion = Field(strict=False)
    questions: tuple[AssessmentQuestion, ...] = Field(alias="question", strict=False, min_length=1)

    def criterion_of(self, question: AssessmentQuestion) -> Criterion:
        return question.criterion or self.criterion


class Questionnaire(_Data):
    areas: tuple[Area, ...] = Field(alias="area", strict=False, min_length=3)

    @property
    def by_id(self) -> Mapping[str, AssessmentQuestion]:
        return {question.id: question for question in self}

    def __iter__(self) -> Iterator[AssessmentQuestion]:  # type: ignore[override]  # of a model: its questions, not its fields
        return (question for area in self.areas for question in area.questions)


@functools.cache
def questionnaire() -> Questionnaire:
    """That of this release; a test holds its parts against each other."""
    text = resources.files(__package__).joinpath("questions.toml").read_text(encoding="utf-8")
    return Questionnaire.model_validate(_as_tuples(tomllib.loads(text)))


def _as_tuples(value: object) -> object:
    """TOML has lists, and what is frozen has tuples."""
    match value:
        case dict():
            return {name: _as_tuples(item) for name, item in value.items()}
        case list():
            return tuple(map(_as_tuples, value))
        case _:
            return value


def questionnaire_texts() -> list[str]:
    """All that a file or a paper says of these in the reader's language."""
    found = []
    for area in questionnaire().areas:
        found.append(area.title)
        for question in area.questions:
            found += [question.text, question.look, question.good]
            found += [choice.title for choice in question.choices]
            found += [advice.text for advice in question.advice]
    return found
