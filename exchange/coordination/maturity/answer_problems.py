"""What is missing or wrong in the file of an assessment, question by question, in sentences.

What is wrong must be mended before anything is made of the file. What is missing is told on the paper as no data. What
is doubtful, such as words that look like a person's name, the assessor looks at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import ValidationError

from exchange.clock import today
from exchange.coordination.maturity.answers import (
    MAX_LINE,
    NOT_APPLICABLE,
    NOT_KNOWN,
    AnswersFile,
    EvaluationFile,
    GivenAnswer,
    OwnRecommendation,
)
from exchange.coordination.maturity.questionnaire import (
    MOST_ANSWERED,
    PRIORITIES,
    AnswerKind,
    AssessmentQuestion,
    Questionnaire,
    questionnaire,
)
from exchange.errors import InvalidInput
from exchange.flows.entry.free_text import doubts
from exchange.jurisdictions.directory import Directory, check_entries, shipped_directory
from exchange.jurisdictions.jurisdiction_entry import JurisdictionEntry
from schemas.jurisdiction import Jurisdiction


class ProblemGravity(StrEnum):
    WRONG = "wrong"
    MISSING = "missing"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True)
class AnswerProblem:
    """``place``: the id of a question, or the field of the file."""

    gravity: ProblemGravity
    file: str
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: {self.sentence}"


def problems_of(
    given: AnswersFile, asked: Questionnaire | None = None, known: Directory | None = None
) -> list[AnswerProblem]:
    """In the order of the file. ``known``: of which jurisdictions a name is no person's."""
    asked, known = asked or questionnaire(), known or shipped_directory()
    return [
        *_of_the_whole(given, asked, known),
        *_of_answers(given, asked),
        *_of_own(given, asked),
        *_of_names(given, known),
    ]


def _of_the_whole(given: AnswersFile, asked: Questionnaire, known: Directory) -> Iterator[AnswerProblem]:
    if given.jurisdiction not in known and not given.name:
        said = f"{given.jurisdiction} is not known here: say what the jurisdiction is called in English."
        yield AnswerProblem(ProblemGravity.MISSING, given.file, "name", said)
    if not given.assessor:
        said = "Say who assessed: a role, no name."
        yield AnswerProblem(ProblemGravity.MISSING, given.file, "assessor", said)
    if given.assessed_on is None:
        said = "Say on which day it was made."
        yield AnswerProblem(ProblemGravity.MISSING, given.file, "assessed_on", said)
    elif given.assessed_on > today():
        said = f"{given.assessed_on} is still to come."
        yield AnswerProblem(ProblemGravity.WRONG, given.file, "assessed_on", said)
    for name in sorted(given.answers.keys() - asked.by_id.keys()):
        shown = name if len(name) <= 60 else f"{name[:60]}..."
        said = "There is no such question; remove it, or correct its id."
        yield AnswerProblem(ProblemGravity.WRONG, given.file, shown, said)


def _of_answers(given: AnswersFile, asked: Questionnaire) -> Iterator[AnswerProblem]:
    wrong, missing = ProblemGravity.WRONG, ProblemGravity.MISSING
    for question in asked:
        answer = given.answers.get(question.id)
        if answer is None or answer.value == "":
            said = f"It is not answered. {question.text}"
            yield AnswerProblem(missing, given.file, question.id, said)
            continue
        if (fault := _fault_of(question, answer)) is not None:
            yield AnswerProblem(wrong, given.file, question.id, fault)
            continue
        if (more := _more_than_whole(given, question)) is not None:
            said = f"{more[0]:g} is more than the {more[1]:g} of {question.of}."
            yield AnswerProblem(wrong, given.file, question.id, said)
        if answer.value != NOT_KNOWN and not answer.evidence:
            said = f"It has no evidence. {question.look}"
            yield AnswerProblem(missing, given.file, question.id, said)
        if answer.on is not None:
            yield from _of_the_day(given, question, answer.on)


def _fault_of(question: AssessmentQuestion, answer: GivenAnswer) -> str | None:
    value = answer.value
    if value in (NOT_KNOWN, NOT_APPLICABLE):
        return None
    match question.kind:
        case AnswerKind.TEXT:
            said = "Answer in words, between quotation marks."
            return None if isinstance(answer.answer, str) else said
        case AnswerKind.COUNT | AnswerKind.MONTHS:
            whole = question.kind is AnswerKind.COUNT
            if isinstance(value, float) and 0 <= value <= MOST_ANSWERED and (value.is_integer() or not whole):
                return None
            return f"Answer with {'a whole number' if whole else 'a number of months'}, {_or_else()}."
        case AnswerKind.DEGREE | AnswerKind.CHOICE:
            if isinstance(value, str) and value in question.words:
                return None
            return f"Answer with one of {', '.join(question.words)}, {_or_else()}."


