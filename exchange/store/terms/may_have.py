"""The rule of ``exchange.policy`` in SQL: which of this node's records a peer may have, all at once."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from sqlalchemy import ColumnElement, CompoundSelect, and_, exists, false, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from exchange.policy import LEVELS, LEVELS_GRANTED, Purpose
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import AudienceRow, RecordRow
from exchange.store.tables.terms_tables import ApprovalRow, GrantRow, GroupMemberRow, LegalBasisRow, TombstoneRow
from schemas.vocabulary import Decision, HandlingCode, SharingRule

Named: TypeAlias = InstrumentedAttribute[str] | InstrumentedAttribute[str | None] | str | None
"""A column of RecordRow, or its value of one record."""


def may_have(peer: PeerRow, purpose: Purpose, today: date, *, owner: str) -> ColumnElement[bool]:
    """A condition on RecordRow that holds exactly where ``release`` gives Release."""
    decision = decision_on(RecordRow.exhibit, peer)
    by_rule = and_(_by_rule(peer, today), decision.is_(None))
    return and_(_possible(peer, purpose, today, owner), or_(by_rule, decision == Decision.APPROVED))


def to_be_decided(peer: PeerRow, purpose: Purpose, today: date, *, owner: str) -> ColumnElement[bool]:
    """A condition on RecordRow that holds exactly where ``release`` says that an approval is needed."""
    undecided = decision_on(RecordRow.exhibit, peer).is_(None)
    return and_(_possible(peer, purpose, today, owner), ~_by_rule(peer, today), undecided)


def _by_rule(peer: PeerRow, today: date) -> ColumnElement[bool]:
    """What goes without a decision, unless it was refused."""
    return and_(
        _rule(peer, SharingRule.ALLOWED, reviewed_on=today),
        RecordRow.handling != HandlingCode.H3,
        ~was_denied(RecordRow.exhibit, peer),
        RecordRow.widened.is_(False),
    )


def _possible(peer: PeerRow, purpose: Purpose, today: date, owner: str) -> ColumnElement[bool]:
    """What may be had, at least with an approval."""
    if peer.state != PeerState.ENROLLED or not peer.legal_basis.strip():
        return false()
    return and_(
        RecordRow.issuer == owner,
        ~is_withdrawn(RecordRow.statement_id, RecordRow.exhibit, peer, issuer=owner),
        or_(
            RecordRow.level.in_(LEVELS[purpose]),
            and_(RecordRow.level.in_(LEVELS_GRANTED[purpose]), is_granted(RecordRow.exhibit, peer)),
        ),
        or_(is_named(peer), _in_group(peer, owner), is_granted(RecordRow.exhibit, peer)),
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


def is_granted(exhibit: Named, peer: PeerRow) -> ColumnElement[bool]:
    return exists().where(GrantRow.exhibit == exhibit, GrantRow.jurisdiction == peer.jurisdiction)


def is_withdrawn(record: Named, exhibit: Named, peer: PeerRow, *, issuer: str) -> ColumnElement[bool]:
    """Return the condition that the record was withdrawn from everybody, or any version of its exhibit from this peer,
    and that the peer was not granted it again since."""
    return exists().where(
        TombstoneRow.issuer == issuer,
        TombstoneRow.lifted.is_(False),
        or_(
            and_(TombstoneRow.record == record, TombstoneRow.holder == ""),
            and_(TombstoneRow.exhibit == exhibit, TombstoneRow.holder == peer.node_id),
        ),
    )


def decision_on(exhibit: Named, peer: PeerRow) -> ColumnElement[str | None]:
    """The newest decision on any version of an exhibit. A refusal ends with a later grant."""
    granted_at = select(func.max(GrantRow.log_index)).where(
        GrantRow.exhibit == exhibit, GrantRow.jurisdiction == peer.jurisdiction
    )
    stands = or_(
        ApprovalRow.decision == Decision.APPROVED,
        ApprovalRow.log_index > func.coalesce(granted_at.correlate(RecordRow).scalar_subquery(), -1),
    )
    return (
        select(ApprovalRow.decision)
        .where(
            ApprovalRow.exhibit == exhibit,
            ApprovalRow.jurisdiction == peer.jurisdiction,
            ApprovalRow.decision.is_not(None),
            stands,
        )
        .order_by(ApprovalRow.log_index.desc())
        .limit(1)
        .correlate(RecordRow)
        .scalar_subquery()
    )


def was_denied(exhibit: Named, peer: PeerRow, *, number: str | None = None) -> ColumnElement[bool]:
    """Another exhibit of the same number was refused to the peer's jurisdiction, or taken back from the peer: most
    likely the same one, entered anew. Each number that a version of the exhibit has or had counts, and ``number``, of a
    record that is not stored yet."""
    refused = exists().where(
        _shares_number(ApprovalRow, exhibit, number),
        ApprovalRow.exhibit != exhibit,
        ApprovalRow.jurisdiction == peer.jurisdiction,
        ApprovalRow.decision == Decision.REFUSED,
    )
    taken_back = exists().where(
        _shares_number(TombstoneRow, exhibit, number),
        TombstoneRow.exhibit != exhibit,
        TombstoneRow.holder == peer.node_id,
        TombstoneRow.lifted.is_(False),
    )
    return or_(refused, taken_back)


def _shares_number(
    row: type[ApprovalRow] | type[TombstoneRow], exhibit: Named, number: str | None
) -> ColumnElement[bool]:
    """Whether the exhibit of a decision and this exhibit have or had a number in common. Erased versions count too."""
    version, erased = aliased(RecordRow), aliased(TombstoneRow)

    def is_mine(theirs: InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
        mine = theirs.in_(_numbers_of(exhibit))
        return mine if number is None else or_(mine, theirs == number)

    return or_(
        is_mine(row.number),
        exists().where(version.exhibit == row.exhibit, is_mine(version.number)).correlate(row, RecordRow),
        exists().where(erased.exhibit == row.exhibit, is_mine(erased.number)).correlate(row, RecordRow),
    )


def _numbers_of(exhibit: Named) -> CompoundSelect[tuple[str | None]]:
    version, erased = aliased(RecordRow), aliased(TombstoneRow)
    return union_all(
        select(version.number).where(version.exhibit == exhibit).correlate(RecordRow),
        select(erased.number).where(erased.exhibit == exhibit).correlate(RecordRow),
    )


def was_widened(record: str) -> ColumnElement[bool]:
    return exists().where(RecordRow.statement_id == record, RecordRow.widened)


def _rule(peer: PeerRow, rule: SharingRule, *, reviewed_on: date | None = None) -> ColumnElement[bool]:
    of_this_kind = [
        LegalBasisRow.jurisdiction == peer.jurisdiction,
        LegalBasisRow.kind == RecordRow.kind,
        LegalBasisRow.rule == rule,
    ]
    if reviewed_on is not None:
        of_this_kind.append(LegalBasisRow.review_by >= reviewed_on.isoformat())
    return exists().where(*of_this_kind)
