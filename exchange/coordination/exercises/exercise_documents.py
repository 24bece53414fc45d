"""What stands in a set, in its sealed answers, and in what a participant hands in: three JSON documents.

A set tells nothing of its answers: no seed, no skill, no name of a firearm, no order that means anything. It holds the
SHA-256 of the answers' file, in which 32 random-looking bytes stand, so that nobody can try all answers against it; and
so that everybody can see afterwards that the answers are those of then.

Whatever is read is bounded, and refused where it is anything else.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, model_validator

from exchange.coordination.exercises.exercise_questions import QUESTIONS
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience, ExerciseSkill, ExerciseTruth
from exchange.errors import InvalidInput
from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.strict_json import read_strict
from schemas.vocabulary import ScreenConclusion

SET_FORMAT: Final = "ffp-exercise-set/1"
SEALED_FORMAT: Final = "ffp-exercise-answers/1"
GIVEN_FORMAT: Final = "ffp-exercise-given/1"
MAX_SET_BYTES: Final = 64 * 1024
MAX_ANSWERS_BYTES: Final = 4 * 1024 * 1024
"""Forty comparisons with their cells; each takes about 20 kB."""
MAX_GIVEN_BYTES: Final = 16 * 1024
MOST_ITEMS: Final = 40

SetId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
FileSha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Word = Annotated[str, Field(pattern=r"^[a-z_0-9]{1,40}$")]
_D = TypeVar("_D", bound=Contract)


class SetScan(Contract):
    """One exhibit: its file in the set."""

    file: Annotated[str, Field(pattern=r"^scans/[0-9]{2}[ab]\.x3p$")]
    sha256: FileSha256


class SetItem(Contract):
    """One exercise: two exhibits, or a question with its options in their drawn order."""

    number: Annotated[int, Field(ge=1, le=MOST_ITEMS)]
    scans: Annotated[list[SetScan], Field(min_length=2, max_length=2)] | None = None
    question: _Word | None = None
    options: Annotated[list[_Word], Field(min_length=2, max_length=6)] | None = None
    moment: datetime | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> SetItem:
        if (self.scans is None) == (self.question is None):
            raise ValueError("an exercise is a pair of scans, or a question")
        if self.question is not None:
            known = QUESTIONS.get(self.question)
            if known is None or sorted(self.options or ()) != sorted(known.options):
                raise ValueError("this release does not know the question with these options")
            if (known.hours is None) != (self.moment is None):
                raise ValueError("a question has a moment where its options are moments")
        elif self.options is not None or self.moment is not None:
            raise ValueError("options are a question's")
        return self


class ExerciseSet(Contract):
    """``seal``: of the answers' file. ``guessable``: it was drawn from a seed that can be tried, so that nobody may
    take it for blind. ``recipe`` and ``matcher``: what drew it."""

    format: Literal["ffp-exercise-set/1"]
    set_id: SetId
    audience: ExerciseAudience
    recipe: Annotated[str, Field(max_length=40)]
    matcher: Annotated[str, Field(max_length=40)]
    guessable: bool
    seal: FileSha256
    items: Annotated[list[SetItem], Field(min_length=1, max_length=MOST_ITEMS)]

    @model_validator(mode="after")
    def _in_order(self) -> ExerciseSet:
        if [item.number for item in self.items] != list(range(1, len(self.items) + 1)):
            raise ValueError("the exercises are numbered from 1 on")
        pairs = self.audience is ExerciseAudience.EXAMINER
        if any((item.scans is not None) != pairs for item in self.items):
            raise ValueError("a set is of pairs or of questions")
        return self


class ItemAnswer(Contract):
    """What is true of one exercise. Of a pair: ``truth``, whether the marks show enough, and the matcher's comparison;
    of a question: the option that is right."""

    number: Annotated[int, Field(ge=1, le=MOST_ITEMS)]
    skill: ExerciseSkill
    truth: ExerciseTruth | None = None
    shows_enough: bool | None = None
    comparison: dict[str, Any] | None = None
    right: _Word | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ItemAnswer:
        of_pair = (self.truth, self.shows_enough, self.comparison)
        if any(part is None for part in of_pair) == (self.right is None) or (
            self.right is not None and any(part is not None for part in of_pair)
        ):
            raise ValueError("an answer is that of a pair or that of a question")
        if self.comparison is not None and not isinstance(self.comparison.get("score"), float):
            raise ValueError("a comparison has a score")
        return self


class ExerciseAnswers(Contract):
    """``salt``: see above. ``seed``: draws the set again."""

    format: Literal["ffp-exercise-answers/1"]
    set_id: SetId
    salt: FileSha256
    seed: Annotated[str, Field(min_length=1, max_length=200)]
    answers: Annotated[list[ItemAnswer], Field(min_length=1, max_length=MOST_ITEMS)]


class GivenAnswers(Contract):
    """What somebody answered, by the number of the exercise. ``code`` is all that joins it to a person, and the person
    alone knows it."""

    format: Literal["ffp-exercise-given/1"]
    set_id: SetId
    code: Annotated[str, Field(pattern=r"^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$")]
    half: Annotated[str, Field(pattern=r"^20[0-9]{2}H[12]$")]
    answers: Annotated[dict[str, _Word], Field(max_length=MOST_ITEMS)]


def write_exercise_document(document: Contract) -> bytes:
    return (json.dumps(document.model_dump(mode="json", exclude_none=True), indent=1, sort_keys=True) + "\n").encode()


def read_set_document(data: bytes) -> ExerciseSet:
    """Raises InvalidInput."""
    return _read(data, ExerciseSet, MAX_SET_BYTES, "a set of exercises")


def read_given(data: bytes) -> GivenAnswers:
    """Raises InvalidInput."""
    return _read(data, GivenAnswers, MAX_GIVEN_BYTES, "what a participant handed in")


def open_seal(data: bytes, of: ExerciseSet) -> ExerciseAnswers:
    """The answers of a set: the file that was sealed then, byte for byte. Raises InvalidInput."""
    if hashlib.sha256(data).hexdigest() != of.seal:
        raise InvalidInput(
            f"These are not the answers that were sealed with the set {of.set_id}.", code="other-answers"
        )
    found = _read(data, ExerciseAnswers, MAX_ANSWERS_BYTES, "the answers of a set")
    if found.set_id != of.set_id or [one.number for one in found.answers] != [one.number for one in of.items]:
        raise InvalidInput(f"These are not the answers of the set {of.set_id}.", code="other-answers")
    for item, answer in zip(of.items, found.answers, strict=True):
        if (item.question is None) != (answer.right is None):
            raise InvalidInput(f"These are not the answers of the set {of.set_id}.", code="other-answers")
    return found


def possible_answers(item: SetItem) -> tuple[str, ...]:
    """The words that may be said of an exercise, in the order in which they are shown."""
    return tuple(ScreenConclusion) if item.options is None else tuple(item.options)


def _read(data: bytes, model: type[_D], most: int, what: str) -> _D:
    try:
        return read_strict(model, data, max_bytes=most)
    except ContractError as error:
        raise InvalidInput(f"This is not {what}: {error}", code="no-exercises") from error
