"""What peers hold of this node's own records although the policy in force, or one that is previewed, would not give it
to them any more: a line was tightened or is gone, a group lost a member, a review is overdue.

A tighter policy calls nothing back by itself. The head takes each record back from its holder, which is a withdrawal
that names the holder, or lets it stay for a reason. What may go after an approval leaves the list with the approval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sqlalchemy.orm import Session

from exchange.clock import now, stamp
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.signed_standing import policy_is_as_signed
from exchange.flows.terms.terms import policy_in
from exchange.flows.terms.withdraw import revoke_from
from exchange.log.audit_entry import MAX_SUBJECTS, Act, Actor, Deed
from exchange.policy import Reason
from exchange.store.entry.record_rows import find_record
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import HeldDecisionRow
from exchange.store.terms.held_records import (
    STAYS,
    TAKEN_BACK,
    counts_held,
    decisions_held,
    list_held,
    note_decision,
)
from schemas import Maker, Policy
from schemas.vocabulary import Jurisdiction, WithdrawalReason

HELD_AT_ONCE: Final = 200
"""Records that one request decides on. Bounded: each withdrawal is signed twice and appended to the log by itself."""

NoteOfDecision: TypeAlias = HeldDecisionRow
"""What a head decided of one record and holder, with the reason."""


class HeldDecision(StrEnum):
    TAKE_BACK = "take_back"
    STAYS = "stays"


@dataclass(frozen=True)
class Holder:
    """A peer that holds such records: how many, by the reason for which policy would not give them now."""

    node_id: str
    jurisdiction: Jurisdiction
    reasons: Mapping[Reason, int]

    @property
    def records(self) -> int:
        return sum(self.reasons.values())


@dataclass(frozen=True)
class HeldRecord:
    """One record and one holder. ``acknowledged``: the holder signed that it had read it."""

    record: RecordRow
    holder: str
    jurisdiction: Jurisdiction
    reason: Reason
    acknowledged: bool


@dataclass(frozen=True)
class HeldPage:
    """``holders`` count all that waits for a decision, ``records`` are some of it; ``following`` is where to go on."""

    holders: tuple[Holder, ...]
    records: tuple[HeldRecord, ...]
    following: int | None


@dataclass(frozen=True)
class HeldOutcome:
    """What became of a decision: the withdrawals that were signed, how many records it was about, and how many of the
    same jurisdiction still wait."""

    statements: tuple[str, ...]
    records: int
    waiting: int


@dataclass(frozen=True)
class DecidedBefore:
    """``record`` is None of one that is gone from this node since."""

    note: NoteOfDecision
    record: RecordRow | None


def holders_now(node: Node) -> tuple[Holder, ...]:
    """The peers that hold what waits for a decision under the policy in force. None while there is no policy, since
    nothing was given then. None either where the policy is not as it was signed: the node reports that by itself."""
    with node.store.read() as session:
        policy = _in_force(session, node)
        return _holders(session, node, policy, open_only=True) if policy is not None else ()


def holders_under(node: Node, policy: Policy) -> tuple[Holder, ...]:
    """The peers that would hold such records were this policy in force; what was left there before is counted too."""
    with node.store.read() as session:
        return _holders(session, node, policy, open_only=False)


def held_page(node: Node, jurisdiction: Jurisdiction | None = None, *, skip: int = 0, limit: int = 50) -> HeldPage:
    """What waits for a decision, by holder, then in the order in which it was stored here."""
    with node.store.read() as session:
        policy = _in_force(session, node)
        holders = _holders(session, node, policy, open_only=True) if policy is not None else ()
        shown = [holder for holder in holders if jurisdiction in (None, holder.jurisdiction)]
        found: list[HeldRecord] = []
        before = skip
        for holder in shown:
            if policy is not None and before < holder.records and len(found) <= limit:
                more = limit + 1 - len(found)
                found += _records(session, node, policy, holder, skip=before, limit=more)
            before = max(0, before - holder.records)
    following = skip + limit if len(found) > limit else None
    return HeldPage(holders, tuple(found[:limit]), following)


def read_held_page(node: Node, actor: Actor, jurisdiction: Jurisdiction | None, *, skip: int, limit: int) -> HeldPage:
    """As ``held_page``, with a note of which records were listed. Raises NotAudited."""
    found = held_page(node, jurisdiction, skip=skip, limit=limit)
    names = tuple(dict.fromkeys(item.record.statement_id for item in found.records))[:MAX_SUBJECTS]
    node.audit.note(Deed(actor, Act.SEARCH_RECORDS, len(found.records), names, '{"held": "policy"}'))
    return found


def decided_before(node: Node, *, limit: int) -> list[DecidedBefore]:
    """What was taken back or left, the newest first."""
    with node.store.read() as session:
        found = []
        for note in decisions_held(session, limit=limit):
            stored = find_record(session, note.record)
            found.append(DecidedBefore(note, stored[0] if stored is not None else None))
    return found


def decide_held(
    node: Node,
    maker: Maker,
    actor: Actor,
    decision: HeldDecision,
    jurisdiction: Jurisdiction,
    because: str,
    *,
    record: str | None = None,
) -> HeldOutcome:
    """Take held records back from a jurisdiction, or let them stay there: one, or all that wait, ``HELD_AT_ONCE`` at a
    time.

    1. Only what is listed is decided on: what policy gives, nobody takes back by this.
    2. What is decided is audited before it is done, with its reason in words.
    3. Each record that is taken back is a withdrawal of its own, which its holder acknowledges.

    Raises NotFound where nothing of it is listed, NotAudited.
    """
    # 1.
    with node.store.read() as session:
        policy = _in_force(session, node)
        found: list[HeldRecord] = []
        if policy is not None:
            for holder in _holders(session, node, policy, open_only=True):
                if holder.jurisdiction == jurisdiction and len(found) < HELD_AT_ONCE:
                    found += _records(session, node, policy, holder, limit=HELD_AT_ONCE - len(found), record=record)
    if not found:
        raise NotFound(
            f"{node.jurisdictions.name(jurisdiction)} holds nothing of this under an earlier line that waits for a "
            "decision.",
            code="nothing-held",
        )

    # 2.
    names = tuple(dict.fromkeys(item.record.statement_id for item in found))
    asked = json.dumps({"decision": decision, "from": jurisdiction, "because": because}, ensure_ascii=False)
    node.audit.note(Deed(actor, Act.DECIDE_HELD, len(found), names, asked))

    # 3.
    statements = []
    for item in found:
        if decision is HeldDecision.TAKE_BACK:
            statements += _taken_back(node, maker, item)
        with node.store.write() as session:
            note_decision(
                session,
                item.record.statement_id,
                item.holder,
                TAKEN_BACK if decision is HeldDecision.TAKE_BACK else STAYS,
                item.reason,
                because,
                by=maker.pseudonym,
                at=stamp(),
            )
    waiting = sum(holder.records for holder in holders_now(node) if holder.jurisdiction == jurisdiction)
    return HeldOutcome(tuple(statements), len(found), waiting)


def _taken_back(node: Node, maker: Maker, item: HeldRecord) -> list[str]:
    """Nothing where it was withdrawn in the same moment, or with another version just before."""
    try:
        return revoke_from(node, maker, item.record.statement_id, item.holder, WithdrawalReason.REVOKED)
    except Conflict as error:
        if error.code != "withdrawn":
            raise
        return []


def _in_force(session: Session, node: Node) -> Policy | None:
    if not policy_is_as_signed(session, node.history):
        return None
    found = policy_in(session, node)
    return found[1] if found is not None else None


def _holders(session: Session, node: Node, policy: Policy, *, open_only: bool) -> tuple[Holder, ...]:
    today, found = now().date(), []
    for peer in _enrolled(session):
        reasons = counts_held(session, peer, policy, today, owner=node.node_id, open_only=open_only)
        if reasons:
            found.append(Holder(peer.node_id, Jurisdiction(peer.jurisdiction), reasons))
    return tuple(found)


def _records(
    session: Session,
    node: Node,
    policy: Policy,
    holder: Holder,
    *,
    skip: int = 0,
    limit: int,
    record: str | None = None,
) -> list[HeldRecord]:
    peer = find_peer(session, holder.node_id)
    if peer is None:
        return []
    found = list_held(session, peer, policy, now().date(), owner=node.node_id, skip=skip, limit=limit, record=record)
    return [
        HeldRecord(item.record, holder.node_id, holder.jurisdiction, item.reason, item.acknowledged) for item in found
    ]


def _enrolled(session: Session) -> Sequence[PeerRow]:
    return [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
