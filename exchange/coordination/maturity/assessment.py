"""One assessment as it is presented: the answers now and last time, their points, and the recommendations.

found = assessment_of(read_folder(path), half=None)
found.whole.share, found.areas[0].rated.share, found.recommended.made[0].text
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.answer_problems import ProblemGravity, problems_of
from exchange.coordination.maturity.answers import NOT_APPLICABLE, NOT_KNOWN, AnswersFile, OwnRecommendation
from exchange.coordination.maturity.assessment_folder import AssessmentFolder, LeftFile, ReleasedReport
from exchange.coordination.maturity.maturity_snapshot import (
    KeptPractice,
    MaturityPath,
    Snapshot,
    VerifiedSnapshot,
    path_of,
)
from exchange.coordination.maturity.practice_definitions import State
from exchange.coordination.maturity.questionnaire import Advice, Area, AssessmentQuestion, Questionnaire, questionnaire
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory

_DAY: Final = len("2026-11-27")


@dataclass(frozen=True)
class NodeProof:
    """What a snapshot proves for one question. ``answer``: yes if all ``practices`` hold, no if none does, otherwise
    partly."""

    answer: str
    practices: tuple[KeptPractice, ...]
    on: date


def proofs_of(asked: Questionnaire, snapshot: Snapshot | None) -> Mapping[str, NodeProof]:
    """What the node's own records prove, for each question. A question is left out if the snapshot has no data on its
    practices."""
    if snapshot is None:
        return {}
    on = date.fromisoformat(snapshot.at[:_DAY])
    known = snapshot.practices
    found = {}
    for question in asked:
        practices = tuple(known[name] for name in question.practices if name in known)
        states = {practice.state for practice in practices}
        if not states - {State.NO_DATA}:
            continue
        answer = "yes" if states == {State.HOLDS} else "no" if State.HOLDS not in states else "partly"
        found[question.id] = NodeProof(answer, practices, on)
    return found


@dataclass(frozen=True)
class Answered:
    """One question and its answer. ``value``: one of the words offered, a number or free text; "not known", "not
    applicable", or None if nobody answered. ``share``: the value as a share of the count that another question asks
    for. ``proof``: what the node's snapshot shows; ``by_node``: the proof takes the place of a missing answer.
    ``points``: None if there is nothing to rate."""

    question: AssessmentQuestion
    value: str | float | None = None
    evidence: str = ""
    on: date | None = None
    share: float | None = None
    proof: NodeProof | None = None
    by_node: bool = False
    points: float | None = None

    @property
    def told(self) -> bool:
        return self.value not in (None, NOT_KNOWN, NOT_APPLICABLE)

    @property
    def expected(self) -> bool:
        """Whether its not being told is a gap."""
        return self.value != NOT_APPLICABLE

    @property
    def differs(self) -> bool:
        """Whether the assessor's answer differs from what the node's snapshot shows."""
        return not self.by_node and self.proof is not None and self.told and self.value != self.proof.answer

    @property
    def measure(self) -> str | float | None:
        """What the bounds of an advice are compared with: the share if the question has one, otherwise the value."""
        return self.share if self.question.of is not None else self.value


@dataclass(frozen=True)
class Rated:
    """``share``: how much was earned of what good answers would earn; None if too little was answered. ``told``: how
    many of the ``asked`` questions have an answer; a question that does not apply is not among them."""

    share: float | None
    told: int
    asked: int


@dataclass(frozen=True)
class RatedArea:
    area: Area
    rated: Rated
    answers: tuple[Answered, ...]


def rated_areas(asked: Questionnaire, given: AnswersFile, proofs: Mapping[str, NodeProof]) -> tuple[RatedArea, ...]:
    """``proofs``: by question, what the node's snapshot of the half-year shows."""
    answered = {question.id: _answered(question, given, proofs.get(question.id)) for question in asked}
    found = []
    for area in asked.areas:
        answers = tuple(answered[question.id] for question in area.questions)
        found.append(RatedArea(area, rated(answers), answers))
    return tuple(found)


def rated(answers: Iterable[Answered]) -> Rated:
    """The mean of the points by the weights of the questions. What is not told counts neither for nor against; where
    that is more than half of the weight, no share is told."""
    expected = [answer for answer in answers if answer.expected]
    pointed = [(answer.points, answer.question.weight) for answer in expected if answer.points is not None]
    weight = sum(weight for _, weight in pointed)
    enough = weight and 2 * weight >= sum(answer.question.weight for answer in expected)
    share = sum(points * weight for points, weight in pointed) / weight if enough else None
    return Rated(share, sum(answer.told for answer in expected), len(expected))


