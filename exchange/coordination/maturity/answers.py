"""The files that people fill in, in TOML: an assessor's answers for a jurisdiction and a half-year, and what the
evaluators of the mid-term paper answer.

    given = read_answers(path)
    given.answers["backlog_months"].value, given.answers["backlog_months"].evidence

TOML is what a person can write in any editor, holds guidance beside each question as a comment, lets an answer have
words of several lines, and says in which line it was broken; a spreadsheet's table changes days and numbers by the
language of whoever opens it. Everything in the file is untrusted: its size, its keys and each text are bounded.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.questionnaire import PRIORITIES, headings
from exchange.errors import InvalidInput
from exchange.home import read_bounded

ANSWERS_FORMAT: Final = "ffp-assessment/1"
EVALUATION_FORMAT: Final = "ffp-evaluation/1"
MAX_TOML_BYTES: Final = 512 * 1024
MAX_DOTS: Final = 200
"""The most dots in a line. Python's TOML parser takes time that grows with the square of the number of parts of a
key."""
MAX_TABLES: Final = 2000
"""The most table headers, for the same reason. A completed file has about a hundred."""
MAX_ANSWER_TEXT: Final = 4000
MAX_LINE: Final = 300
MAX_OWN: Final = 100
"""Recommendations that an assessor writes or moves."""
NOT_KNOWN: Final = "not known"
NOT_APPLICABLE: Final = "not applicable"
_MOST_WRITTEN: Final = 1e9
_MAX_SAID: Final = 300
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What no text needs: control characters but the line's end and the tab, and those that turn the direction."""
_CURLED: Final = re.compile(r"=[ \t]*[\u201c-\u201f\u00ab\u2018-\u201b]")
"""A curled quotation mark, as word processors write it, where a value begins."""

