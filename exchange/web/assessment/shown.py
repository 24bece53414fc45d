"""What the pages of the form show of the file: each field with its value, or with what was typed and is not kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exchange.flows.assessment.answers import AnswersFile, GivenAnswer, OwnRecommendation
from exchange.flows.assessment.assessment import Assessment, AssessmentFinding, ComparedArea, FindingKind
from exchange.flows.assessment.form import HEAD_FIELDS, HEAD_PLACE, RECOMMENDATIONS, Faults, FormState
from exchange.flows.assessment.problems import AnswerProblem, ProblemGravity, ProblemKind
from exchange.flows.assessment.questionnaire import AnswerKind, Area, AssessmentQuestion, questionnaire
from exchange.flows.assessment.rating import Answered
from exchange.flows.assessment.recommendations import OWN_PRIORITY, Recommendation
from exchange.flows.assessment.typed import INSTEAD, FieldFault, TypedRecommendation
from exchange.web.languages import gettext as _
from exchange.web.wording.coordination.assessments import offered_words, recommendation_words

EMPTY_ROW = TypedRecommendation("", "", "", "", "", leave_out=False, because="")
EMPTY_ROWS = 2
"""For recommendations of the assessor's own."""


@dataclass(frozen=True)
class FieldShown:
    """``faults``: why what was typed is not kept; ``problems``: what is wrong with what the file has, or doubtful."""

    value: str
    faults: tuple[FieldFault, ...] = ()
    problems: tuple[AnswerProblem, ...] = ()


@dataclass(frozen=True)
class AreaOfForm:
    """A line of the list of areas: how much of it is answered, and how much of it is wrong."""

    area: Area
    address: str
    told: int
    asked: int
    wrong: int


@dataclass(frozen=True)
class QuestionShown:
    """``offered``: the answers that one chooses from, with their words; none where a number or words are asked for."""

    question: AssessmentQuestion
    now: Answered
    before: Answered | None
    offered: tuple[tuple[str, str], ...]
    answer: str
    instead: str
    evidence: str
    on: str
    mark: str
    faults: Mapping[str, FieldFault] = field(default_factory=dict)
    problems: tuple[AnswerProblem, ...] = ()

    def faults_of(self, name: str) -> list[FieldFault]:
        return [self.faults[name]] if name in self.faults else []

    @property
    def is_number(self) -> bool:
        return self.question.kind in (AnswerKind.COUNT, AnswerKind.MONTHS)


@dataclass(frozen=True)
class AreaShown:
    area: Area
    compared: ComparedArea
    questions: tuple[QuestionShown, ...]
    findings: tuple[AssessmentFinding, ...]
    next: Area | None


@dataclass(frozen=True)
class RowShown:
    """``said``: what is recommended by itself, empty in the assessor's own; ``priority``: which it has where nobody
    chooses one."""

    number: str
    typed: TypedRecommendation
    said: str
    priority: int
    faults: Mapping[str, FieldFault]

    def faults_of(self, name: str) -> list[FieldFault]:
        return [self.faults[name]] if name in self.faults else []


def areas_shown(state: FormState) -> tuple[AreaOfForm, ...]:
    return tuple(
        AreaOfForm(
            item.now.area,
            f"/area/{item.now.area.id}",
            item.now.rated.told,
            item.now.rated.asked,
            sum(
                problem.gravity is ProblemGravity.WRONG
                for question in item.now.area.questions
                for problem in state.problems_at(question.id)
            ),
        )
        for item in state.found.areas
    )


def compared_of(found: Assessment, finding: AssessmentFinding) -> ComparedArea:
    return next(item for item in found.areas if item.now.area.id == finding.area.area.id)


def findings_by_kind(found: Assessment) -> list[tuple[FindingKind, list[AssessmentFinding]]]:
    """Those that an answer gives; what nobody knows yet is told by the list of areas."""
    kinds = [kind for kind in FindingKind if kind is not FindingKind.NOT_TOLD]
    grouped = [(kind, [item for item in found.findings if item.kind is kind]) for kind in kinds]
    return [(kind, items) for kind, items in grouped if items]


def area_shown(state: FormState, area: Area, typed: Mapping[str, str], faults: Faults) -> AreaShown:
    compared = next(item for item in state.found.areas if item.now.area.id == area.id)
    questions = tuple(
        _question_shown(
            state, compared, answer, typed, {item.field: item for item in faults.get(answer.question.id, ())}
        )
        for answer in compared.now.answers
    )
    findings = tuple(item for item in state.found.findings if item.area.area.id == area.id)
    areas = questionnaire().areas
    following = areas.index(area) + 1
    return AreaShown(area, compared, questions, findings, areas[following] if following < len(areas) else None)


