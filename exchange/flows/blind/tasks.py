"""The tasks of blind verification: the pairs that an examiner may be asked to verify, who takes a task, and how it was
answered. ``visibility.py`` decides what each examiner may see while a task waits."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.flows.blind.visibility import blind_to, exhibits_of_pair, no_statement, tasks_of_this_node
from exchange.store.entry.exhibits import exhibit_of
from exchange.store.entry.record_rows import find_record
from exchange.store.log.statement_rows import find_statement
from exchange.store.review.review_rows import (
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
    tasks_asked_about,
    tasks_concluded_by,
)
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import VerificationTaskRow
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
    """A pair that waits for a blind verification. The verifying examiner learns the two records and nothing else."""

    task_id: str
    basis: Basis
    pair: Pair
    due_at: str
    mine: bool
    """Whether this examiner has taken the task. A task that another examiner took is not shown."""
    records: tuple[RecordRow, RecordRow]


def check_task(session: Session, pseudonym: str, task_id: str) -> None:
    """Check that this examiner took the task and that it still waits for an answer. Raises NotFound."""
    if not open_task(session, pseudonym, task_id).mine:
        raise NotFound("There is no such verification, or it is not for you.")


def check_answers_request(session: Session, said: Verification) -> None:
    """Check that a verification for another node answers that node's request. Raises NotFound."""
    task = task_of_request(session, said.request or "")
    if task is None or task.asked_by is None or task.done_at is not None:
        raise no_statement(said.request or "")
    if (task.asked_conclusion, task.pair) != (said.verifies, said.pair.model_dump_json()):
        raise no_statement(said.request or "")


def close_task(session: Session, said: Conclusion | Verification, statement_id: str, task_id: str | None) -> None:
    """Close the task that a statement answers. A verification answers the task of a conclusion; a conclusion answers
    the task of a control pair."""
    if isinstance(said, Conclusion):
        drop_outlived(session, said.made_by.pseudonym, exhibits_of_pair(said.pair))
    if task_id is not None:
        task = find_task(session, task_id)
    else:
        task = task_of(session, said.verifies) if isinstance(said, Verification) else None
    if task is not None:
        task.taken_by, task.done_at, task.said = said.made_by.pseudonym, stamp(), statement_id


def call_off(session: Session, conclusion: str) -> None:
    """Remove the task of a conclusion that was taken back."""
    drop_task(session, conclusion)


def who_may_verify(session: Session, said: Conclusion, asked_at: str | None = None) -> list[str]:
    """Return the examiners of this node who may still verify a conclusion."""
    maker = said.made_by.pseudonym
    if said.result.basis is not Basis.SCREEN:
        return examiners(session, besides=maker, asked_at=asked_at)
    exhibits, scans = blind_to(said.pair)
    return blind_examiners(session, exhibits, scans, besides=maker, asked_at=asked_at)


@dataclass(frozen=True)
class WaitingConclusion:
    """An examiner's own conclusion that waits for its verification.

    ``may_verify``: the number of examiners who are left to verify it. ``anew``: a record version that it names was
    erased, so it must be concluded again. ``partner``: the node that was asked to verify it.
    """

    statement_id: str
    due_at: str
    basis: Basis
    records: tuple[RecordRow, RecordRow]
    may_verify: int
    anew: bool
    partner: str | None


def waiting_of(session: Session, pseudonym: str) -> list[WaitingConclusion]:
    """Return the conclusions of this examiner that wait for a verification, in the order in which they are due."""
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
    """Return the record of a side, or the newest version of its exhibit where that record was erased."""
    found = find_record(session, side.record)
    return found[0] if found is not None else newest_version(session, exhibit_of(session, side.issuer, side.record))


def _left_for(session: Session, row: VerificationTaskRow) -> list[str]:
    if row.basis != Basis.SCREEN:
        return examiners(session, besides=row.concluded_by, asked_at=row.created_at)
    exhibits, scans = (row.exhibit_low, row.exhibit_high), (row.scan_low, row.scan_high)
    return blind_examiners(session, exhibits, scans, besides=row.concluded_by, asked_at=row.created_at)


