"""The file of an assessment as a form keeps it: read before each change, changed in its text, written whole.

    form = AssessmentForm(path)
    form.keep_answers({"succession": (TypedAnswer("yes", "", "The plan of May.", ""), form.state().mark("succession"))})

The file stays what a person fills in with an editor too: comments and order stay, and a change that somebody else made
meanwhile is never written over unseen. Each ``mark`` says what a place held when it was shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from exchange.errors import Conflict, InvalidInput
from exchange.flows.assessment.answers import AnswersFile, GivenAnswer, OwnRecommendation, parse_answers
from exchange.flows.assessment.assessment import Assessment, assessment_of
from exchange.flows.assessment.bounded_toml import parse_toml, read_toml_text
from exchange.flows.assessment.edited_toml import NotFollowed, TomlValue, plain_toml, with_list, with_values
from exchange.flows.assessment.folder import AssessmentFolder, read_folder
from exchange.flows.assessment.held_folder import alone_in
from exchange.flows.assessment.places import places_of
from exchange.flows.assessment.problems import AnswerProblem, ProblemGravity, ProblemKind, problems_of
from exchange.flows.assessment.questionnaire import Questionnaire, questionnaire
from exchange.flows.assessment.typed import (
    FieldFault,
    TypedAnswer,
    TypedFault,
    TypedRecommendation,
    taken_answer,
    taken_field,
    taken_recommendation,
)
from exchange.jurisdictions.directory import Directory
from schemas.jurisdiction import Jurisdiction

HEAD_PLACE: Final = "head"
RECOMMENDATIONS: Final = "recommendations"
HEAD_FIELDS: Final = ("name", "assessor", "assessed_on", "remarks", "node_fingerprint")
MOST_UNDONE: Final = 100
ONE_CHANGE_S: Final = 20
"""What is typed into one place without a longer rest is undone at once."""
Faults = Mapping[str, tuple[FieldFault, ...]]
"""By place, and of a recommendation by its number in the form; none where all was kept."""


@dataclass(frozen=True)
class FormState:
    """The file as it is. ``found`` is made without the answers that are wrong; ``undo`` names the places that the last
    change was about."""

    given: AnswersFile
    found: Assessment
    problems: tuple[AnswerProblem, ...]
    known: Directory
    undo: tuple[str, ...]

    def mark(self, place: str) -> str:
        return _mark(self.given, place)

    def problems_at(self, place: str) -> list[AnswerProblem]:
        return [item for item in self.problems if item.place == place]

    @property
    def wrong(self) -> int:
        return sum(item.gravity is ProblemGravity.WRONG for item in self.problems)


@dataclass(frozen=True)
class _Change:
    places: tuple[str, ...]
    before: str
    after: str
    at: float


class AssessmentForm:
    """What several windows send is taken one after the other, and so is what another process does by such a form: no
    change is made on a text that is not the file's any more."""

    def __init__(self, path: Path, asked: Questionnaire | None = None) -> None:
        self._path, self._asked = path, asked or questionnaire()
        self._changes: list[_Change] = []
        self._lock = threading.Lock()

    def state(self) -> FormState:
        """Raises InvalidInput where the file, or another of its folder, cannot be read."""
        folder = read_folder(self._path.parent)
        given = next((item for item in folder.assessments if item.name == self._path.name), None)
        if given is None:
            raise InvalidInput(f"{self._path.name} is no assessment of its folder.")
        known = places_of(folder.assessments)
        cleaned = replace(folder, assessments=tuple(self._cleaned(item, known) for item in folder.assessments))
        undo = self._changes[-1].places if self._changes else ()
        return FormState(given, self._told(cleaned, given, known), tuple(self._problems(given, known)), known, undo)

    def keep_answers(self, typed: Mapping[str, tuple[TypedAnswer, str]]) -> Faults:
        """Keep what was typed, by question, each with the mark of what was shown. Returns what was not kept."""
        with self._alone():
            text, given, known = self._read()
            found, faults = text, dict[str, tuple[FieldFault, ...]]()
            for place, (answer, mark) in typed.items():
                question = self._asked.by_id[place]
                before = given.answers.get(place, GivenAnswer())
                taken, faults[place] = taken_answer(question, answer, given, self._asked, known)
                if taken == before:
                    continue
                if mark != _mark(given, place):
                    faults[place] = (FieldFault("answer", TypedFault.MEANWHILE),)
                    continue
                changed = _changed(_answer_fields(before), _answer_fields(taken))
                found = self._edited(found, partial(with_values, table=("answers", place), values=changed))
                given = replace(given, answers={**given.answers, place: taken})
            self._write(tuple(place for place in typed if not faults[place]), text, found)
            return faults

    def keep_head(self, typed: Mapping[str, str], mark: str) -> Faults:
        """Keep who assessed, when, and what else stands before the questions."""
        with self._alone():
            text, given, known = self._read()
            values, faults = dict[str, Any](), list[FieldFault]()
            for name in filter(typed.__contains__, HEAD_FIELDS):
                value, fault = taken_field(name, typed[name])
                fault = fault or self._fault_of_head(name, value, given, known)
                if fault is not None:
                    faults.append(fault)
                else:
                    values[name] = "" if value is None else value.isoformat() if name == "assessed_on" else value
            changed = _changed(_head_fields(given), values)
            if changed and mark != _mark(given, HEAD_PLACE):
                return {HEAD_PLACE: (FieldFault("assessor", TypedFault.MEANWHILE),)}
            found = self._edited(text, partial(with_values, table=(), values=changed)) if changed else text
            self._write((HEAD_PLACE,), text, found)
            return {HEAD_PLACE: tuple(faults)}

    def keep_recommendations(self, typed: Sequence[TypedRecommendation], mark: str) -> Faults:
        """Keep what the assessor makes of the recommendations; nothing of it where one is wrong. What says nothing of
        its own is not written."""
        with self._alone():
            text, given, _ = self._read()
            taken = [taken_recommendation(item) for item in typed]
            faults = {str(number): wrong for number, (_, wrong) in enumerate(taken) if wrong}
            if faults:
                return faults
            shown = {item.question for item in typed if item.question}
            kept = [item for item, _ in taken if item != OwnRecommendation(question=item.question)]
            kept += [item for item in given.recommendations if item.question and item.question not in shown]
            kept = _in_order(kept, given.recommendations)
            if tuple(kept) == given.recommendations:
                return {}
            if mark != _mark(given, RECOMMENDATIONS):
                return {"0": (FieldFault("text", TypedFault.MEANWHILE),)}
            items = [_recommendation_fields(item) for item in kept]
            found = self._edited(text, partial(with_list, name="recommendation", items=items))
            self._write((RECOMMENDATIONS,), text, found)
            return {}

    def undo(self) -> tuple[str, ...]:
        """Take the last change back. Returns the places that it was about. Raises Conflict, code "nothing-to-change" or
        "changed-meanwhile"."""
        with self._alone():
            if not self._changes:
                raise Conflict("There is nothing to undo.", code="nothing-to-change")
            last = self._changes[-1]
            if read_toml_text(self._path) != last.after:
                raise Conflict("Another program changed the file since. Undo there.", code="changed-meanwhile")
            _write(self._path, last.before)
            self._changes.pop()
            return last.places

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock, alone_in(self._path.parent):
            yield

    def _read(self) -> tuple[str, AnswersFile, Directory]:
        text = read_toml_text(self._path)
        given = parse_answers(parse_toml(text, self._path.name), self._path.name)
        return text, given, places_of([given])

    def _write(self, places: tuple[str, ...], before: str, after: str) -> None:
        if before == after:
            return
        parse_answers(parse_toml(after, self._path.name), self._path.name)
        if read_toml_text(self._path) != before:
            raise Conflict("Another program has just changed the file. Save once more.", code="changed-meanwhile")
        _write(self._path, after)
        now, last = time.monotonic(), self._changes[-1] if self._changes else None
        if last is not None and last.after == before and last.places == places and now - last.at < ONE_CHANGE_S:
            before = self._changes.pop().before
        self._changes = [*self._changes[-MOST_UNDONE + 1 :], _Change(places, before, after, now)]

    def _edited(self, text: str, change: Callable[[str], str]) -> str:
        try:
            return change(text)
        except NotFollowed:
            return change(plain_toml(parse_toml(text, self._path.name)))

    def _problems(self, given: AnswersFile, known: Directory) -> list[AnswerProblem]:
        return problems_of(given, self._asked, known)

    def _cleaned(self, given: AnswersFile, known: Directory) -> AnswersFile:
        """Without what is wrong."""
        wrong = [item for item in self._problems(given, known) if item.gravity is ProblemGravity.WRONG]
        places = {item.place for item in wrong}
        numbered = {f"recommendation {number}": item for number, item in enumerate(given.recommendations, 1)}
        kept = self._asked.by_id.keys() - places
        return replace(
            given,
            assessed_on=None if "assessed_on" in places else given.assessed_on,
            answers={name: answer for name, answer in given.answers.items() if name in kept},
            recommendations=tuple(item for name, item in numbered.items() if name not in places),
        )

    def _told(self, folder: AssessmentFolder, given: AnswersFile, known: Directory) -> Assessment:
        return assessment_of(folder, given.half, self._asked, known)

    def _fault_of_head(self, name: str, value: Any, given: AnswersFile, known: Directory) -> FieldFault | None:
        if name == "name":
            try:
                places_of([replace(given, place=value)])
            except InvalidInput:
                return FieldFault(name, TypedFault.NOT_ITS_NAME)
        if name == "assessed_on":
            tried = replace(given, assessed_on=value)
            if any(item.kind is ProblemKind.TO_COME and item.place == name for item in self._problems(tried, known)):
                return FieldFault(name, ProblemKind.TO_COME)
        return None


