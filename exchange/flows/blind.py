"""Blind verification: another examiner judges a pair and has seen neither its score nor the first conclusion.

What is blind is kept so on both ways. Whoever was shown a score in a list, or opened the pair, is not asked to verify
it; and while a pair waits, it is in no list and behind no address for those who may be asked. Some pairs that nobody
holds for a lead are sent too, and answered in the same way, so that being asked tells nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import Conflict, NotFound
from exchange.flows.node import Node
from exchange.flows.pipelines import PIPELINES
from exchange.store.candidates import StoredCandidate, View, unsent_candidates
from exchange.store.records import find_record
from exchange.store.review_tables import VerificationTaskRow
from exchange.store.reviews import (
    Scans,
    add_task,
    blind_examiners,
    control_of,
    drop_task,
    find_task,
    mark_seen,
    open_tasks,
    scans_of,
    seen_by,
    task_of,
)
from exchange.store.statements import find_statement
from exchange.store.tables import RecordRow, StatementRow
from schemas import Conclusion, Pair, Side, Verification, open_envelope, parse_statement
from schemas.vocabulary import AfteConclusion, Basis, Role

LOWER_HALF = 0.5
"""Pairs of which nobody thinks as a lead are drawn from the lower half of the ranking, all of it: were they always the
lowest, one look would tell them."""
TRIED = 20
MOST_STEPS = 4
"""A retraction of feedback on a hit is three from the pair; what is further is held for telling."""
APART = frozenset({AfteConclusion.ELIMINATION, AfteConclusion.UNSUITABLE})
"""What leads nowhere: on the screen it is not verified."""


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


def view_of(role: Role, pseudonym: str) -> View:
    """What candidates somebody may look at: an examiner, none that waits for a verification that may be theirs."""
    return View(PIPELINES, pseudonym if role is Role.EXAMINER else None)


def hidden_pairs(session: Session, role: Role, pseudonym: str) -> frozenset[Scans]:
    """Pairs that this person may be asked to judge blind: that there is a hit would tell what others hold of them."""
    if role is not Role.EXAMINER:
        return frozenset()
    return frozenset((task.scan_low, task.scan_high) for task in open_tasks(session) if task.concluded_by != pseudonym)


def tells_of(session: Session, row: StatementRow, hidden: frozenset[Scans]) -> bool:
    """Whether a statement is about one of these pairs, or about a statement that is."""
    for _ in range(MOST_STEPS):
        if not hidden or row.envelope is None:
            return False
        pair = getattr(parse_statement(open_envelope(row.envelope).payload), "pair", None)
        if isinstance(pair, Pair):
            return scans_of(pair.a.scan, pair.b.scan) in hidden
        spoken_of = find_statement(session, row.about) if row.about else None
        if spoken_of is None:
            return False
        row = spoken_of
    return True


def note_shown(
    node: Node, role: Role, pseudonym: str, found: Sequence[StoredCandidate], *, opened: bool = False
) -> None:
    """These pairs are about to be shown with their scores. Whoever never verifies leaves no mark."""
    if role is not Role.EXAMINER or not found:
        return
    pairs = {item.scans for item in found}
    with node.store.read() as session:
        known = seen_by(session, pseudonym, pairs)
    fresh = [pair for pair in pairs if pair not in known or (opened and known[pair].opened_at is None)]
    if fresh:
        with node.store.write() as session:
            mark_seen(session, pseudonym, fresh, opened=opened)


def send_for_verification(session: Session, node: Node, statement_id: str, said: Conclusion) -> None:
    """Ask another examiner, and now and then ask of a pair that nobody holds for a lead. Within the transaction that
    enters the conclusion into the log."""
    if said.basis is Basis.SCREEN and said.conclusion in APART:
        return
    _add(session, node, said.pair, said.basis, statement_id, said.made_by.pseudonym)
    if said.basis is Basis.SCREEN and secrets.randbelow(1_000_000) < node.settings.control_share * 1_000_000:
        control = _draw_control(session, node)
        if control is not None:
            _add(session, node, pair_of(control), Basis.SCREEN, None, None)


def close_task(session: Session, said: Conclusion | Verification, statement_id: str) -> None:
    """An answer was given: the conclusion is verified, by whatever way the verification came; or it was a pair that
    nobody holds for a lead, and the answer is this examiner's own conclusion."""
    if isinstance(said, Verification):
        task = task_of(session, said.verifies)
    else:
        task = control_of(session, scans_of(said.pair.a.scan, said.pair.b.scan), said.made_by.pseudonym)
    if task is not None:
        task.taken_by, task.done_at, task.said = said.made_by.pseudonym, stamp(), statement_id


