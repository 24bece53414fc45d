"""Put a record on the lane of each peer that policy lets have it, and say for each jurisdiction what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import structlog
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from exchange.clock import now, stamp_in
from exchange.flows.statement.as_signed import signed_record
from exchange.flows.statement.signed_standing import signed_terms
from exchange.flows.statement.widening import is_for_the_head
from exchange.policy import Purpose, Reason, Recipient, Standing, Withheld, names, release
from exchange.store.entry.exhibits import exhibit_stated
from exchange.store.entry.record_rows import record_columns
from exchange.store.log.statement_rows import find_statement
from exchange.store.operate.at_rest import rows_named
from exchange.store.sync.peers import all_peers, extend_lane, lane_of, lane_place, put_on_lane
from exchange.store.tables.peer_tables import LaneItemRow, PeerRow, PeerState
from exchange.store.tables.record_tables import AudienceRow, RecordRow, StatementRow
from exchange.store.terms.may_have import may_have, to_be_decided
from exchange.store.terms.terms_rows import ask_approval, groups_of, standing_of
from exchange.trust.key_history import KeyHistory
from schemas import Record, open_envelope, parse_statement
from schemas.statements import statement_id as id_of
from schemas.vocabulary import Jurisdiction

log = structlog.get_logger(__name__)

RULED_BY = ("issuer", "kind", "level", "handling", "retention_until", "exhibit", "number")
"""What policy reads of a record's row, beside its audience."""
APPROVAL_S = 2 * 86_400
"""How long an approval may take before it is overdue."""


@dataclass(frozen=True)
class Shared:
    """What one jurisdiction of the audience gets: ``state`` is "on-lane", "delivered", "withheld" or "no-peer"."""

    jurisdiction: Jurisdiction
    state: str
    peer: str | None = None
    reason: str | None = None


def decide_sharing(
    session: Session,
    statement_id: str,
    record: Record,
    peer: PeerRow,
    *,
    history: KeyHistory,
    today: date | None = None,
    purpose: Purpose = Purpose.CORRELATION,
    widened: bool = False,
) -> Withheld | None:
    """Return None when the peer may use the record for ``purpose``, otherwise the reason why not. ``history`` has the
    owner's keys. ``widened``: for a record that is not stored yet, the value that its row will have
    (``RecordRow.widened``)."""
    recipient = Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED)
    standing = stated_terms(session, history, statement_id, record, peer)
    answer = release(
        record,
        recipient,
        purpose,
        peer.legal_basis,
        today or now().date(),
        owner=history.card.issuer,
        standing=replace(standing, denied=standing.denied or widened),
    )
    return answer if isinstance(answer, Withheld) else None


def stated_terms(session: Session, history: KeyHistory, statement_id: str, record: Record, peer: PeerRow) -> Standing:
    """Return what bears on the release of one of this node's records, stored or not, to one peer. A version waits for
    the head if its row says so, or the signed versions do."""
    found = standing_of(session, statement_id, record, peer, owner=history.card.issuer)
    return replace(found, denied=found.denied or _is_widened(session, history, statement_id, record))


def _is_widened(session: Session, history: KeyHistory, statement_id: str, record: Record) -> bool:
    row = find_statement(session, statement_id) if record.supersedes is not None else None
    return row is not None and bool(is_for_the_head(session, history, record, row.log_index))


def share(session: Session, statement_id: str, record: Record, *, history: KeyHistory) -> list[Shared]:
    """Put an own record on the lanes, inside the transaction that stored it; what needs an approval is queued."""
    outcome = sharing_of(session, statement_id, record, history=history)
    for item in outcome:
        if item.state == "on-lane" and item.peer is not None:
            put_on_lane(session, item.peer, statement_id)
    for peer in all_peers(session):  # a person may have to decide also on what is searched alone
        refusal = decide_sharing(session, statement_id, record, peer, history=history, purpose=Purpose.SEARCH)
        if refusal is not None and refusal.reason is Reason.NEEDS_APPROVAL:
            ask_approval(session, statement_id, peer.jurisdiction, due_at=stamp_in(APPROVAL_S))
    return outcome


def share_anew(session: Session, peer: PeerRow, *, owner: str, among: Collection[str] | None = None) -> int:
    """Put on a peer's lane, in the order of the log, whatever it may have by now and was not given, of all own records
    or ``among`` these; queue what needs an approval. Returns how many were put on the lane.

    Called whenever what is said of the peer changes: enrolment, policy, group, grant.
    """
    lacking = [name for name in entitled(session, peer, owner=owner) if among is None or name in among]
    extend_lane(session, peer.node_id, lacking)
    undecided = to_be_decided(peer, Purpose.SEARCH, now().date(), owner=owner)
    for statement_id in session.scalars(select(RecordRow.statement_id).where(undecided)).all():
        ask_approval(session, statement_id, peer.jurisdiction, due_at=stamp_in(APPROVAL_S))
    return len(lacking)


