"""What an assessor types into a form, field by field: read as the file would say it, or refused beside its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from exchange.clock import today
from exchange.flows.assessment.answers import (
    NOT_APPLICABLE,
    NOT_KNOWN,
    AnswerDay,
    AnswerLine,
    AnswersFile,
    AnswerWords,
    GivenAnswer,
    OwnRecommendation,
)
from exchange.flows.assessment.problems import ProblemGravity, ProblemKind, problems_of
from exchange.flows.assessment.questionnaire import PRIORITIES, AnswerKind, AssessmentQuestion, Questionnaire
from exchange.jurisdictions.directory import Directory

INSTEAD: Final = (NOT_KNOWN, NOT_APPLICABLE)
_NUMBER: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")
_NUMBERS: Final = (AnswerKind.COUNT, AnswerKind.MONTHS)


class TypedFault(StrEnum):
    """Why something typed is not kept, where the file's own ``ProblemKind`` does not say it."""

    TOO_LONG = "too_long"
    ONE_LINE = "one_line"
    CHARACTER = "character"
    NO_DAY = "no_such_day"
    BOTH = "both"
    MEANWHILE = "meanwhile"
    NOT_ITS_NAME = "not_its_name"
    NO_PRIORITY = "no_priority"
    NO_REASON = "no_reason"
    NO_TEXT = "no_text"


@dataclass(frozen=True)
class FieldFault:
    """``field``: its name in the file. ``named``: as of ``AnswerProblem``."""

    field: str
    kind: TypedFault | ProblemKind
    named: str = ""


@dataclass(frozen=True)
class TypedAnswer:
    """``instead``: "not known", "not applicable" or nothing, beside a field for a number or for words."""

    answer: str
    instead: str
    evidence: str
    on: str


@dataclass(frozen=True)
class TypedRecommendation:
    """``question``: of one that follows from an answer. ``priority``: empty for the one that it has by itself."""

    question: str
    text: str
    priority: str
    owner: str
    by: str
    leave_out: bool
    because: str


def taken_answer(
    question: AssessmentQuestion, typed: TypedAnswer, given: AnswersFile, asked: Questionnaire, known: Directory
) -> tuple[GivenAnswer, tuple[FieldFault, ...]]:
    """The answer with what was typed and can be kept, and what is wrong with the rest of it."""
    before = given.answers.get(question.id, GivenAnswer())
    faults, fields = list[FieldFault](), dict[str, Any]()
    if typed.instead and typed.answer.strip():
        faults.append(FieldFault("answer", TypedFault.BOTH))
    else:
        fields["answer"] = typed.instead if typed.instead in INSTEAD else _value(question, typed.answer)
    fields |= {"evidence": typed.evidence, "on": typed.on}
    found = before
    for name, value in fields.items():
        try:
            one = GivenAnswer.model_validate({name: value})
        except ValidationError as error:
            faults.append(FieldFault(name, _fault(error)))
            continue
        tried = found.model_copy(update={name: getattr(one, name)})
        wrong = list(_wrong_in(name, tried, question, given, asked, known))
        faults += wrong
        if not wrong:
            found = tried
    if found.value == before.value:  # as the file writes it: 9, or "9"
        found = found.model_copy(update={"answer": before.answer})
    return found, tuple(faults)


def taken_field(name: str, typed: str) -> tuple[Any, FieldFault | None]:
    """A field of the head: its value, or what is wrong with it."""
    try:
        return _HEAD[name].validate_python(typed), None
    except ValidationError as error:
        return None, FieldFault(name, _fault(error))


def taken_recommendation(typed: TypedRecommendation) -> tuple[OwnRecommendation, tuple[FieldFault, ...]]:
    fields: dict[str, Any] = {"question": typed.question, "leave_out": typed.leave_out}
    faults = list(_faults_of_recommendation(typed))
    if typed.priority.isdecimal() and int(typed.priority) in PRIORITIES:
        fields["priority"] = int(typed.priority)
    for name in ("text", "owner", "by", "because"):
        try:
            fields[name] = getattr(OwnRecommendation.model_validate({name: getattr(typed, name)}), name)
        except ValidationError as error:
            faults.append(FieldFault(name, _fault(error)))
    return OwnRecommendation.model_validate(fields), tuple(faults)


def _faults_of_recommendation(typed: TypedRecommendation) -> Iterator[FieldFault]:
    if typed.priority and typed.priority not in map(str, PRIORITIES):
        yield FieldFault("priority", TypedFault.NO_PRIORITY)
    if typed.leave_out and not typed.because.strip():
        yield FieldFault("because", TypedFault.NO_REASON)
    if not typed.question and not typed.text.strip():
        yield FieldFault("text", TypedFault.NO_TEXT)


_HEAD: Final[dict[str, TypeAdapter[Any]]] = {
    "name": TypeAdapter(AnswerLine),
    "assessor": TypeAdapter(AnswerLine),
    "assessed_on": TypeAdapter(AnswerDay),
    "remarks": TypeAdapter(AnswerWords),
    "node_fingerprint": TypeAdapter(AnswerLine),
}


def _value(question: AssessmentQuestion, typed: str) -> str | float:
    """A number also with a comma, as most of the region writes it, and with spaces between thousands."""
    if question.kind not in _NUMBERS:
        return typed
    bare = re.sub(r"\s", "", typed).replace(",", ".")
    if not _NUMBER.fullmatch(bare):
        return typed
    return float(bare) if "." in bare else int(bare)


def _wrong_in(
    field: str,
    tried: GivenAnswer,
    question: AssessmentQuestion,
    given: AnswersFile,
    asked: Questionnaire,
    known: Directory,
) -> Iterator[FieldFault]:
    """What the file would be refused for: a day that has not come, also of a question that is not answered yet; an
    answer."""
    if field == "on" and tried.on is not None and tried.on > today():
        yield FieldFault(field, ProblemKind.TO_COME)
    if field != "answer":
        return
    whole = replace(given, answers={**given.answers, question.id: tried})
    for item in problems_of(whole, asked, known):
        of_answer = item.place == question.id and item.kind is not ProblemKind.TO_COME
        if of_answer and item.gravity is ProblemGravity.WRONG:
            yield FieldFault(field, item.kind, item.named)


def _fault(error: ValidationError) -> TypedFault:
    first = error.errors(include_url=False, include_input=False)[0]
    said = str(first["msg"])
    if "too long" in said or first["type"] in ("string_too_long", "too_long"):
        return TypedFault.TOO_LONG
    if first["type"] == "string_pattern_mismatch":
        return TypedFault.ONE_LINE
    return TypedFault.CHARACTER if "character" in said else TypedFault.NO_DAY