def call_off(session: Session, conclusion: str) -> None:
    """The conclusion was taken back: nobody is asked any more."""
    drop_task(session, conclusion)


def check_blind(session: Session, said: Verification) -> None:
    """Raises Conflict, code "not-blind". On the exhibits the marks themselves are compared anew, and there are
    laboratories with two examiners: there whoever verified on screen may verify again."""
    if said.basis is not Basis.SCREEN:
        return
    scans = scans_of(said.pair.a.scan, said.pair.b.scan)
    seen = seen_by(session, said.made_by.pseudonym, [scans]).get(scans)
    if seen is not None:
        raise Conflict(
            f"You were shown this pair's score at {seen.listed_at}; an examiner verifies it who was not.",
            code="not-blind",
        )


def who_may_verify(session: Session, said: Conclusion) -> list[str]:
    """The examiners of this node who may still verify a conclusion."""
    scans = scans_of(said.pair.a.scan, said.pair.b.scan)
    if said.basis is not Basis.SCREEN:
        scans = ("", "")  # seen by nobody
    return blind_examiners(session, scans, besides=said.made_by.pseudonym)


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


def take(session: Session, pseudonym: str, task_id: str) -> Task:
    """This examiner does it, and no other. Needs a write transaction. Raises NotFound."""
    task = open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = pseudonym
    return task


def give_back(session: Session, pseudonym: str, task_id: str) -> None:
    """Another examiner may take it. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    if row is not None:
        row.taken_by = None


def conclusion_to_verify(session: Session, pseudonym: str, task_id: str) -> str | None:
    """For the flow that signs the answer, never for a page: the conclusion that the task is about, or None for a pair
    that nobody holds for a lead. Raises NotFound."""
    open_task(session, pseudonym, task_id)
    row = find_task(session, task_id)
    return row.conclusion if row is not None else None


def pair_of(found: StoredCandidate) -> Pair:
    """The contract's pair: equals, in the order of their records' ids."""
    sides = sorted(
        (
            Side(issuer=record.issuer, record=record.statement_id, scan=scan.sha256)
            for record, scan in (
                (found.record_a, found.acquisition_a),
                (found.record_b, found.acquisition_b),
            )
        ),
        key=lambda side: side.record,
    )
    return Pair(a=sides[0], b=sides[1])


def _task(session: Session, row: VerificationTaskRow, pseudonym: str) -> Task | None:
    """None when it is not for this examiner."""
    basis, scans = Basis(row.basis), (row.scan_low, row.scan_high)
    if row.concluded_by == pseudonym or row.taken_by not in (None, pseudonym):
        return None
    if basis is Basis.SCREEN and seen_by(session, pseudonym, [scans]):
        return None
    records = [find_record(session, record) for record in (row.statement_a, row.statement_b)]
    if records[0] is None or records[1] is None:
        return None
    pair = Pair.model_validate_json(row.pair)
    return Task(row.task_id, basis, pair, row.due_at, row.taken_by == pseudonym, (records[0][0], records[1][0]))


def _add(
    session: Session, node: Node, pair: Pair, basis: Basis, conclusion: str | None, concluded_by: str | None
) -> None:
    low, high = scans_of(pair.a.scan, pair.b.scan)
    add_task(
        session,
        VerificationTaskRow(
            task_id=secrets.token_hex(16),
            conclusion=conclusion,
            concluded_by=concluded_by,
            basis=basis,
            scan_low=low,
            scan_high=high,
            statement_a=pair.a.record,
            statement_b=pair.b.record,
            pair=pair.model_dump_json(),
            created_at=stamp(),
            due_at=stamp_in(node.settings.second_review_h * 3600),
        ),
    )


def _draw_control(session: Session, node: Node) -> StoredCandidate | None:
    """A pair that was never sent, and whose score some examiner has not seen."""
    at = LOWER_HALF * secrets.randbelow(1_000_000) / 1_000_000
    drawn = unsent_candidates(session, View(PIPELINES, None), node.node_id, limit=TRIED, at=at)
    return next((item for item in drawn if _may_be_asked(session, item.scans)), None)


def _may_be_asked(session: Session, scans: Scans) -> bool:
    return bool(blind_examiners(session, scans, besides=None))
