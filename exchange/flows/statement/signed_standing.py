"""What an owner has said of who may have its records, as it signed it: read from its statements, by what they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy.orm import Session

from exchange.flows.statement.as_signed import said_as_signed
from exchange.policy import Standing
from exchange.store.database.seals import holds
from exchange.store.entry.exhibits import versions_of_exhibits
from exchange.store.log.statement_rows import latest_of, said_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.terms.terms_rows import policy_in_force
from exchange.trust.key_history import KeyHistory
from schemas import AnyStatement, Approval, Grant, Policy, Withdrawal
from schemas.vocabulary import Decision


@dataclass(frozen=True)
class SignedTerms:
    """Of one peer. ``policy`` is None where none was stated, or where it is not as it was signed."""

    policy: Policy | None
    exhibits: Mapping[str, str]
    """The exhibit of each record that was asked for."""
    granted_at: Mapping[str, int]
    """By exhibit the place in the log of the last grant that no later withdrawal ended."""
    withdrawn: Set[str]
    """Exhibits that were taken from the peer alone, and not granted again since."""
    decisions: Mapping[str, Sequence[Decided]]
    """By exhibit, those on its versions and on the handle by which a grant calls it."""

    def standing(self, record: str) -> Standing:
        """What is stated of one record. A withdrawal from everybody, and what only this node's rows state, are left to
        the caller."""
        exhibit = self.exhibits[record]
        decision = self._decision(exhibit)
        return Standing(
            groups={group.name: frozenset(group.members) for group in self.policy.groups} if self.policy else {},
            bases=self.policy.bases if self.policy else (),
            granted=exhibit in self.granted_at,
            withdrawn=exhibit in self.withdrawn,
            denied=decision is Decision.REFUSED,
            decision=decision,
        )

    def _decision(self, exhibit: str) -> Decision | None:
        """The last one. A refusal ends with a later grant."""
        granted_at = self.granted_at.get(exhibit, -1)
        standing = [
            one
            for one in self.decisions.get(exhibit, ())
            if one.decision is Decision.APPROVED or one.log_index > granted_at
        ]
        return max(standing).decision if standing else None


@dataclass(frozen=True, order=True)
class Decided:
    log_index: int
    decision: Decision


def signed_terms(session: Session, history: KeyHistory, peer: PeerRow, records: Mapping[str, str]) -> SignedTerms:
    """What this node signed of the exhibits of these own records and this peer, in the order of its log. ``records``:
    the exhibit of each."""
    named = versions_of_exhibits(session, set(records.values()))
    granted_at: dict[str, int] = {}
    withdrawn: set[str] = set()
    for index, said in sorted(_said_of(session, history, named, "grant", "withdrawal"), key=itemgetter(0)):
        match said:
            case Grant() if said.jurisdiction == peer.jurisdiction:
                exhibit = named[said.record]
                granted_at[exhibit] = index
                withdrawn.discard(exhibit)
                if said.handle is not None:
                    named[said.handle] = exhibit
            case Withdrawal() if said.holder == peer.node_id:
                granted_at.pop(named[said.record], None)
                withdrawn.add(named[said.record])
    decided: dict[str, list[Decided]] = defaultdict(list)
    for index, said in _said_of(session, history, named, "approval"):
        if isinstance(said, Approval) and said.jurisdiction == peer.jurisdiction:
            decided[named[said.concerns]].append(Decided(index, said.decision))
    policy, _ = _policy_in_force(session, history)
    return SignedTerms(policy, records, granted_at, withdrawn, decided)


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
