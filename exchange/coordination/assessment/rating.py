"""What the answers earn: for each question, each area and the whole, from 0 to 1; and what nobody knows is no zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.coordination.assessment.assessment_answers import NOT_APPLICABLE, NOT_KNOWN, AnswersFile
from exchange.coordination.assessment.questionnaire import Area, AssessmentQuestion, Questionnaire
from exchange.coordination.maturity.maturity_snapshot import KeptPractice, Snapshot
from exchange.coordination.maturity.practice_definitions import State

_DAY: Final = len("2026-11-27")


@dataclass(frozen=True)
class NodeProof:
    """``answer``: yes where all practices hold, no where none does, else partly. ``practices``: what it rests on."""

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
    """One question, and what is known of it. ``value``: a word that is offered, a number, free words; "not known",
    "not applicable", or None where nobody answered. ``share``: of a count of which the other one is known.
    ``proof``: what the node's snapshot shows of it; ``by_node``: it stands in for an answer that nobody gave.
    ``points``: None where there is nothing to rate."""

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
        """The assessor says otherwise than the node's snapshot."""
        return not self.by_node and self.proof is not None and self.told and self.value != self.proof.answer

    @property
    def measure(self) -> str | float | None:
        """What bounds of an advice are held against: the share, where it is one."""
        return self.share if self.question.of is not None else self.value


@dataclass(frozen=True)
class Rated:
    """``share`` of what good answers would earn, None where nothing was told; ``told`` of ``asked`` questions."""

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