def _question_shown(
    state: FormState,
    compared: ComparedArea,
    now: Answered,
    typed: Mapping[str, str],
    faults: Mapping[str, FieldFault],
) -> QuestionShown:
    question = now.question
    given = state.given.answers.get(question.id, GivenAnswer())
    answer, instead = _answer_in(question, given)
    evidence, on = given.evidence, given.on.isoformat() if given.on is not None else ""
    if f"mark-{question.id}" in typed and faults:
        answer, instead, evidence, on = (
            typed.get(f"{name}-{question.id}", "") for name in ("answer", "instead", "evidence", "on")
        )
    offered = offered_words(question)
    if offered and answer and answer not in dict(offered):  # what the file has, so that it is not lost unseen
        offered = ((answer, answer), *offered)
    problems = tuple(state.problems_at(question.id))
    before = compared.answer_before(now)
    mark = state.mark(question.id)
    return QuestionShown(question, now, before, offered, answer, instead, evidence, on, mark, faults, problems)


def _answer_in(question: AssessmentQuestion, given: GivenAnswer) -> tuple[str, str]:
    """As the form has it: an answer, or what is chosen beside its field."""
    value = given.value
    said = value if isinstance(value, str) else f"{value:g}"
    return ("", said) if said in INSTEAD and not question.words else (said, "")


def head_shown(state: FormState, typed: Mapping[str, str], faults: Faults) -> dict[str, FieldShown]:
    given = state.given
    values = {
        "name": given.place,
        "assessor": given.assessor,
        "assessed_on": given.assessed_on.isoformat() if given.assessed_on is not None else "",
        "remarks": given.remarks,
        "node_fingerprint": given.node_fingerprint,
    }
    found = faults.get(HEAD_PLACE, ())
    return {
        name: FieldShown(
            typed.get(name, values[name]) if found else values[name],
            tuple(item for item in found if item.field == name),
            tuple(state.problems_at(name)),
        )
        for name in HEAD_FIELDS
    }


def recommendations_shown(
    state: FormState, typed: Mapping[str, TypedRecommendation] | None, faults: Faults
) -> tuple[RowShown, ...]:
    """Those that follow from answers, as they are ordered; the assessor's own; and empty rows."""
    made = [*state.found.recommended.made, *state.found.recommended.left_out]
    by_question = {item.question: item for item in made if item.question is not None}
    rows = typed or dict(_rows_of(state.given, by_question))
    return tuple(_row_shown(number, row, by_question.get(row.question), faults) for number, row in rows.items())


def _rows_of(given: AnswersFile, by_question: Mapping[str, Recommendation]) -> list[tuple[str, TypedRecommendation]]:
    said = {item.question: item for item in given.recommendations if item.question}
    rows = [
        _as_typed(said[name])
        if name in said
        else TypedRecommendation(name, "", "", "", "", leave_out=False, because="")
        for name in by_question
    ]
    rows += [_as_typed(item) for item in given.recommendations if not item.question]
    rows += [EMPTY_ROW] * EMPTY_ROWS
    return [(str(number), row) for number, row in enumerate(rows)]


def _row_shown(number: str, row: TypedRecommendation, item: Recommendation | None, faults: Faults) -> RowShown:
    wrong = {fault.field: fault for fault in faults.get(number, ())}
    if item is None:
        return RowShown(number, row, "", OWN_PRIORITY, wrong)
    return RowShown(number, row, recommendation_words(item), item.by_itself or item.priority, wrong)


def _as_typed(item: OwnRecommendation) -> TypedRecommendation:
    return TypedRecommendation(
        item.question,
        item.text,
        "" if item.priority is None else str(item.priority),
        item.owner,
        item.by.isoformat() if item.by is not None else "",
        item.leave_out,
        item.because,
    )


def rest_of_problems(state: FormState) -> list[AnswerProblem]:
    """What stands beside no field."""
    kinds = (ProblemKind.NO_QUESTION, ProblemKind.OF_RECOMMENDATION)
    beside_none = [item for item in state.problems if item.kind in kinds]
    doubts = [item for item in state.problems if item.place.startswith("recommendation ") and item.kind not in kinds]
    return [*beside_none, *doubts]


def place_title(place: str) -> str:
    """What a place of the file is called, for who takes a change back."""
    if place == HEAD_PLACE:
        return _("Who assesses")
    if place == RECOMMENDATIONS:
        return _("Recommendations")
    question = questionnaire().by_id.get(place)
    return _(question.text) if question is not None else ""
