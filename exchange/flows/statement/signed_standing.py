"""What an owner has said of who may have its records, as it signed it: read from its statements, by what they name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.flows.statement.as_signed import said_as_signed
from exchange.policy import Standing
from exchange.store.database.seals import holds
from exchange.store.log.statements import latest_of, said_of
from exchange.store.tables.peers import PeerRow
from exchange.store.terms.terms import policy_in_force
from exchange.trust.key_history import KeyHistory
from schemas import AnyStatement, Approval, Grant, Policy, Withdrawal
from schemas.vocabulary import Decision


@dataclass(frozen=True)
class SignedTerms:
    """Of one peer. ``policy`` is None where none was stated, or where it is not as it was signed."""

    policy: Policy | None
    grants: Mapping[str, Grant]
    """Of records, those that no later withdrawal ended."""
    withdrawn: Set[str]
    """Records that were taken from the peer alone, and not granted again since."""
    decisions: Mapping[str, Decided]
    """On records, and on what an answer called by a handle."""

    def standing(self, record: str) -> Standing:
        """What is said of one record; a withdrawal from everybody is left to whoever chose it."""
        grant = self.grants.get(record)
        return Standing(
            groups={group.name: frozenset(group.members) for group in self.policy.groups} if self.policy else {},
            bases=self.policy.bases if self.policy else (),
            granted=grant is not None,
            withdrawn=record in self.withdrawn,
            decision=self._decision(record, grant),
        )

    def _decision(self, record: str, grant: Grant | None) -> Decision | None:
        """The last one: on the record, or on the handle by which the grant calls it."""
        names = (record, grant.handle if grant is not None else None)
        found = [self.decisions[name] for name in names if name is not None and name in self.decisions]
        return max(found).decision if found else None


@dataclass(frozen=True, order=True)
class Decided:
    log_index: int
    decision: Decision


def signed_terms(session: Session, history: KeyHistory, peer: PeerRow, records: Collection[str]) -> SignedTerms:
    """What this node signed of these own records and this peer, in the order of its log."""
    grants: dict[str, Grant] = {}
    withdrawn: set[str] = set()
    for _, said in _said_of(session, history, records, "grant", "withdrawal"):
        match said:
            case Grant() if said.jurisdiction == peer.jurisdiction:
                grants[said.record] = said
                withdrawn.discard(said.record)
            case Withdrawal() if said.holder == peer.node_id:
                grants.pop(said.record, None)
                withdrawn.add(said.record)
    handles = {grant.handle for grant in grants.values() if grant.handle is not None}
    decided = {
        said.concerns: Decided(index, said.decision)
        for index, said in _said_of(session, history, {*records, *handles}, "approval")
        if isinstance(said, Approval) and said.jurisdiction == peer.jurisdiction
    }
    policy, _ = _policy_in_force(session, history)
    return SignedTerms(policy, grants, withdrawn, decided)


def _said_of(
    session: Session, history: KeyHistory, subjects: Collection[str], *kinds: str
) -> Iterator[tuple[int, AnyStatement]]:
    for row in said_of(session, history.card.issuer, subjects, kinds):
        said = said_as_signed(row, history)
        if said is not None:
            yield row.log_index, said


def policy_is_as_signed(session: Session, history: KeyHistory) -> bool:
    """Whether this node knows what its policy allows; where not, nothing is released until it is stated anew."""
    return not _policy_in_force(session, history)[1]


def policy_alarms(session: Session, history: KeyHistory) -> list[str]:
    if policy_is_as_signed(session, history):
        return []
    return [
        "What the database says of the policy in force is not what was signed: no record is released. Look at what "
        "else was changed: ffp log check. The head states the policy anew: ffp policy set"
    ]


def _policy_in_force(session: Session, history: KeyHistory) -> tuple[Policy | None, bool]:
    """With whether it is unreadable. Which one is in force this node sealed; where that, the statement, or the newest
    row of a policy says otherwise, nobody knows what the policy allows."""
    owner = history.card.issuer
    sealed, newest = policy_in_force(session, owner), latest_of(session, owner, "policy")
    if sealed is None or not holds(session, sealed) or sealed.statement_id != (newest and newest.statement_id):
        return None, True
    if newest is None:
        return None, False
    policy = said_as_signed(newest, history)
    return (policy, False) if isinstance(policy, Policy) else (None, True)
