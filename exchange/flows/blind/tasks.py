"""The tasks of blind verification: which pairs an examiner may be asked to verify, who takes one, and what was
answered. What each examiner may see meanwhile is decided in ``visibility.py``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.flows.blind.visibility import blind_to, exhibits_of_pair, no_statement, tasks_of_this_node
from exchange.store.entry.exhibits import Exhibits, exhibit_of
from exchange.store.entry.records import find_record
from exchange.store.log.statements import find_statement
from exchange.store.review.reviews import (
    blind_examiners,
    drop_outlived,
    drop_task,
    examiners,
    find_task,
    late,
    newest_version,
    open_tasks,
    saw,
    task_of,
    task_of_request,
    tasks_concluded_by,
)
from exchange.store.tables.records import RecordRow
from exchange.store.tables.reviews import VerificationTaskRow
from schemas import (
    Conclusion,
    Pair,
    Side,
    Verification,
    open_envelope,
    parse_statement,
)
from schemas.vocabulary import Basis


@dataclass(frozen=True)
class Task:
    """What an examiner who verifies is told of a pair: the records, and no more."""

    task_id: str
    basis: Basis
    pair: Pair
    due_at: str
    mine: bool
    """Taken by the one who asks; otherwise nobody has taken it."""
    records: tuple[RecordRow, RecordRow]


def check_task(session: Session, pseudonym: str, task_id: str) -> None:
    """That this examiner took it, and that it still waits for the answer. Raises NotFound."""
    if not open_task(session, pseudonym, task_id).mine:
        raise NotFound("There is no such verification, or it is not for you.")


def check_answers_request(session: Session, said: Verification) -> None:
    """That a verification for another node answers what that node asked. Raises NotFound."""
    task = task_of_request(session, said.request or "")
    if task is None or task.asked_by is None or task.done_at is not None:
        raise no_statement(said.request or "")
    if (task.conclusion, task.pair) != (said.verifies, said.pair.model_dump_json()):
        raise no_statement(said.request or "")


def close_task(session: Session, said: Conclusion | Verification, statement_id: str, task_id: str | None) -> None:
    """An answer was given: the conclusion is verified, by whatever way the verification came; or it was a pair that
    nobody holds for a lead, and the answer is this examiner's own conclusion."""
    if isinstance(said, Conclusion):
        drop_outlived(session, said.made_by.pseudonym, exhibits_of_pair(session, said.pair))
    if task_id is not None:
        task = find_task(session, task_id)
    else:
        task = task_of(session, said.verifies) if isinstance(said, Verification) else None
    if task is not None:
        task.taken_by, task.done_at, task.said = said.made_by.pseudonym, stamp(), statement_id


def call_off(session: Session, conclusion: str) -> None:
    """The conclusion was taken back: nobody is asked any more."""
    drop_task(session, conclusion)


def who_may_verify(session: Session, said: Conclusion, asked_at: str | None = None) -> list[str]:
    """The examiners of this node who may still verify a conclusion."""
    maker = said.made_by.pseudonym
    if said.result.basis is not Basis.SCREEN:
        return examiners(session, besides=maker, asked_at=asked_at)
    exhibits, scans = blind_to(session, said.pair)
    return blind_examiners(session, exhibits, scans, besides=maker, asked_at=asked_at)


@dataclass(frozen=True)
class WaitingConclusion:
    """A conclusion of one's own that waits: how many are left who may verify it. ``anew``: nobody can, since a version
    that it names was erased; it is to be made anew. ``partner``: the node that was asked to verify it."""

    statement_id: str
    due_at: str
    basis: Basis
    records: tuple[RecordRow, RecordRow]
    may_verify: int
    anew: bool
    partner: str | None


def waiting_of(session: Session, pseudonym: str) -> list[WaitingConclusion]:
    """The conclusions of this examiner that another one is asked to verify, what is due first at the top."""
    found = []
    for row in tasks_concluded_by(session, pseudonym):
        pair = Pair.model_validate_json(row.pair)
        one, other = (_shown_of(session, side) for side in (pair.a, pair.b))
        if one is not None and other is not None:
            anew = (one.statement_id, other.statement_id) != (row.statement_a, row.statement_b)
            left = 0 if anew else len(_left_for(session, row))
            conclusion, basis = row.conclusion or "", Basis(row.basis)
            found.append(WaitingConclusion(conclusion, row.due_at, basis, (one, other), left, anew, row.partner))
    return found


