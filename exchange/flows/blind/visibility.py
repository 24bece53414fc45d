"""Blind verification: another examiner judges a pair and has seen neither its score nor the first conclusion.

What is blind is kept so on both ways, over the two exhibits: all their scans, of whatever region and version. Whoever
was shown a score of these exhibits in a list, or opened a pair of them, is not asked to verify one; and while a pair
waits, all pairs of the two exhibits are in no list and behind no address for those who may be asked. Some pairs that
nobody holds for a lead are sent too, each at a time of its own, and answered in the same way, so that being asked tells
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.entry.exhibits import Exhibits, exhibit_of, exhibits_of, versions_of_exhibits
from exchange.store.entry.records import find_record
from exchange.store.hits.joined_pairs import hit_ids_of, pairs_of
from exchange.store.log.statements import find_statement, statements_about_each
from exchange.store.review.candidates import CandidateView, StoredCandidate
from exchange.store.review.reviews import (
    Scans,
    blind_examiners,
    drop_outlived,
    drop_task,
    examiners,
    exhibits_seen_by,
    find_task,
    late,
    mark_exhibits,
    mark_seen,
    newest_version,
    open_tasks,
    saw,
    scans_of,
    seen_by,
    seen_with,
    task_of,
    task_of_request,
    tasks_concluded_by,
)
from exchange.store.tables.records import RecordRow, StatementRow
from exchange.store.tables.reviews import VerificationTaskRow
from schemas import (
    AnyStatement,
    Conclusion,
    ConclusionResult,
    ExhibitsResult,
    Hit,
    Pair,
    ScreenResult,
    Side,
    Verification,
    about,
    open_envelope,
    parse_statement,
)
from schemas.kinds import OF_A_HIT
from schemas.vocabulary import AfteConclusion, Basis, Role, ScreenConclusion

_MOST_STEPS = 4
"""A retraction of feedback on a hit is three from the pair; what is further is held for telling."""
OF_NO_PAIR = frozenset({"record", "disclosure", "grant", "withdrawal"})
"""What they are about is a record."""
_NO_LEAD_ON_SCREEN = frozenset({ScreenConclusion.NO_ASSOCIATION_INDICATED, ScreenConclusion.UNSUITABLE_FOR_EXAMINATION})
_NO_LEAD_ON_EXHIBITS = frozenset({AfteConclusion.ELIMINATION, AfteConclusion.UNSUITABLE})


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


@dataclass(frozen=True)
class Hidden:
    """Pairs of exhibits that a person may be asked to judge blind: whatever is said of one of them would tell what
    others hold of it. ``versions``: each version of these exhibits, erased ones too, with its exhibit."""

    exhibits: frozenset[Exhibits] = frozenset()
    scans: frozenset[Scans] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, Pair) and self.covers(
            (pair.a.record, pair.b.record), scans_of(pair.a.scan, pair.b.scan)
        )

    def covers(self, records: tuple[str, str], scans: Scans) -> bool:
        """Whether two records, or two scans, are of such a pair."""
        one, other = map(self.versions.get, records)
        of_exhibits = one is not None and other is not None and exhibits_of(one, other) in self.exhibits
        return of_exhibits or scans in self.scans


def is_worth_pursuing(result: ConclusionResult) -> bool:
    """Whether a pair with this result may become a lead."""
    match result:
        case ScreenResult():
            return result.conclusion not in _NO_LEAD_ON_SCREEN
        case ExhibitsResult():
            return result.conclusion not in _NO_LEAD_ON_EXHIBITS
        case _:
            assert_never(result)


def needs_verification(result: ConclusionResult) -> bool:
    """Whether another examiner verifies a conclusion: on the exhibits always, on the screen where it may become a
    lead."""
    return result.basis is Basis.EXHIBITS or is_worth_pursuing(result)


def view_of(role: Role, pseudonym: str) -> CandidateView:
    """What candidates somebody may look at: an examiner those of lists that are open to the examiner
    (``flows/blind/open_lists.py``), and none that waits for a verification which may be theirs."""
    return CandidateView(PIPELINES, pseudonym if role is Role.EXAMINER else None)


def hidden_pairs(session: Session, role: Role, pseudonym: str) -> Hidden:
    """What this person may be asked to judge blind: that there is a hit would tell what others hold of it."""
    if role is not Role.EXAMINER:
        return Hidden()
    return _hidden(session, [task for task in _own_tasks(session) if task.concluded_by != pseudonym])


def waiting_pairs(session: Session) -> Hidden:
    """All pairs that wait for a blind verification: for what is shown alike to everybody."""
    return _hidden(session, _own_tasks(session))


def _own_tasks(session: Session) -> list[VerificationTaskRow]:
    """Without what other nodes ask, which hides nothing."""
    return [task for task in open_tasks(session) if task.asked_by is None]


def _hidden(session: Session, tasks: Sequence[VerificationTaskRow]) -> Hidden:
    if not tasks:
        return Hidden()
    exhibits = frozenset((task.exhibit_low, task.exhibit_high) for task in tasks)
    versions = versions_of_exhibits(session, {name for pair in exhibits for name in pair})
    return Hidden(exhibits, frozenset((task.scan_low, task.scan_high) for task in tasks), versions)


def hidden_pair_ids(session: Session, hidden: Hidden) -> frozenset[str]:
    """Of the pairs that a hit joins those that are left out before anything is counted."""
    rows = pairs_of(session, set(hidden.versions), hidden.scans)
    covered = [row for row in rows if hidden.covers((row.record_a, row.record_b), (row.scan_low, row.scan_high))]
    return frozenset(row.pair for row in covered)


def hidden_hits(session: Session, hidden: Hidden) -> frozenset[str]:
    """The hits that tell of what is hidden: by their own pair, and through the conclusions on a record of it. The other
    side's hit may name a conclusion on another pair than its own."""
    if not hidden.exhibits:
        return frozenset()
    said = statements_about_each(session, list(hidden.versions), ["conclusion"])
    conclusions = {row.statement_id: row for rows in said.values() for row in rows}
    hits = statements_about_each(session, list(conclusions), ["hit"])
    telling = [name for name in hits if tells_of(session, conclusions[name], hidden)]
    resting = frozenset(row.statement_id for name in telling for row in hits[name])
    return resting | hit_ids_of(session, hidden_pair_ids(session, hidden))