def _answered(question: AssessmentQuestion, given: AnswersFile, proof: NodeProof | None) -> Answered:
    answer = given.answers.get(question.id)
    value = answer.value if answer is not None and answer.value != "" else None
    if answer is None or value is None:
        if proof is None:
            return Answered(question)
        return Answered(
            question, proof.answer, on=proof.on, proof=proof, by_node=True, points=question.words[proof.answer]
        )
    share = _share(question, value, given)
    on = answer.on or given.assessed_on
    return Answered(question, value, answer.evidence, on, share, proof, points=points_of(question, value, share))


def _share(question: AssessmentQuestion, value: str | float, given: AnswersFile) -> float | None:
    other = given.answers.get(question.of) if question.of is not None else None
    whole = other.value if other is not None else None
    if not isinstance(value, float) or not isinstance(whole, float) or not whole:
        return None
    return value / whole


def points_of(question: AssessmentQuestion, value: str | float, share: float | None) -> float | None:
    """None for what is not known, does not apply, or is only told."""
    if isinstance(value, str):
        return question.words.get(value) if question.weight else None
    if question.zero_at is None or question.full_at is None:
        return None
    measured = share if question.of is not None else value
    if measured is None:
        return None
    return min(1.0, max(0.0, (measured - question.zero_at) / (question.full_at - question.zero_at)))


OWN_PRIORITY: Final = 2


@dataclass(frozen=True)
class Recommendation:
    """``question``: the id of the one whose answer it follows from, None for the assessor's own. ``own_words``: the
    text is the assessor's, and stays in the assessor's language. ``by_itself``: the priority that the questionnaire
    gives it, None of the assessor's own."""

    priority: int
    text: str
    question: str | None = None
    own_words: bool = False
    owner: str = ""
    by: date | None = None
    because: str = ""
    by_itself: int | None = None


@dataclass(frozen=True)
class Recommended:
    """``left_out``: those that follow from the answers and that the assessor does not make, each with why."""

    made: tuple[Recommendation, ...]
    left_out: tuple[Recommendation, ...]


def recommended(given: AnswersFile, areas: Sequence[RatedArea]) -> Recommended:
    """High priority first. Of one priority: those that the assessor wrote or moved, in the order of the file; then
    those whose question weighs more; then as they were asked."""
    found = {
        answer.question.id: (advice, answer)
        for area in areas
        for answer in area.answers
        if (advice := _advice(answer)) is not None
    }
    named = [
        (own.leave_out, _changed(own, found[own.question][0] if own.question in found else None))
        for own in given.recommendation
        if own.text or own.question in found
    ]
    moved = {item.question for _, item in named}
    rest = sorted(
        (item for name, item in found.items() if name not in moved), key=lambda item: -item[1].question.weight
    )
    made = [item for left_out, item in named if not left_out]
    made += [
        Recommendation(advice.priority, advice.text, answer.question.id, by_itself=advice.priority)
        for advice, answer in rest
    ]
    left = tuple(item for left_out, item in named if left_out)
    return Recommended(tuple(sorted(made, key=lambda item: item.priority)), left)


def _advice(answer: Answered) -> Advice | None:
    measure = answer.measure
    if not answer.told or measure is None:
        return None
    return next((advice for advice in answer.question.advice if advice.fits(measure)), None)


def _changed(own: OwnRecommendation, advice: Advice | None) -> Recommendation:
    """A question whose answer is good by now recommends nothing by itself: what the assessor writes of it stays."""
    priority = own.priority or (advice.priority if advice else OWN_PRIORITY)
    text = own.text or (advice.text if advice else "")
    by_itself = advice.priority if advice else None
    return Recommendation(
        priority, text, own.question or None, bool(own.text), own.owner, own.by, own.because, by_itself
    )


_LITTLE = 0.5
"""An answer that earns less is told as a finding."""
_NOTHING_CHANGED = 1e-9


class FindingKind(StrEnum):
    """In the order in which findings are told."""

    FELL_BACK = "fell_back"
    LITTLE = "little"
    DIFFERS = "differs"
    BETTER = "better"
    OF_BEFORE = "of_before"
    NOT_TOLD = "not_told"


@dataclass(frozen=True)
class AssessmentFinding:
    kind: FindingKind
    area: RatedArea
    answer: Answered