_M = TypeVar("_M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Raises InvalidInput, which names the file and, where that can be told, the line."""
    try:
        text = read_whole(path, MAX_TOML_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8; save it as UTF-8.") from error
    lines = text.splitlines()
    if any(line.count(".") > MAX_DOTS for line in lines):
        raise InvalidInput(f"{path.name}: a line has more than {MAX_DOTS} dots.")
    if sum(line.lstrip().startswith("[") for line in lines) > MAX_TABLES:
        raise InvalidInput(f"{path.name} holds more than {MAX_TABLES} tables.")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        hint = ' Write straight quotation marks: ".' if _CURLED.search(text) else ""
        raise InvalidInput(f"{path.name} is no TOML: {str(error)[:_MAX_SAID]}.{hint}") from error


def read_whole(path: Path, most: int) -> bytes:
    """Raises InvalidInput for a file that cannot be read or has more bytes than ``most``."""
    try:
        data = read_bounded(path, most)
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > most:
        raise InvalidInput(f"{path.name} has more than {most} bytes.")
    return data


def _clean(value: object) -> object:
    if isinstance(value, str):
        if _CONTROL.search(value.replace("\r\n", "\n")):
            raise ValueError("holds a character that no text needs")
        return value.replace("\r\n", "\n").strip()
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return date.fromisoformat(value.strip())
        except ValueError as error:
            raise ValueError("is no day such as 2026-11-20") from error
    return value.date() if isinstance(value, datetime) else value


def _half(value: object) -> Half:
    try:
        return Half.parse(str(value))
    except InvalidInput as error:
        raise ValueError(f"is no half-year: {error}") from error


def _answer(value: object) -> object:
    """One fault of one answer, where each kind that it might have been would give its own."""
    if isinstance(value, str):
        if len(value) > MAX_ANSWER_TEXT:
            raise ValueError("is too long")
        return _clean(value)
    if not isinstance(value, bool | int | float):
        raise ValueError("must be words between quotation marks, or a number")  # noqa: TRY004 - pydantic takes these
    if not -_MOST_WRITTEN <= value <= _MOST_WRITTEN:  # also what is no number at all
        raise ValueError("is no number that is counted with")
    return value


AnswerLine = Annotated[str, BeforeValidator(_clean), Field(max_length=MAX_LINE, pattern=r"^[^\n\t]*$")]
AnswerWords = Annotated[str, BeforeValidator(_clean), Field(max_length=MAX_ANSWER_TEXT)]
AnswerDay = Annotated[date | None, BeforeValidator(_day)]
AnswerValue = Annotated[str | int | float | bool, BeforeValidator(_answer)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GivenAnswer(_Form):
    """As it stands in the file: ``answer`` may be empty, a word, a number. ``on``: the day of the evidence; without one
    it is that of the assessment."""

    answer: AnswerValue = ""
    evidence: AnswerWords = ""
    on: AnswerDay = None

    @property
    def value(self) -> str | float:
        """A number where one was written, also between quotation marks; true and false are yes and no."""
        if isinstance(self.answer, bool):
            return "yes" if self.answer else "no"
        if isinstance(self.answer, str):
            said = self.answer.strip()
            return float(said) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", said) else said
        return float(self.answer)


class OwnRecommendation(_Form):
    """One that the assessor writes, or with ``question`` the place, priority, owner or end of one that follows from the
    answers. Of one priority those stand first that are here, in this order."""

    question: AnswerLine = ""
    text: AnswerLine = ""
    priority: int | None = None
    owner: AnswerLine = ""
    by: AnswerDay = None
    leave_out: bool = False
    because: AnswerLine = ""


class AnswersFile(_Form):
    """A file of answers that could be read; its answers may still be wrong (``problems_of``). ``file`` is its name.
    ``name``: the jurisdiction's name, if this software does not know it. ``assessor``: a role and an institution.
    ``node_fingerprint``: the fingerprint of the jurisdiction's node, as the assessor knows it."""

    format: Literal["ffp-assessment/1"] = ANSWERS_FORMAT
    file: str
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: AnswerLine = ""
    half: Annotated[Half, BeforeValidator(_half)]
    assessor: AnswerLine = ""
    assessed_on: AnswerDay = None
    remarks: AnswerWords = ""
    node_fingerprint: AnswerLine = ""
    answers: Mapping[str, GivenAnswer] = Field(default={}, max_length=500)
    recommendation: list[OwnRecommendation] = Field(default=[], max_length=MAX_OWN)


class EvaluatorsAnswer(_Form):
    answer: AnswerWords = ""
    evidence: AnswerWords = ""


class EvaluationFile(_Form):
    """``evaluators``: a role and an institution; ``conclusions``: one sentence each."""

    format: Literal["ffp-evaluation/1"] = EVALUATION_FORMAT
    file: str = ""
    evaluators: AnswerLine = ""
    period: AnswerLine = ""
    finished_on: AnswerDay = None
    summary: AnswerWords = ""
    answers: Mapping[str, EvaluatorsAnswer] = Field(default={}, max_length=200)
    conclusions: list[AnswerLine] = Field(default=[], max_length=50)


def answers_name(jurisdiction: str, half: Half) -> str:
    return f"assessment-{jurisdiction}-{half}.toml"


def read_answers(path: Path) -> AnswersFile:
    """Raises InvalidInput, which names the file and, where that can be told, the question."""
    return parse_answers(read_toml(path), path.name)


def parse_answers(fields: Mapping[str, Any], name: str) -> AnswersFile:
    """Raises InvalidInput."""
    if fields.get("format") != ANSWERS_FORMAT:
        raise InvalidInput(f'{name} is no assessment that is read here: it needs format = "{ANSWERS_FORMAT}".')
    return _formed(AnswersFile, fields, name)


def read_evaluation(path: Path) -> EvaluationFile:
    """Raises InvalidInput, which names the file and, where that can be told, the question."""
    fields = read_toml(path)
    if fields.get("format") != EVALUATION_FORMAT:
        raise InvalidInput(f'{path.name} is no evaluation that is read here: it needs format = "{EVALUATION_FORMAT}".')
    form = _formed(EvaluationFile, fields, path.name)
    known = {question.id for heading in headings() for question in heading.questions}
    if unknown := sorted(form.answers.keys() - known):
        raise InvalidInput(f"{path.name}, {unknown[0][:60]}: there is no such question.", code="invalid-field")
    return form


def _formed(model: type[_M], fields: Mapping[str, Any], name: str) -> _M:
    """The file in its form. Raises InvalidInput with the file and the place of each fault, the first ten."""
    try:
        return model.model_validate({**fields, "file": name})
    except ValidationError as error:
        faults = [_fault(dict(item)) for item in error.errors(include_url=False, include_context=False)[:10]]
        more = error.error_count() - len(faults)
        said = "; ".join(faults) + (f"; and {more} more" if more else "")
        raise InvalidInput(f"{name}: {said}.", code="invalid-field") from error


_FAULTS: Final = {
    "extra_forbidden": "is no field of this file",
    "missing": "is missing",
    "string_too_long": "is too long",
    "too_long": "is longer than what is read",
    "date_type": "is no day such as 2026-11-20",
    "string_type": "must be words between quotation marks",
    "bool_type": "must be true or false",
    "int_type": f"must be one of {', '.join(map(str, PRIORITIES))}",
}


def _fault(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:60] for part in error["loc"] if part not in ("str", "int", "float", "bool"))
    if error["type"] == "string_pattern_mismatch":
        said = (
            "must be a code of two capital letters, such as MD" if place == "jurisdiction" else "must stand in one line"
        )
    else:
        said = _FAULTS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return f"{place} {said}"
