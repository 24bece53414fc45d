"""The file that evaluators fill in for the mid-term paper: their answers to the questions of each criterion, with
evidence. In TOML, bounded and strict as the file of an assessment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from exchange.coordination.assessment.answer_problems import AnswerProblem, doubtful_names
from exchange.coordination.assessment.assessment_answers import AnswerDay, AnswerLine, AnswerWords, formed
from exchange.coordination.assessment.bounded_toml import read_toml
from exchange.coordination.assessment.questionnaire import headings
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory, shipped_directory

EVALUATION_FORMAT: Final = "ffp-evaluation/1"


class EvaluatorsAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    answer: AnswerWords = ""
    evidence: AnswerWords = ""


class _EvaluationForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: str
    evaluators: AnswerLine = ""
    period: AnswerLine = ""
    finished_on: AnswerDay = None
    summary: AnswerWords = ""
    answers: dict[str, EvaluatorsAnswer] = Field(default={}, max_length=200)
    conclusions: list[AnswerLine] = Field(default=[], max_length=50)


@dataclass(frozen=True)
class EvaluationFile:
    """``evaluators``: a role and an institution; ``conclusions``: one sentence each."""

    name: str = ""
    evaluators: str = ""
    period: str = ""
    finished_on: date | None = None
    summary: str = ""
    answers: Mapping[str, EvaluatorsAnswer] = field(default_factory=dict)
    conclusions: tuple[str, ...] = ()


def read_evaluation(path: Path) -> EvaluationFile:
    """Raises InvalidInput, which names the file and, where that can be told, the question."""
    fields = read_toml(path)
    if fields.get("format") != EVALUATION_FORMAT:
        raise InvalidInput(f'{path.name} is no evaluation that is read here: it needs format = "{EVALUATION_FORMAT}".')
    form = formed(_EvaluationForm, fields, path.name)
    known = {question.id for heading in headings() for question in heading.questions}
    if unknown := sorted(form.answers.keys() - known):
        raise InvalidInput(f"{path.name}, {unknown[0][:60]}: there is no such question.", code="invalid-field")
    return EvaluationFile(
        path.name,
        form.evaluators,
        form.period,
        form.finished_on,
        form.summary,
        form.answers,
        tuple(filter(None, form.conclusions)),
    )


def doubts_of_evaluation(given: EvaluationFile, known: Directory | None = None) -> Iterator[AnswerProblem]:
    """AnswerWords that look like a person's name, or like what else tells who somebody is."""
    texts = [("evaluators", given.evaluators), ("summary", given.summary)]
    texts += [(name, words) for name, item in given.answers.items() for words in (item.answer, item.evidence)]
    texts += [("conclusions", words) for words in given.conclusions]
    yield from doubtful_names(given.name, texts, known or shipped_directory())