def names_itself(state: FormState) -> bool:
    """Whether this software does not know the jurisdiction, so that the file says what it is called."""
    return Jurisdiction(state.given.jurisdiction) not in state.known or bool(state.given.place)


def _mark(given: AnswersFile, place: str) -> str:
    held: Any
    if place == HEAD_PLACE:
        held = _head_fields(given)
    elif place == RECOMMENDATIONS:
        held = [_recommendation_fields(item) for item in given.recommendations]
    else:
        held = _answer_fields(given.answers.get(place, GivenAnswer()))
    return hashlib.sha256(json.dumps(held, default=str).encode()).hexdigest()[:16]


def _changed(before: Mapping[str, TomlValue], after: Mapping[str, TomlValue]) -> dict[str, TomlValue]:
    return {name: value for name, value in after.items() if value != before[name]}


def _answer_fields(answer: GivenAnswer) -> dict[str, TomlValue]:
    on = answer.on.isoformat() if answer.on is not None else ""
    return {"answer": answer.answer, "evidence": answer.evidence, "on": on}


def _head_fields(given: AnswersFile) -> dict[str, TomlValue]:
    return {
        "name": given.place,
        "assessor": given.assessor,
        "assessed_on": given.assessed_on.isoformat() if given.assessed_on is not None else "",
        "remarks": given.remarks,
        "node_fingerprint": given.node_fingerprint,
    }


def _recommendation_fields(item: OwnRecommendation) -> dict[str, TomlValue]:
    """What it says, and no empty field."""
    by = item.by.isoformat() if item.by is not None else ""
    fields: dict[str, TomlValue | None] = {
        "question": item.question,
        "text": item.text,
        "priority": item.priority,
        "owner": item.owner,
        "by": by,
        "leave_out": item.leave_out or None,
        "because": item.because,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _in_order(items: Sequence[OwnRecommendation], before: Sequence[OwnRecommendation]) -> list[OwnRecommendation]:
    """As they stood in the file, what is new behind: their order is that of one priority on the paper."""
    of_question = {item.question: place for place, item in enumerate(before) if item.question}
    own = iter([place for place, item in enumerate(before) if not item.question])
    places = [
        of_question.get(item.question, len(before)) if item.question else next(own, len(before)) for item in items
    ]
    return [item for _, item in sorted(zip(places, items, strict=True), key=lambda pair: pair[0])]


def _write(path: Path, text: str) -> None:
    """Whole or not at all; for whom the file was. The new file has a name that nobody can have put a link at."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            shutil.copymode(path, part)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
