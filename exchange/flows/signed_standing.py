"""What an owner has said of who may have its records, as it signed it: read from the statements that rows name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import StatementInvalid, StatementTooNew
from exchange.policy import Standing
from exchange.store.seals import holds
from exchange.store.statements import find_statements, latest_of
from exchange.store.tables import ApprovalRow, GrantRow, PeerRow, StatementRow, TombstoneRow
from exchange.store.terms import policy_in_force
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import verify_statement
from schemas import AnyStatement, Approval, Grant, Policy
from schemas.vocabulary import Decision


@dataclass(frozen=True)
class SignedTerms:
    """Of one peer. ``policy`` is None where none was stated; one that is not as it was signed allows nothing."""

    policy: Policy | None
    unreadable: bool
    grants: Mapping[str, Grant]
    approvals: Mapping[str, Approval]
    returned: Mapping[str, bool]
    """Of records that were taken from the peer alone: whether a later grant lets it have them again."""

    def standing(self, record: str) -> Standing:
        """What is said of one record; a withdrawal from everybody is left to whoever chose it."""
        grant, bases = self.grants.get(record), self.policy.bases if self.policy is not None else None
        return Standing(
            groups={group.name: frozenset(group.members) for group in self.policy.groups} if self.policy else {},
            bases=() if self.unreadable else bases,
            granted=grant is not None,
            withdrawn=not self.returned.get(record, True),
            decision=self._decision(record, grant),
        )

    def _decision(self, record: str, grant: Grant | None) -> Decision | None:
        """On the record, or on what an answer called by the handle that the grant names."""
        approval = self.approvals.get(record)
        if approval is None:
            return None
        known = {record, grant.handle} if grant is not None else {record}
        return approval.decision if approval.concerns in known else None


def signed_terms(session: Session, history: KeyHistory, peer: PeerRow, records: Collection[str]) -> SignedTerms:
    """What stands in rows of this peer and these own records, as far as a statement of the owner's says the same."""
    of_grants = select(GrantRow.record, GrantRow.statement_id).where(
        GrantRow.record.in_(records), GrantRow.jurisdiction == peer.jurisdiction
    )
    of_approvals = select(ApprovalRow.concerns, ApprovalRow.statement_id).where(
        ApprovalRow.concerns.in_(records),
        ApprovalRow.jurisdiction == peer.jurisdiction,
    )
    granted = {row[0]: row[1] for row in session.execute(of_grants)}
    decided = {row[0]: row[1] for row in session.execute(of_approvals) if row[1] is not None}
    rows = find_statements(session, {*granted.values(), *decided.values()})
    said = {name: _signed(row, history) for name, row in rows.items()}
    grants, approvals = {}, {}
    for record, name in granted.items():
        grant = said.get(name)
        if isinstance(grant, Grant) and (grant.record, grant.jurisdiction) == (record, peer.jurisdiction):
            grants[record] = grant
    for record, name in decided.items():
        approval = said.get(name)
        if isinstance(approval, Approval) and approval.jurisdiction == peer.jurisdiction:
            approvals[record] = approval
    taken = select(TombstoneRow.record, TombstoneRow.log_index).where(
        TombstoneRow.record.in_(records),
        TombstoneRow.issuer == history.card.issuer,
        TombstoneRow.holder == peer.node_id,
    )
    returned = {
        record: record in grants and rows[granted[record]].log_index > index for record, index in session.execute(taken)
    }
    policy, unreadable = _policy_in_force(session, history)
    return SignedTerms(
        policy=policy,
        unreadable=unreadable,
        grants=grants,
        approvals=approvals,
        returned=returned,
    )


def _policy_in_force(session: Session, history: KeyHistory) -> tuple[Policy | None, bool]:
    """With whether it is unreadable. Which one is in force this node sealed; where that, the statement, or the newest
    row of a policy says otherwise, nobody knows what the policy allows."""
    owner = history.card.issuer
    sealed, newest = policy_in_force(session, owner), latest_of(session, owner, "policy")
    if sealed is None or not holds(session, sealed) or sealed.statement_id != (newest and newest.statement_id):
        return None, True
    if newest is None:
        return None, False
    policy = _signed(newest, history)
    return (policy, False) if isinstance(policy, Policy) else (None, True)


def _signed(row: StatementRow, history: KeyHistory) -> AnyStatement | None:
    """Also of a key that was called compromised later: what is in force by such a statement is for the owner to end."""
    if row.envelope is None:
        return None
    try:
        key = history.at(row.log_index).event.delegation.statement
        verified = verify_statement(row.envelope, issuer=history.card.issuer, key=key)
    except (StatementInvalid, StatementTooNew):
        return None
    return verified.statement if verified.statement_id == row.statement_id else None