def tasks_for(session: Session, pseudonym: str) -> list[Task]:
    """Return the tasks that this examiner took or may take: first the examiner's own, then by the day they are due."""
    found = []
    for row in open_tasks(session):
        task = _task(session, row, pseudonym)
        if task is not None:
            found.append(task)
    return sorted(found, key=lambda task: (not task.mine, task.due_at))


def open_task(session: Session, pseudonym: str, task_id: str) -> Task:
    """Return an open task. Raises NotFound, alike where there is none and where it is not for this examiner."""
    row = find_task(session, task_id)
    task = _task(session, row, pseudonym) if row is not None and row.done_at is None else None
    if task is None:
        raise NotFound("There is no such verification, or it is not for you.")
    return task


def take_task(session: Session, pseudonym: str, task_id: str) -> Task:
    """Give the task to this examiner alone. Needs a write transaction. Raises NotFound."""
    task = open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = pseudonym
    return task


def give_back_task(session: Session, pseudonym: str, task_id: str) -> None:
    """Let other examiners take the task again. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = None


@dataclass(frozen=True)
class AnswerGiven:
    """The statement with which an examiner answered a task, and its place in the log."""

    statement_id: str
    log_index: int
    said: Conclusion | Verification


def find_answer_given(session: Session, pseudonym: str, task_id: str) -> AnswerGiven | None:
    """Return the statement with which this examiner answered the task; None where there is none."""
    row = find_task(session, task_id)
    said = find_statement(session, row.said) if row is not None and row.said and row.taken_by == pseudonym else None
    if said is None or said.envelope is None:
        return None
    found = parse_statement(open_envelope(said.envelope).payload)
    if not isinstance(found, Conclusion | Verification):
        return None
    return AnswerGiven(said.statement_id, said.log_index, found)


def conclusion_to_verify(session: Session, pseudonym: str, task_id: str) -> tuple[str | None, str | None]:
    """Return the conclusion that the task asks to verify, and the request if another node asked. The conclusion is None
    for a control pair. Only the flow that signs the answer calls this; no page may show it. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is None:
        return None, None
    return (row.conclusion, None) if row.asked_by is None else (row.asked_conclusion, row.request)


def _is_not_offered(session: Session, row: VerificationTaskRow, pseudonym: str) -> bool:
    """Return whether this examiner is not offered a request of another node. A task of this node on the same exhibits
    goes first. An examiner who answered a request of that node about them is not asked again; otherwise the node could
    ask until the answer suits it."""
    exhibits = (row.exhibit_low, row.exhibit_high)
    if any((task.exhibit_low, task.exhibit_high) == exhibits for task in tasks_of_this_node(session)):
        return True
    asked = tasks_asked_about(session, row.asked_by or "", exhibits)
    return any(task.said is not None and task.taken_by == pseudonym for task in asked)


def _task(session: Session, row: VerificationTaskRow, pseudonym: str) -> Task | None:
    """Return the task of a row; None where this examiner may not verify it."""
    basis, exhibits, scans = Basis(row.basis), (row.exhibit_low, row.exhibit_high), (row.scan_low, row.scan_high)
    if pseudonym in (row.concluded_by, row.not_for) or row.taken_by not in (None, pseudonym):
        return None
    if late(session, pseudonym, row.created_at):
        return None
    if basis is Basis.SCREEN and saw(session, pseudonym, exhibits, scans) is not None:
        return None
    if row.partner is not None or (row.asked_by is not None and _is_not_offered(session, row, pseudonym)):
        return None
    records = [find_record(session, record) for record in (row.statement_a, row.statement_b)]
    if records[0] is None or records[1] is None:
        return None
    pair = Pair.model_validate_json(row.pair)
    return Task(row.task_id, basis, pair, row.due_at, row.taken_by == pseudonym, (records[0][0], records[1][0]))
