"""The blind verifications of one examiner: what waits, what was judged, and one that the examiner took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.blind import tasks
from exchange.flows.blind.compared_sides import BothSides, compared_sides, delivered_sides
from exchange.flows.blind.tasks import AnswerGiven, Task, WaitingConclusion
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.entry.record_rows import find_records
from exchange.store.log.statement_rows import statements_about_each
from exchange.store.review.candidate_rows import CandidateView, candidate_of
from exchange.store.review.review_rows import done_tasks, scans_of
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import VerificationTaskRow


@dataclass(frozen=True)
class Verifications:
    """``tasks``: what this examiner may be asked to verify; ``own``: the examiner's own conclusions that wait;
    ``done``: what the examiner judged blind, the newest first."""

    tasks: list[Task]
    own: list[WaitingConclusion]
    done: list[Judged]


@dataclass(frozen=True)
class Judged:
    """What an examiner judged blind, and when. ``records``: those of the two that may still be shown; ``taken_back``:
    whether the answer was, by whoever signed it or by the head."""

    task_id: str
    basis: str
    done_at: str
    records: tuple[RecordRow, ...]
    taken_back: bool


@dataclass(frozen=True)
class TakenVerification:
    """A task that this examiner took, and the two specimens that it is about, of one region, in the order of their
    records' ids."""

    task: Task
    sides: BothSides
    roi: str


def verifications_of(node: Node, pseudonym: str, *, most_done: int) -> Verifications:
    with node.store.read() as session:
        return Verifications(
            tasks.tasks_for(session, pseudonym),
            tasks.waiting_of(session, pseudonym),
            _judged(session, node, done_tasks(session, pseudonym, limit=most_done)),
        )


def _judged(session: Session, node: Node, tasks: Sequence[VerificationTaskRow]) -> list[Judged]:
    records = find_records(session, {name for task in tasks for name in (task.statement_a, task.statement_b)})
    said = statements_about_each(session, {task.said for task in tasks if task.said}, ["retraction"])
    return [
        Judged(
            task.task_id,
            task.basis,
            task.done_at or "",
            tuple(records[name] for name in (task.statement_a, task.statement_b) if name in records),
            any(row.issuer == node.node_id for row in said.get(task.said or "", ())),
        )
        for task in tasks
    ]


def take_verification(node: Node, pseudonym: str, task_id: str) -> None:
    """This examiner does it, and no other. Raises NotFound."""
    with node.store.write() as session:
        tasks.take_task(session, pseudonym, task_id)


def give_verification_back(node: Node, pseudonym: str, task_id: str) -> None:
    """Another examiner may take it. Raises NotFound."""
    with node.store.write() as session:
        tasks.give_back_task(session, pseudonym, task_id)


def read_verification(node: Node, pseudonym: str, task_id: str) -> TakenVerification:
    """Raises NotFound: none, not for this examiner, or not taken."""
    with node.store.read() as session:
        task = tasks.open_task(session, pseudonym, task_id)
        one, other = task.pair.a, task.pair.b
        found = candidate_of(session, scans_of(one.scan, other.scan), CandidateView(PIPELINES, None, superseded=True))
        sides = delivered_sides(session, task.pair) if found is None else compared_sides(found)
        if not task.mine or sides is None:
            raise NotFound("There is no such verification, or it is not for you.")
        first, second = sorted(sides, key=lambda side: side.record.statement_id)
    return TakenVerification(task, (first, second), first.scan.roi)


def verification_to_sign(node: Node, pseudonym: str, task_id: str) -> tuple[Task, str | None, str | None]:
    """A task that this examiner took, the conclusion that the answer verifies, and the request of another node that it
    answers: for the signature of the answer, never for a page. No conclusion: a pair that nobody holds for a lead.
    Raises NotFound."""
    with node.store.read() as session:
        task = tasks.open_task(session, pseudonym, task_id)
        verifies, request = tasks.conclusion_to_verify(session, pseudonym, task_id)
    if not task.mine:
        raise NotFound("There is no such verification, or it is not for you.")
    return task, verifies, request


def answer_given(node: Node, pseudonym: str, task_id: str) -> AnswerGiven | None:
    """What this examiner has signed on the task already."""
    with node.store.read() as session:
        return tasks.find_answer_given(session, pseudonym, task_id)
