"""One assessment as it is told: what was answered now and last time, what that earns, and what is recommended.

found = assessment_of(read_folder(path), half=None)
found.whole.share, found.areas[0].rated.share, found.recommended.made[0].text
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exchange.coordination.assessment.answer_problems import ProblemGravity, problems_of
from exchange.coordination.assessment.assessment_answers import AnswersFile
from exchange.coordination.assessment.assessment_folder import AssessmentFolder, LeftFile
from exchange.coordination.assessment.questionnaire import Questionnaire, questionnaire
from exchange.coordination.assessment.rating import Answered, Rated, RatedArea, proofs_of, rated, rated_areas
from exchange.coordination.assessment.recommendations import Recommended, recommended
from exchange.coordination.assessment.released_reports import ReleasedReport
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.maturity_path import MaturityPath, path_of
from exchange.coordination.maturity.signed_snapshot import VerifiedSnapshot
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory

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