def tells_of(session: Session, row: StatementRow, hidden: Hidden) -> bool:
    """Whether a statement is about one of these pairs, or about a statement that is. So is a disclosure on either
    exhibit: that an owner told the other side more of it says what somebody holds of the pair."""
    if not hidden.exhibits:
        return False
    if row.type == "disclosure":
        return row.about in hidden.versions
    try:
        return spoken_pair(session, row) in hidden
    except NotFound:
        return True  # what cannot be placed is held for telling


def spoken_pair(session: Session, row: StatementRow) -> Pair | None:
    """The pair that a statement is about, or the statement that it is about; None where it is about no pair. Raises
    NotFound where that cannot be known here."""
    for _ in range(_MOST_STEPS):
        if row.envelope is None:
            raise NotFound("The statement was erased; what it was about is not known.")
        pair = getattr(parse_statement(open_envelope(row.envelope).payload), "pair", None)
        if isinstance(pair, Pair):
            return pair
        spoken_of = find_statement(session, row.about) if row.about and row.type not in OF_NO_PAIR else None
        if spoken_of is None:
            return None
        row = spoken_of
    raise NotFound("The statement is further from a pair than any.")


def note_shown(
    node: Node, role: Role, pseudonym: str, found: Sequence[StoredCandidate], *, opened: bool = False
) -> None:
    """These pairs are about to be shown with their scores."""
    note_pairs(node, role, pseudonym, {item.scans: item.exhibits for item in found}, opened=opened)


def note_told(node: Node, role: Role, pseudonym: str, pairs: Collection[Pair]) -> None:
    """What was concluded on these pairs is about to be told: a hit, with its stage and its score."""
    if not pairs:
        return
    with node.store.read() as session:
        shown = {scans_of(pair.a.scan, pair.b.scan): exhibits_of_pair(session, pair) for pair in set(pairs)}
    note_pairs(node, role, pseudonym, shown)


