"""Blind verification: another examiner judges a pair and has seen neither its score nor the first conclusion.

What is blind is kept so on both ways, over the two exhibits: all their scans, of whatever region and version. Whoever
was shown a score of these exhibits in a list, or opened a pair of them, is not asked to verify one; and while a pair
waits, all pairs of the two exhibits are in no list and behind no address for those who may be asked. Some pairs that
nobody holds for a lead are sent too, each at a time of its own, and answered in the same way, so that being asked tells
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.entry.exhibits import Exhibits, exhibit_of, exhibits_of, side_of
from exchange.store.hits.joined_pairs import hit_ids_of, pairs_of
from exchange.store.log.statement_rows import find_statement, statements_about_each
from exchange.store.review.candidate_rows import CandidateView, StoredCandidate
from exchange.store.review.review_rows import (
    Scans,
    exhibits_seen_by,
    late,
    mark_exhibits,
    mark_seen,
    open_tasks,
    saw,
    scans_of,
    seen_by,
    seen_with,
    tasks_concluded_by,
)
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.review_tables import VerificationTaskRow
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
class Hidden:
    """Pairs of exhibits that a person may be asked to judge blind: whatever is said of one of them would tell what
    others hold of it."""

    exhibits: frozenset[Exhibits] = frozenset()
    scans: frozenset[Scans] = frozenset()

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for pair in self.exhibits for name in pair)

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, Pair) and self.covers(
            (pair.a.exhibit, pair.b.exhibit), scans_of(pair.a.scan, pair.b.scan)
        )

    def covers(self, exhibits: Exhibits, scans: Scans) -> bool:
        """Whether these two exhibits, or these two scans, are a hidden pair."""
        return exhibits_of(*exhibits) in self.exhibits or scans in self.scans


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
    return _hidden([task for task in tasks_of_this_node(session) if task.concluded_by != pseudonym])


def waiting_pairs(session: Session) -> Hidden:
    """All pairs that wait for a blind verification: for what is shown alike to everybody."""
    return _hidden(tasks_of_this_node(session))


def tasks_of_this_node(session: Session) -> list[VerificationTaskRow]:
    """Without what other nodes ask, which hides nothing."""
    return [task for task in open_tasks(session) if task.asked_by is None]


def _hidden(tasks: Sequence[VerificationTaskRow]) -> Hidden:
    if not tasks:
        return Hidden()
    exhibits = frozenset((task.exhibit_low, task.exhibit_high) for task in tasks)
    return Hidden(exhibits, frozenset((task.scan_low, task.scan_high) for task in tasks))


def hidden_pair_ids(session: Session, hidden: Hidden) -> frozenset[str]:
    """Of the pairs that a hit joins those that are left out before anything is counted."""
    rows = pairs_of(session, hidden.names, hidden.scans)
    covered = [row for row in rows if hidden.covers((row.exhibit_a, row.exhibit_b), (row.scan_low, row.scan_high))]
    return frozenset(row.pair for row in covered)


def hidden_hits(session: Session, hidden: Hidden) -> frozenset[str]:
    """The hits that tell of what is hidden: by their own pair, and through the conclusions on a record of it. The other
    side's hit may name a conclusion on another pair than its own."""
    if not hidden.exhibits:
        return frozenset()
    first_versions = {name.partition("/")[2] for name in hidden.names}
    said = statements_about_each(session, first_versions, ["conclusion"])
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
        return exhibit_of(session, row.issuer, row.about or "") in hidden.names
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
    shown = {scans_of(pair.a.scan, pair.b.scan): exhibits_of_pair(pair) for pair in set(pairs)}
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
    seen_at = saw(session, said.made_by.pseudonym, *blind_to(said.pair))
    if seen_at is not None:
        raise Conflict(
            f"You were shown a score of these two exhibits at {seen_at}; an examiner verifies it who was not.",
            code="not-blind",
        )


def exhibits_of_pair(pair: Pair) -> Exhibits:
    """The two exhibits of a pair, whatever versions of their records it names."""
    return exhibits_of(pair.a.exhibit, pair.b.exhibit)


def blind_to(pair: Pair) -> tuple[Exhibits, Scans]:
    """What nobody may have been shown a score of who verifies this pair."""
    return exhibits_of_pair(pair), scans_of(pair.a.scan, pair.b.scan)


def pair_of(found: StoredCandidate) -> Pair:
    """The contract's pair: equals, in the order of their records' ids."""
    sides = sorted(
        (
            side_of(record, scan.sha256)
            for record, scan in (
                (found.record_a, found.acquisition_a),
                (found.record_b, found.acquisition_b),
            )
        ),
        key=lambda side: side.record,
    )
    return Pair(a=sides[0], b=sides[1])