def entitled(session: Session, peer: PeerRow, *, owner: str, from_index: int = 0) -> list[str]:
    """The own records from a log index on that a peer may have and does not stand to get, in the order of the log."""
    stands = exists().where(
        LaneItemRow.peer == peer.node_id,
        LaneItemRow.statement_id == RecordRow.statement_id,
        LaneItemRow.withheld.is_(False),
    )
    return list(
        session.scalars(
            select(RecordRow.statement_id)
            .join(StatementRow, StatementRow.statement_id == RecordRow.statement_id)
            .where(
                may_have(peer, Purpose.CORRELATION, now().date(), owner=owner),
                StatementRow.log_index >= from_index,
                StatementRow.refused_by.is_(None),
                ~stands,
            )
            .order_by(StatementRow.log_index)
        )
    )


def releasable(
    session: Session,
    peer: PeerRow,
    statement_ids: Collection[str],
    *,
    history: KeyHistory,
    purpose: Purpose = Purpose.CORRELATION,
) -> set[str]:
    """Of these own records those that the peer may have, or search, now. ``history`` has the owner's keys.

    The rows preselect; then the signed statements decide: the record and its versions, the policy in force, the grant
    and the decision that the rows name. A record that only the rows would release is not released, and the daily check
    reports it to the operator.
    """
    owner, today = history.card.issuer, now().date()
    rule = may_have(peer, purpose, today, owner=owner)
    may = session.scalars(select(RecordRow).where(and_(RecordRow.statement_id.in_(statement_ids), rule))).all()
    chosen = [row.statement_id for row in may]
    if not chosen:
        return set()
    audience = rows_named(session, AudienceRow, AudienceRow.statement_id, chosen)
    said = signed_terms(session, history, peer, {row.statement_id: row.exhibit for row in may})
    recipient = Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED)

    def may_go(record: Record, statement_id: str) -> bool:
        standing = said.standing(statement_id)
        standing = replace(standing, denied=standing.denied or _is_widened(session, history, statement_id, record))
        answer = release(record, recipient, purpose, peer.legal_basis, today, owner=owner, standing=standing)
        return not isinstance(answer, Withheld)

    released = {
        row.statement_id for row in may if _as_signed(session, row, audience[row.statement_id], history, may_go)
    }
    altered = sorted(set(chosen) - released)
    if altered:
        log.error("what stands in rows of records is not what was signed; nobody is given these", records=altered)
    return released


def _as_signed(
    session: Session,
    row: RecordRow,
    audience: Sequence[AudienceRow],
    history: KeyHistory,
    may_go: Callable[[Record, str], bool],
) -> bool:
    record = signed_record(session, row.statement_id, history)
    if record is None:
        return False
    expected = record_columns(record) | {"exhibit": exhibit_stated(row.statement_id, record)}
    stands = {one.name for one in audience} == set(record.audience) and all(
        getattr(row, column) == expected[column] for column in RULED_BY
    )
    return stands and may_go(record, row.statement_id)


def sharing_of(session: Session, statement_id: str, record: Record, *, history: KeyHistory) -> list[Shared]:
    """What each jurisdiction of the audience gets, today, with those that have a grant; changes nothing."""
    outcome: list[Shared] = []
    groups = groups_of(session, history.card.issuer)
    for peer in all_peers(session):
        jurisdiction = Jurisdiction(peer.jurisdiction)
        refusal = decide_sharing(session, statement_id, record, peer, history=history)
        if refusal is None:
            outcome.append(Shared(jurisdiction, _way(session, peer, statement_id), peer.node_id))
        elif names(record, jurisdiction, groups):
            outcome.append(Shared(jurisdiction, "withheld", peer.node_id, refusal.reason))
    reached = {item.jurisdiction for item in outcome}
    named = [name for name in record.audience if isinstance(name, Jurisdiction)]
    return outcome + [Shared(name, "no-peer") for name in named if name not in reached]


def record_of(session: Session, statement_id: str) -> Record:
    """Read a stored record back from its envelope, the only source. Raises LookupError when it is not here, or when
    what stands there is another statement."""
    row = find_statement(session, statement_id)
    payload = open_envelope(row.envelope).payload if row is not None and row.envelope is not None else None
    if payload is None or id_of(payload) != statement_id:
        raise LookupError(statement_id)
    statement = parse_statement(payload)
    if not isinstance(statement, Record):
        raise TypeError(f"{statement_id} is no record")
    return statement


def _way(session: Session, peer: PeerRow, statement_id: str) -> str:
    place = lane_place(session, peer.node_id, statement_id)
    taken = place is not None and not place.withheld
    if taken and place is not None and place.position < lane_of(session, peer.node_id).acknowledged_count:
        return "delivered"
    return "on-lane"