def note_pairs(
    node: Node, role: Role, pseudonym: str, shown: Mapping[Scans, Exhibits], *, opened: bool = False
) -> None:
    """Something is about to be told of these pairs. In whatever role: whoever is no examiner today may be one tomorrow.
    Only an examiner's look is a review."""
    if not shown:
        return
    opened = opened and role is Role.EXAMINER
    with node.store.read() as session:
        known = seen_by(session, pseudonym, shown)
        exhibits = exhibits_seen_by(session, pseudonym, set(shown.values()))
    fresh = [
        scans
        for scans, pair in shown.items()
        if scans not in known or pair not in exhibits or (opened and known[scans].opened_at is None)
    ]
    if fresh:
        with node.store.write() as session:
            mark_seen(session, pseudonym, fresh, opened=opened)


def note_lists(node: Node, pseudonym: str, listed: Mapping[str, Collection[Exhibits]]) -> None:
    """Lists of these exhibits are about to be shown, each with what follows of all of its pairs: that one is not among
    those that stand out, how many others there are, the highest of them, a line on the strip. Whoever sees that, and is
    asked to verify a pair that was there, knows it for a weak one, and by the line that is gone its score."""
    if not listed:
        return
    with node.store.read() as session:
        known = seen_with(session, pseudonym, listed)
    fresh = {pair for pairs in listed.values() for pair in pairs} - known
    if fresh:
        with node.store.write() as session:
            mark_exhibits(session, pseudonym, fresh)


def no_record(side: Side) -> NotFound:
    return NotFound(f"There is no record {side.record} of {side.issuer} on this node.")


def no_statement(statement_id: str) -> NotFound:
    return NotFound(f"There is no such statement as {statement_id} on this node.")


def check_shown(session: Session, said: AnyStatement) -> None:
    """Nobody concludes on what is hidden from them but by the task that they took: else a control, which their
    conclusion would answer, could be told from a conclusion, which waits on. Nor does anybody say anything of a hit
    that is hidden from them: what is refused would tell how far it is. Raises NotFound, as if it were not here."""
    hidden = hidden_pairs(session, said.made_by.role, said.made_by.pseudonym)
    if isinstance(said, Conclusion | Hit):
        if said.pair in hidden:
            raise no_record(said.pair.a)
        return
    row = find_statement(session, about(said) or "") if said.type in OF_A_HIT else None
    if row is not None and tells_of(session, row, hidden):
        raise no_statement(row.statement_id)


def check_none_waits(session: Session, said: Conclusion) -> None:
    """One conclusion on a pair waits at a time: a second task on it could be no control, and would tell whoever is
    asked that the first is none. Raises Conflict."""
    pair = said.pair.model_dump_json()
    if any(
        (row.pair, row.basis) == (pair, said.result.basis)
        for row in tasks_concluded_by(session, said.made_by.pseudonym)
    ):
        raise Conflict(
            "Your conclusion on this pair waits for another examiner already. Take it back to conclude anew.",
            code="already-concluded",
        )


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


def check_blind(session: Session, said: Verification) -> None:
    """Raises Conflict, code "not-blind". On the exhibits the marks themselves are compared anew, and there are
    laboratories with two examiners: there whoever verified on screen may verify again."""
    asked = find_statement(session, said.request or said.verifies)
    if asked is not None and late(session, said.made_by.pseudonym, asked.received_at):
        raise Conflict(
            "You became an examiner after this was concluded, and could read it before; another examiner verifies it.",
            code="not-blind",
        )
    if said.result.basis is not Basis.SCREEN:
        return
    seen_at = saw(session, said.made_by.pseudonym, *blind_to(session, said.pair))
    if seen_at is not None:
        raise Conflict(
            f"You were shown a score of these two exhibits at {seen_at}; an examiner verifies it who was not.",
            code="not-blind",
        )


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


def exhibits_of_pair(session: Session, pair: Pair) -> Exhibits:
    """The two exhibits of a pair, whatever versions of their records it names."""
    return exhibits_of(*(exhibit_of(session, side.issuer, side.record) for side in (pair.a, pair.b)))


def blind_to(session: Session, pair: Pair) -> tuple[Exhibits, Scans]:
    """What nobody may have been shown a score of who verifies this pair."""
    return exhibits_of_pair(session, pair), scans_of(pair.a.scan, pair.b.scan)


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


def _own_exhibits(session: Session) -> set[Exhibits]:
    return {(task.exhibit_low, task.exhibit_high) for task in _own_tasks(session)}


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
