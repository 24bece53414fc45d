"""The rule of ``exchange.policy`` in SQL: which of this node's records a peer may have, all at once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from exchange.policy import LEVELS, LEVELS_GRANTED, Purpose
from exchange.store.tables.peers import PeerRow, PeerState
from exchange.store.tables.records import AudienceRow, RecordRow
from exchange.store.tables.terms import ApprovalRow, GrantRow, GroupMemberRow, LegalBasisRow, TombstoneRow
from schemas.vocabulary import Decision, HandlingCode, SharingRule


def may_have(peer: PeerRow, purpose: Purpose, today: date, *, owner: str) -> ColumnElement[bool]:
    """A condition on RecordRow that holds exactly where ``release`` gives Release."""
    approved = decision_of(peer) == Decision.APPROVED
    allowed = and_(_rule(peer, SharingRule.ALLOWED, reviewed_on=today), RecordRow.handling != HandlingCode.H3)
    return and_(_possible(peer, purpose, today, owner), or_(allowed, approved))


def to_be_decided(peer: PeerRow, purpose: Purpose, today: date, *, owner: str) -> ColumnElement[bool]:
    """A condition on RecordRow that holds exactly where ``release`` says that an approval is needed."""
    allowed = and_(_rule(peer, SharingRule.ALLOWED, reviewed_on=today), RecordRow.handling != HandlingCode.H3)
    return and_(_possible(peer, purpose, today, owner), ~allowed, decision_of(peer).is_(None))


def _possible(peer: PeerRow, purpose: Purpose, today: date, owner: str) -> ColumnElement[bool]:
    """What may be had, at least with an approval."""
    if peer.state != PeerState.ENROLLED or not peer.legal_basis.strip():
        return false()
    return and_(
        RecordRow.issuer == owner,
        ~is_withdrawn(peer),
        or_(RecordRow.level.in_(LEVELS[purpose]), and_(RecordRow.level.in_(LEVELS_GRANTED[purpose]), is_granted(peer))),
        or_(is_named(peer), _in_group(peer, owner), is_granted(peer)),
        RecordRow.retention_until >= today.isoformat(),
        or_(_rule(peer, SharingRule.ALLOWED), _rule(peer, SharingRule.NEEDS_APPROVAL)),
    )


def is_named(peer: PeerRow) -> ColumnElement[bool]:
    return exists().where(AudienceRow.statement_id == RecordRow.statement_id, AudienceRow.name == peer.jurisdiction)


def _in_group(peer: PeerRow, owner: str) -> ColumnElement[bool]:
    return exists().where(
        AudienceRow.statement_id == RecordRow.statement_id,
        GroupMemberRow.owner == owner,
        GroupMemberRow.name == AudienceRow.name,
        GroupMemberRow.jurisdiction == peer.jurisdiction,
    )


def is_granted(peer: PeerRow) -> ColumnElement[bool]:
    return exists().where(GrantRow.record == RecordRow.statement_id, GrantRow.jurisdiction == peer.jurisdiction)


def is_withdrawn(peer: PeerRow) -> ColumnElement[bool]:
    return exists().where(
        TombstoneRow.record == RecordRow.statement_id,
        TombstoneRow.issuer == RecordRow.issuer,
        TombstoneRow.holder.in_(("", peer.node_id)),
        TombstoneRow.lifted.is_(False),
    )


def decision_of(peer: PeerRow) -> ColumnElement[str | None]:
    return (
        select(ApprovalRow.decision)
        .where(ApprovalRow.concerns == RecordRow.statement_id, ApprovalRow.jurisdiction == peer.jurisdiction)
        .scalar_subquery()
    )


def _rule(peer: PeerRow, rule: SharingRule, *, reviewed_on: date | None = None) -> ColumnElement[bool]:
    of_this_kind = [
        LegalBasisRow.jurisdiction == peer.jurisdiction,
        LegalBasisRow.kind == RecordRow.kind,
        LegalBasisRow.rule == rule,
    ]
    if reviewed_on is not None:
        of_this_kind.append(LegalBasisRow.review_by >= reviewed_on.isoformat())
    return exists().where(*of_this_kind)
