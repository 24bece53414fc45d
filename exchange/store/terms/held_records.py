"""What peers hold of this node's own records that a policy would not give them any more, all at once and in SQL.

``exchange.policy.release`` is the rule; a property test holds the reason that is worked out here equal to its answer.
The policy is handed in, so that one which is only previewed can be asked as well as the one in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, literal, or_, select, true
from sqlalchemy.orm import Session

from exchange.log.audit_entry import Act
from exchange.policy import LEVELS, LEVELS_GRANTED, Purpose, Reason
from exchange.store.tables.log import AuditRow, AuditSubjectRow
from exchange.store.tables.peer_tables import LaneItemRow, LaneRow, PeerRow
from exchange.store.tables.record_tables import AudienceRow, RecordRow
from exchange.store.tables.terms_tables import HeldDecisionRow, TombstoneRow
from exchange.store.terms.may_have import decision_on, is_granted, is_named, is_withdrawn, was_denied
from schemas import Policy
from schemas.vocabulary import Decision, ExhibitKind, HandlingCode, SharingRule

STAYS, TAKEN_BACK = "stays", "taken_back"
"""What a head decides of a held record."""


@dataclass(frozen=True)
class Held:
    """An own record that a peer was given, and why policy would not give it now. ``acknowledged``: the peer signed that
    it had read it; else it stood on a page that the peer was given, and no more is known."""

    record: RecordRow
    reason: Reason
    acknowledged: bool


def why_not(peer: PeerRow, policy: Policy, today: date) -> ColumnElement[str | None]:
    """On RecordRow: why ``release`` would not give an enrolled peer an own record that was not withdrawn and whose
    retention is not over; NULL where it would."""
    level = Purpose.CORRELATION
    granted, decision = is_granted(RecordRow.exhibit, peer), decision_on(RecordRow.exhibit, peer)
    may_go = or_(RecordRow.level.in_(LEVELS[level]), and_(RecordRow.level.in_(LEVELS_GRANTED[level]), granted))
    rules = _rules(peer, policy, today)
    needing = or_(
        RecordRow.kind.in_([kind for kind, rule in rules.items() if rule is SharingRule.NEEDS_APPROVAL]),
        RecordRow.handling == HandlingCode.H3,
        was_denied(RecordRow.exhibit, peer),
        RecordRow.widened,
    )
    blank = true() if not peer.legal_basis.strip() else false()
    blocked = RecordRow.kind.not_in([kind for kind, rule in rules.items() if rule is not SharingRule.BLOCKED])
    return case(
        (~may_go, literal(str(Reason.LEVEL))),
        (~or_(is_named(peer), _in_group(peer, policy), granted), literal(str(Reason.NOT_IN_AUDIENCE))),
        (blank, literal(str(Reason.NO_LEGAL_BASIS))),
        (blocked, literal(str(Reason.BLOCKED_BY_LAW))),
        (decision == Decision.REFUSED, literal(str(Reason.APPROVAL_REFUSED))),
        (and_(needing, decision.is_(None)), literal(str(Reason.NEEDS_APPROVAL))),
    )


def counts_held(
    session: Session, peer: PeerRow, policy: Policy, today: date, *, owner: str, open_only: bool
) -> dict[Reason, int]:
    """How many own records the peer holds so, by reason. ``open_only``: without those that were left there for the
    same reason."""
    found = _held(peer, policy, today, owner=owner, open_only=open_only).subquery()
    rows = session.execute(select(found.c.why, func.count()).group_by(found.c.why).order_by(found.c.why))
    return {Reason(why): count for why, count in rows}


def list_held(
    session: Session,
    peer: PeerRow,
    policy: Policy,
    today: date,
    *,
    owner: str,
    skip: int = 0,
    limit: int,
    record: str | None = None,
) -> list[Held]:
    """Those that wait for a decision, in the order in which they were stored; ``record``: of this one alone."""
    found = _held(peer, policy, today, owner=owner, open_only=True).subquery()
    wanted = true() if record is None else found.c.statement_id == record
    rows = session.execute(
        select(RecordRow, found.c.why, found.c.read)
        .join(found, found.c.statement_id == RecordRow.statement_id)
        .where(wanted)
        .order_by(RecordRow.sequence)
        .offset(skip)
        .limit(limit)
    )
    return [Held(row, Reason(why), bool(read)) for row, why, read in rows]


def note_decision(
    session: Session, record: str, holder: str, decision: str, reason: str, because: str, *, by: str, at: str
) -> None:
    """The last one stands. Needs a write transaction."""
    session.merge(
        HeldDecisionRow(
            record=record,
            holder=holder,
            decision=decision,
            reason=reason,
            because=because,
            decided_by=by,
            decided_at=at,
        )
    )
    session.flush()


def decisions_held(session: Session, *, limit: int) -> Sequence[HeldDecisionRow]:
    """The newest first."""
    newest = select(HeldDecisionRow).order_by(HeldDecisionRow.decided_at.desc(), HeldDecisionRow.record)
    return session.scalars(newest.limit(limit)).all()


def left_before(session: Session, moment: str) -> set[tuple[str, str]]:
    """The record and holder of each that was left there before a moment."""
    left = select(HeldDecisionRow.record, HeldDecisionRow.holder)
    left = left.where(HeldDecisionRow.decision == STAYS, HeldDecisionRow.decided_at < moment)
    return {(record, holder) for record, holder in session.execute(left)}


def _held(peer: PeerRow, policy: Policy, today: date, *, owner: str, open_only: bool) -> Select[str, str | None, bool]:
    why, read = why_not(peer, policy, today), _was_read(peer)
    asked = select(RecordRow.statement_id, why.label("why"), read.label("read")).where(
        RecordRow.issuer == owner,
        RecordRow.retention_until >= today.isoformat(),
        why.is_not(None),
        ~is_withdrawn(RecordRow.statement_id, RecordRow.exhibit, peer, issuer=owner),
        or_(read, _was_given(peer, owner)),
    )
    if not open_only:
        return asked
    found = asked.subquery()  # so that what is nested in the reason has its record in the next query around it
    left = exists().where(
        HeldDecisionRow.record == found.c.statement_id,
        HeldDecisionRow.holder == peer.node_id,
        HeldDecisionRow.decision == STAYS,
        HeldDecisionRow.reason == found.c.why,
    )
    return select(found.c.statement_id, found.c.why, found.c.read).where(~left)


def _was_read(peer: PeerRow) -> ColumnElement[bool]:
    """By its lane: given at a place before which the peer acknowledged everything."""
    read = select(LaneRow.acknowledged_count).where(LaneRow.peer == peer.node_id).scalar_subquery()
    return exists().where(
        LaneItemRow.peer == peer.node_id,
        LaneItemRow.statement_id == RecordRow.statement_id,
        LaneItemRow.withheld.is_(False),
        LaneItemRow.position < read,
    )


def _was_given(peer: PeerRow, owner: str) -> ColumnElement[bool]:
    """By the audit log: it stood on a page, be it that the peer never asked for the next one, or read its lane anew and
    was refused it then. Of what was taken from the peer and granted again, since then."""
    taken_since = exists().where(
        TombstoneRow.record == AuditSubjectRow.subject,
        TombstoneRow.issuer == owner,
        TombstoneRow.holder == peer.node_id,
        TombstoneRow.at > AuditRow.at,
    )
    return exists().where(
        AuditSubjectRow.subject == RecordRow.statement_id,
        AuditRow.number == AuditSubjectRow.number,
        AuditRow.act == Act.GIVE_PAGE,
        AuditRow.actor == peer.node_id,
        ~taken_since,
    )


def _in_group(peer: PeerRow, policy: Policy) -> ColumnElement[bool]:
    groups = [group.name for group in policy.groups if peer.jurisdiction in group.members]
    return exists().where(AudienceRow.statement_id == RecordRow.statement_id, AudienceRow.name.in_(groups))


def _rules(peer: PeerRow, policy: Policy, today: date) -> dict[ExhibitKind, SharingRule]:
    """What the policy says to the peer of each kind that it names; of the others that they are blocked goes without
    saying."""
    rules: dict[ExhibitKind, SharingRule] = {}
    for basis in policy.bases:
        if basis.jurisdiction == peer.jurisdiction:
            overdue = basis.rule is SharingRule.ALLOWED and basis.review_by < today
            for kind in basis.kinds:
                rules.setdefault(kind, SharingRule.NEEDS_APPROVAL if overdue else basis.rule)
    return rules
