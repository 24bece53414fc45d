"""The file that an assessor fills in: one for a jurisdiction and a half-year, in TOML.

    given = read_answers(path)
    given.answers["backlog_months"].value, given.answers["backlog_months"].evidence

TOML is what a person can write in any editor, holds guidance beside each question as a comment, lets an answer have
words of several lines, and says in which line it was broken; a spreadsheet's table changes days and numbers by the
language of whoever opens it. Everything in the file is untrusted: its size, its depth and each text are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from exchange.coordination.assessment.bounded_toml import read_toml
from exchange.coordination.assessment.questionnaire import PRIORITIES
from exchange.coordination.half_year.half_years import Half
from exchange.errors import InvalidInput

ANSWERS_FORMAT: Final = "ffp-assessment/1"
MAX_ANSWER_TEXT: Final = 4000
MAX_LINE: Final = 300
MAX_OWN: Final = 100
"""Recommendations that an assessor writes or moves."""
_MOST_WRITTEN: Final = 1e9
NOT_KNOWN: Final = "not known"
NOT_APPLICABLE: Final = "not applicable"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What no text needs: control characters but the line's end and the tab, and those that turn the direction."""

_M = TypeVar("_M", bound=BaseModel)


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


class _AnswersForm(_Form):
    format: str
    jurisdiction: str
    name: AnswerLine = ""
    half: str
    assessor: AnswerLine = ""
    assessed_on: AnswerDay = None
    remarks: AnswerWords = ""
    node_fingerprint: AnswerLine = ""
    answers: dict[str, GivenAnswer] = Field(default={}, max_length=500)
    recommendation: list[OwnRecommendation] = Field(default=[], max_length=MAX_OWN)


@dataclass(frozen=True)
class AnswersFile:
    """One that could be read; what its answers say may still be wrong (``problems``). ``place``: what the jurisdiction
    is called, where this software does not know it by itself. ``assessor``: a role and an institution.
    ``node_fingerprint``: that of the jurisdiction's node, as the assessor knows it."""

    name: str
    jurisdiction: str
    half: Half
    place: str = ""
    assessor: str = ""
    assessed_on: date | None = None
    remarks: str = ""
    node_fingerprint: str = ""
    answers: Mapping[str, GivenAnswer] = field(default_factory=dict)
    recommendations: tuple[OwnRecommendation, ...] = ()


def answers_name(jurisdiction: str, half: Half) -> str:
    return f"assessment-{jurisdiction}-{half}.toml"


def read_answers(path: Path) -> AnswersFile:
    """Raises InvalidInput, which names the file and, where that can be told, the question."""
    return parse_answers(read_toml(path), path.name)


def parse_answers(fields: Mapping[str, Any], name: str) -> AnswersFile:
    """Raises InvalidInput."""
    if fields.get("format") != ANSWERS_FORMAT:
        raise InvalidInput(f'{name} is no assessment that is read here: it needs format = "{ANSWERS_FORMAT}".')
    form = formed(_AnswersForm, fields, name)
    try:
        half = Half.parse(form.half)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: half: {error}") from error
    if not re.fullmatch(r"[A-Z]{2}", form.jurisdiction):
        raise InvalidInput(f"{name}: jurisdiction: write its code, two capital letters such as MD.")
    return AnswersFile(
        name,
        form.jurisdiction,
        half,
        form.name,
        form.assessor,
        form.assessed_on,
        form.remarks,
        form.node_fingerprint,
        form.answers,
        tuple(form.recommendation),
    )


def formed(model: type[_M], fields: Mapping[str, Any], name: str) -> _M:
    """The file in its form. Raises InvalidInput with the file and the place of each fault, the first ten."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        faults = [_fault(dict(item)) for item in error.errors(include_url=False, include_context=False)[:10]]
        more = error.error_count() - len(faults)
        said = "; ".join(faults) + (f"; and {more} more" if more else "")
        raise InvalidInput(f"{name}: {said}.", code="invalid-field") from error


_FAULTS: Final = {
    "extra_forbidden": "is no field of this file",
    "missing": "is missing",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "must stand in one line",
    "too_long": "is longer than what is read",
    "date_type": "is no day such as 2026-11-20",
    "string_type": "must be words between quotation marks",
    "bool_type": "must be true or false",
    "int_type": f"must be one of {', '.join(map(str, PRIORITIES))}",
}


def _fault(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:60] for part in error["loc"] if part not in ("str", "int", "float", "bool"))
    said = _FAULTS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return f"{place} {said}"