def _or_else() -> str:
    return f'"{NOT_KNOWN}" or "{NOT_APPLICABLE}"'


def _more_than_whole(given: AnswersFile, question: AssessmentQuestion) -> tuple[float, float] | None:
    """A share of what was counted with another question is no larger than that."""
    whole = given.answers.get(question.of) if question.of is not None else None
    part = given.answers[question.id].value
    if whole is None or not isinstance(whole.value, float) or not isinstance(part, float):
        return None
    return (part, whole.value) if part > whole.value else None


def _of_the_day(given: AnswersFile, question: AssessmentQuestion, day: date) -> Iterator[AnswerProblem]:
    if day > today():
        said = f"Its evidence is of {day}, which is still to come."
        yield AnswerProblem(ProblemGravity.WRONG, given.file, question.id, said)
    elif day.isoformat() < given.half.start[:10]:
        said = f"Its evidence is of {day}, before {given.half} began. Look again, or keep the day so that it is told."
        yield AnswerProblem(ProblemGravity.DOUBTFUL, given.file, question.id, said)


def _of_own(given: AnswersFile, asked: Questionnaire) -> Iterator[AnswerProblem]:
    moved: set[str] = set()
    for number, own in enumerate(given.recommendation, 1):
        for said in _faults_of_own(own, asked, moved):
            place = f"recommendation {number}"
            yield AnswerProblem(ProblemGravity.WRONG, given.file, place, said)
        moved.add(own.question)


def _faults_of_own(own: OwnRecommendation, asked: Questionnaire, moved: set[str]) -> Iterator[str]:
    if own.priority not in (None, *PRIORITIES):
        yield "Its priority is 1 (high), 2 or 3."
    if own.question and (own.question not in asked.by_id or not asked.by_id[own.question].advice):
        yield "Nothing follows from a question of this id."
    if own.question and own.question in moved:
        yield "Its question stands in an earlier one."
    if not own.question and not own.text:
        yield "Write its text, or name the question that it is about."
    if own.leave_out and not own.because:
        yield "Say in because why it is left out."


def _of_names(given: AnswersFile, known: Directory) -> Iterator[AnswerProblem]:
    texts = [("assessor", given.assessor), ("remarks", given.remarks)]
    texts += [
        (name, words)
        for name, answer in given.answers.items()
        for words in (answer.evidence, answer.answer)
        if isinstance(words, str)
    ]
    for number, own in enumerate(given.recommendation, 1):
        texts += [(f"recommendation {number}", words) for words in (own.text, own.owner, own.because)]
    yield from doubtful_names(given.file, texts, known)


def doubtful_names(file: str, texts: Iterable[tuple[str, str]], known: Directory) -> Iterator[AnswerProblem]:
    """Yield a problem for each place with words that look like a person's name, or identify somebody otherwise."""
    for place, words in texts:
        found = {doubt for line in words.splitlines() for doubt in doubts(line[: 10 * MAX_LINE], known=known)}
        for doubt in sorted(found):
            said = f"It may hold {doubt.replace('_', ' ')} of a person; write roles and counts, no names."
            yield AnswerProblem(ProblemGravity.DOUBTFUL, file, place, said)


def places_of(assessed: Iterable[AnswersFile]) -> Directory:
    """The shipped directory of jurisdictions, with those that the files add. A file may not give a shipped jurisdiction
    another name, because that name would appear without its footnote. Raises InvalidInput."""
    known, more = shipped_directory(), dict[Jurisdiction, JurisdictionEntry]()
    for given in assessed:
        code = Jurisdiction(given.jurisdiction)
        if not given.name:
            continue
        if code in known:
            if given.name != known.name(code):
                raise InvalidInput(f"{given.file}: name: {code} is called {known.name(code)} here; leave it empty.")
            continue
        try:
            entry = JurisdictionEntry(names={"en": given.name}, footnotes={}, languages=("en",), clock="UTC")
        except ValidationError as error:
            said = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            raise InvalidInput(f"{given.file}: name: {said}.") from error
        check_entries({**more, code: entry}, f"{given.file}: name")
        more[code] = entry
    return known.extended(more, "the files of the assessments") if more else known


def doubts_of_evaluation(given: EvaluationFile, known: Directory | None = None) -> Iterator[AnswerProblem]:
    """Yield a problem for each place with words that look like a person's name, or identify somebody otherwise."""
    texts = [("evaluators", given.evaluators), ("summary", given.summary)]
    texts += [(name, words) for name, item in given.answers.items() for words in (item.answer, item.evidence)]
    texts += [("conclusions", words) for words in given.conclusions]
    yield from doubtful_names(given.file, texts, known or shipped_directory())
