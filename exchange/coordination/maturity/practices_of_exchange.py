"""Levels 1 and 2 of a node's maturity: that it is connected, and that exhibits and leads flow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp_in
from exchange.coordination.half_year.half_year_rows import entry_of
from exchange.coordination.half_year.small_counts import exact, told_count
from exchange.coordination.maturity.practice_definitions import Evidence, State
from exchange.flows.alerts.deadlines import Due, Duty
from exchange.flows.blind.visibility import is_worth_pursuing
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.work import TAIL_S
from exchange.log.audit_entry import Act
from exchange.store.access.user_rows import all_users
from exchange.store.log.statement_rows import find_statement, latest_checkpoint, latest_of, log_size, statement_at
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import AuditRow, AuditSubjectRow, CheckpointRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow
from schemas import Conclusion, Retraction, Verification, open_envelope, parse_statement
from schemas.vocabulary import Basis, Role


def last_given(session: Session, owner: str) -> str | None:
    """When a peer was last given an own record, by the audit rows that are kept."""
    found = (
        select(AuditRow.at)
        .join(AuditSubjectRow, AuditSubjectRow.number == AuditRow.number)
        .join(StatementRow, StatementRow.statement_id == AuditSubjectRow.subject)
        .where(AuditRow.act == Act.GIVE_PAGE, StatementRow.type == "record", StatementRow.issuer == owner)
        .order_by(AuditRow.number.desc())
    )
    return session.scalar(found.limit(1))


def last_received(session: Session, owner: str) -> str | None:
    """When a record of somebody else last arrived that is believed."""
    found = select(StatementRow.received_at).where(
        StatementRow.type == "record", StatementRow.issuer != owner, StatementRow.refused_by.is_(None)
    )
    return session.scalar(found.order_by(StatementRow.received_at.desc()).limit(1))


def was_compared(session: Session, owner: str) -> bool:
    """Whether any scan of an own record that is still here was ever correlated."""
    found = (
        select(AcquisitionRow.acquisition_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(RecordRow.issuer == owner, AcquisitionRow.first_correlated_at.is_not(None))
    )
    return session.scalar(found.limit(1)) is not None


def said_since(session: Session, issuer: str, kinds: Collection[str], since: str) -> Sequence[StatementRow]:
    """An issuer's statements that are whole, in the order of its log."""
    found = select(StatementRow).where(
        StatementRow.type.in_(kinds),
        StatementRow.received_at >= since,
        StatementRow.issuer == issuer,
        StatementRow.envelope.is_not(None),
    )
    return session.scalars(found.order_by(StatementRow.log_index)).all()


def head_after(session: Session, size: int) -> CheckpointRow | None:
    """The first own head that is larger than this size."""
    return session.scalars(
        select(CheckpointRow).where(CheckpointRow.size > size).order_by(CheckpointRow.size).limit(1)
    ).first()


ANSWER_DAYS: Final = 1
EXHIBIT_DAYS: Final = 90
LEAD_DAYS: Final = 183
"""Half a year, up to now: a lead is rare in a small jurisdiction."""
EXAMINERS: Final = 2


def connected(session: Session, node: Node) -> Mapping[str, Evidence]:
    policy, peers = latest_of(session, node.node_id, "policy"), enrolled(session)
    return {
        "reached_over_tls": Evidence(state_of(node.settings.url.startswith("https:")), names=(node.settings.url,)),
        "policy_in_force": Evidence(state_of(policy is not None), at=policy.received_at if policy else None),
        "peer_enrolled": Evidence(state_of(bool(peers)), exact(len(peers))),
        "peers_answer": _answers(peers),
        "log_signed": _signed(session, node),
    }


def exchanging(session: Session, node: Node, due: Sequence[Due]) -> Mapping[str, Evidence]:
    examiners = sum(user.role == Role.EXAMINER and user.revoked_at is None for user in all_users(session))
    return {
        "exhibit_shared": _lately(last_given(session, node.node_id)),
        "exhibit_received": _lately(last_received(session, node.node_id)),
        "two_examiners": Evidence(state_of(examiners >= EXAMINERS), exact(examiners)),
        "first_reviews": _first_reviews(session, node, due),
        "lead_verified": _leads(session, node),
    }


def enrolled(session: Session) -> list[PeerRow]:
    return [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]


def state_of(found: bool) -> State:
    return State.HOLDS if found else State.DOES_NOT_HOLD


def _answers(peers: Sequence[PeerRow]) -> Evidence:
    """With the one that has been silent longest, and who is silent."""
    if not peers:
        return Evidence(State.NO_DATA)
    since = stamp_in(-ANSWER_DAYS * DAY_S)
    silent = tuple(peer.node_id for peer in peers if peer.pulled_at is None or peer.pulled_at < since)
    answered = [peer.pulled_at for peer in peers if peer.pulled_at is not None]
    earliest = min(answered) if len(answered) == len(peers) else None
    return Evidence(state_of(not silent), at=earliest, names=silent)


def _signed(session: Session, node: Node) -> Evidence:
    """As long as a running node takes at most, a statement may wait."""
    head, size = latest_checkpoint(session), log_size(session)
    covered = head.size if head else 0
    first = statement_at(session, node.node_id, covered)
    allowed = stamp_in(-node.settings.checkpoint_interval_s - TAIL_S)
    at = head.signed_at if head else None
    if size > covered and (first is None or first.received_at < allowed):
        return Evidence(State.DOES_NOT_HOLD, exact(size - covered), at=at)
    return Evidence(state_of(True) if head else State.NO_DATA, at=at)


def _lately(last: str | None) -> Evidence:
    """That nothing ever went or came is known: it is no lack of data."""
    return Evidence(state_of(last is not None and last >= stamp_in(-EXHIBIT_DAYS * DAY_S)), at=last)


def _first_reviews(session: Session, node: Node, due: Sequence[Due]) -> Evidence:
    late = sum(item.late for item in due if item.duty is Duty.FIRST_REVIEW)
    if not late and not was_compared(session, node.node_id):
        return Evidence(State.NO_DATA)
    return Evidence(state_of(not late), told_count(late, node.settings.monitoring_smallest))


def _leads(session: Session, node: Node) -> Evidence:
    """Conclusions on the screen that a pair is worth pursuing, and their verifications; without what was taken back."""
    kinds, since = ("conclusion", "verification", "retraction"), stamp_in(-LEAD_DAYS * DAY_S)
    said = [entry_of(row) for row in said_since(session, node.node_id, kinds, since)]
    retracted = {entry.statement.retracts for entry in said if isinstance(entry.statement, Retraction)}
    standing = [entry for entry in said if entry.statement_id not in retracted]
    leads = sum(isinstance(entry.statement, Conclusion) and _is_lead(entry.statement) for entry in standing)
    verified = 0
    for entry in standing:
        second = entry.statement
        if isinstance(second, Verification) and second.verifies not in retracted:
            first = _conclusion(session, second.verifies)
            verified += first is not None and _is_lead(first)
    if not leads and not verified:
        return Evidence(State.NO_DATA)
    return Evidence(state_of(verified > 0), told_count(verified, node.settings.monitoring_smallest))


def _is_lead(said: Conclusion) -> bool:
    return said.result.basis is Basis.SCREEN and is_worth_pursuing(said.result)


def _conclusion(session: Session, statement_id: str) -> Conclusion | None:
    row = find_statement(session, statement_id)
    if row is None or row.envelope is None:
        return None
    said = parse_statement(open_envelope(row.envelope).payload)
    return said if isinstance(said, Conclusion) else None