@dataclass(frozen=True)
class ComparedArea:
    """An area now and last time; ``before`` is None where there was no last time."""

    now: RatedArea
    before: RatedArea | None

    def answer_before(self, answer: Answered) -> Answered | None:
        if self.before is None:
            return None
        return next((item for item in self.before.answers if item.question.id == answer.question.id), None)


@dataclass(frozen=True)
class Assessment:
    """``snapshot``: the node's, of this half-year. ``path``: of all snapshots in the folder up to this half-year."""

    given: AnswersFile
    before: AnswersFile | None
    areas: tuple[ComparedArea, ...]
    whole: Rated
    whole_before: Rated | None
    recommended: Recommended
    snapshot: VerifiedSnapshot | None
    path: MaturityPath
    reports: tuple[ReleasedReport, ...]
    left: tuple[LeftFile, ...]

    @property
    def jurisdiction(self) -> str:
        return self.given.jurisdiction

    @property
    def half(self) -> Half:
        return self.given.half

    @property
    def answers(self) -> Iterator[Answered]:
        return (answer for area in self.areas for answer in area.now.answers)

    @property
    def findings(self) -> tuple[AssessmentFinding, ...]:
        """What weighs more first, within each kind as it was asked."""
        found = [
            AssessmentFinding(kind, area.now, answer)
            for area in self.areas
            for answer in area.now.answers
            for kind in self._kinds(area, answer)
        ]
        kinds = list(FindingKind)
        return tuple(sorted(found, key=lambda item: (kinds.index(item.kind), -item.answer.question.weight)))

    def _kinds(self, area: ComparedArea, answer: Answered) -> Iterator[FindingKind]:
        before, fell = area.answer_before(answer), False
        if before is not None and before.points is not None and answer.points is not None:
            if answer.points < before.points - _NOTHING_CHANGED:
                fell = True
                yield FindingKind.FELL_BACK
            elif answer.points > before.points + _NOTHING_CHANGED:
                yield FindingKind.BETTER
        if not fell and answer.points is not None and answer.points < _LITTLE and answer.question.weight > 1:
            yield FindingKind.LITTLE
        if answer.differs:
            yield FindingKind.DIFFERS
        if answer.told and answer.on is not None and answer.on.isoformat() < self.half.start[:10]:
            yield FindingKind.OF_BEFORE
        if answer.expected and not answer.told:
            yield FindingKind.NOT_TOLD


def assessment_of(
    folder: AssessmentFolder,
    half: Half | None = None,
    asked: Questionnaire | None = None,
    known: Directory | None = None,
    *,
    since_the_first: bool = False,
) -> Assessment:
    """The assessment of a half-year, the last one if none is named, beside the last one before, or the first one.

    Raises NotFound; InvalidInput, code "wrong-answers", where an answer of either is wrong."""
    asked = asked or questionnaire()
    given = folder.chosen(half)
    before = folder.before(given)
    if since_the_first and before is not None:
        before = folder.assessments[0]
    for file in (given, before):
        _refuse_what_is_wrong(file, asked, known)
    snapshot = folder.snapshot_of(given.half)
    now = _areas(folder, given, asked)
    then = {item.area.id: item for item in _areas(folder, before, asked)} if before is not None else {}
    areas = tuple(ComparedArea(item, then.get(item.area.id)) for item in now)
    return Assessment(
        given,
        before,
        areas,
        rated(answer for item in now for answer in item.answers),
        rated(answer for item in then.values() for answer in item.answers) if then else None,
        recommended(given, now),
        snapshot,
        path_of([item.snapshot for item in folder.snapshots if item.snapshot.half <= given.half]),
        tuple(report for report in folder.reports if report.half <= given.half),
        folder.left,
    )


def _areas(folder: AssessmentFolder, given: AnswersFile, asked: Questionnaire) -> tuple[RatedArea, ...]:
    snapshot = folder.snapshot_of(given.half)
    return rated_areas(asked, given, proofs_of(asked, snapshot.snapshot if snapshot else None))


def _refuse_what_is_wrong(given: AnswersFile | None, asked: Questionnaire, known: Directory | None) -> None:
    if given is None:
        return
    wrong = [problem for problem in problems_of(given, asked, known) if problem.gravity is ProblemGravity.WRONG]
    if wrong:
        more = f" And {len(wrong) - 3} more." if len(wrong) > 3 else ""
        said = " ".join(map(str, wrong[:3]))
        raise InvalidInput(f"{said}{more} ffp assess check says all.", code="wrong-answers")