def _shown_of(session: Session, side: Side) -> RecordRow | None:
    """The record of a side; where it was erased, the newest version of its exhibit."""
    found = find_record(session, side.record)
    return found[0] if found is not None else newest_version(session, exhibit_of(session, side.issuer, side.record))


def _left_for(session: Session, row: VerificationTaskRow) -> list[str]:
    if row.basis != Basis.SCREEN:
        return examiners(session, besides=row.concluded_by, asked_at=row.created_at)
    exhibits, scans = (row.exhibit_low, row.exhibit_high), (row.scan_low, row.scan_high)
    return blind_examiners(session, exhibits, scans, besides=row.concluded_by, asked_at=row.created_at)


def tasks_for(session: Session, pseudonym: str) -> list[Task]:
    """What this examiner may be asked to verify: all that nobody else has taken."""
    found = []
    for row in open_tasks(session):
        task = _task(session, row, pseudonym)
        if task is not None:
            found.append(task)
    return sorted(found, key=lambda task: (not task.mine, task.due_at))


def open_task(session: Session, pseudonym: str, task_id: str) -> Task:
    """Raises NotFound: none, or not for this examiner; both get the same answer."""
    row = find_task(session, task_id)
    task = _task(session, row, pseudonym) if row is not None and row.done_at is None else None
    if task is None:
        raise NotFound("There is no such verification, or it is not for you.")
    return task


def take_task(session: Session, pseudonym: str, task_id: str) -> Task:
    """This examiner does it, and no other. Needs a write transaction. Raises NotFound."""
    task = open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = pseudonym
    return task


def give_back_task(session: Session, pseudonym: str, task_id: str) -> None:
    """Another examiner may take it. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = None


@dataclass(frozen=True)
class AnswerGiven:
    """What an examiner has signed on a task, and its place in the log."""

    statement_id: str
    log_index: int
    said: Conclusion | Verification


def find_answer_given(session: Session, pseudonym: str, task_id: str) -> AnswerGiven | None:
    """What this examiner has signed on the task already."""
    row = find_task(session, task_id)
    said = find_statement(session, row.said) if row is not None and row.said and row.taken_by == pseudonym else None
    if said is None or said.envelope is None:
        return None
    found = parse_statement(open_envelope(said.envelope).payload)
    if not isinstance(found, Conclusion | Verification):
        return None
    return AnswerGiven(said.statement_id, said.log_index, found)


def conclusion_to_verify(session: Session, pseudonym: str, task_id: str) -> tuple[str | None, str | None]:
    """For the flow that signs the answer, never for a page: the conclusion that the task is about, None for a pair that
    nobody holds for a lead; and of another node's the request. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is None:
        return None, None
    return row.conclusion, row.request if row.asked_by is not None else None


def _own_exhibits(session: Session) -> set[Exhibits]:
    return {(task.exhibit_low, task.exhibit_high) for task in tasks_of_this_node(session)}


def _task(session: Session, row: VerificationTaskRow, pseudonym: str) -> Task | None:
    """None when it is not for this examiner."""
    basis, exhibits, scans = Basis(row.basis), (row.exhibit_low, row.exhibit_high), (row.scan_low, row.scan_high)
    if pseudonym in (row.concluded_by, row.not_for) or row.taken_by not in (None, pseudonym):
        return None
    if late(session, pseudonym, row.created_at):
        return None
    if basis is Basis.SCREEN and saw(session, pseudonym, exhibits, scans) is not None:
        return None
    if row.partner is not None or (row.asked_by is not None and exhibits in _own_exhibits(session)):
        return None  # asked elsewhere; or of a pair that waits here too, which is judged first
    records = [find_record(session, record) for record in (row.statement_a, row.statement_b)]
    if records[0] is None or records[1] is None:
        return None
    pair = Pair.model_validate_json(row.pair)
    return Task(row.task_id, basis, pair, row.due_at, row.taken_by == pseudonym, (records[0][0], records[1][0]))
