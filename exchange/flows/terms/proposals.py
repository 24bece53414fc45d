"""Propose that a record be withdrawn; its author or the head decides.

A withdrawal erases a record at every holder and cannot be undone, so an examiner cannot withdraw a colleague's record.
A proposal stays at this node. Each step is an audit row; the withdrawal itself is signed by whoever decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, Forbidden, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, check_may_act, deciding_author, may_act
from exchange.flows.terms.withdraw import revoke_from, standing_versions, withdraw
from exchange.log.audit_entry import Act, Actor, Deed
from exchange.store.entry.record_rows import find_records
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import DECLINED, UNDONE, WithdrawalProposalRow
from exchange.store.terms.proposal_rows import (
    add_proposal,
    find_proposal,
    open_proposals,
    settle_proposal,
)
from exchange.store.terms.withdrawals import tombstone_for
from schemas import Maker
from schemas.vocabulary import Role, WithdrawalReason


class ProposalStep(StrEnum):
    """What may become of an open proposal."""

    APPROVE = "approve"
    DECLINE = "decline"
    UNDO = "undo"
    """By whoever proposed it."""


@dataclass(frozen=True)
class ProposedWithdrawal:
    """An open proposal as one person sees it. ``author``: who decides besides the head; None where the head decides
    alone. ``mine``: this person proposed it, and may undo it."""

    proposal_id: int
    record: RecordRow
    holder: str | None
    reason: WithdrawalReason
    because: str
    proposed_by: str
    proposed_at: str
    author: str | None
    may_decide: bool
    mine: bool


@dataclass(frozen=True)
class WithdrawalRights:
    """What one person may do about the withdrawal of an own record."""

    may_withdraw: bool
    may_propose: bool
    author: str | None
    proposals: tuple[ProposedWithdrawal, ...]


def propose_withdrawal(
    node: Node,
    maker: Maker,
    actor: Actor,
    record: str,
    reason: WithdrawalReason,
    because: str,
    *,
    holder: str | None = None,
) -> int:
    """Propose to withdraw an own record from everybody, or from one holder. Returns the proposal's number.

    Raises NotFound; Forbidden, for whoever is no examiner; Conflict, code "withdrawn", "decides-alone" for whoever may
    withdraw it, or "proposed-already".
    """
    if maker.role not in (Role.EXAMINER, Role.HEAD):
        raise Forbidden("A withdrawal is proposed by an examiner.")
    with node.store.read() as session:
        _check_open(session, node, record, holder)
        author = deciding_author(session, node.settings, record)
    if may_act(_act(holder), maker.role, maker.pseudonym, author):
        raise Conflict("You may withdraw this record yourself; nothing was proposed.", code="decides-alone")
    row = WithdrawalProposalRow(
        record=record,
        holder=holder or "",
        reason=reason,
        because=because,
        author=author,
        proposed_by=maker.pseudonym,
        proposed_at=stamp(),
    )
    node.audit.note(_deed(actor, "propose", row))
    with node.store.write() as session:
        _check_open(session, node, record, holder)
        return add_proposal(session, row)


def decide_proposal(node: Node, maker: Maker, actor: Actor, proposal_id: int, step: ProposalStep) -> list[str]:
    """Approve, decline or undo an open proposal. Returns the ids of the withdrawals that were signed.

    1. Approving and declining is for the record's author and the head, undoing for whoever proposed it.
    2. The audit row is written before anything is signed.
    3. Approving withdraws the record in the name of whoever approves, which settles the proposal.

    Raises NotFound, Conflict (code "decided" or "withdrawn"), Forbidden (code "not-author").
    """
    # 1.
    with node.store.read() as session:
        row = _open_one(session, proposal_id)
        holder = row.holder or None
        if step is ProposalStep.UNDO:
            if row.proposed_by != maker.pseudonym:
                raise Forbidden(f"{row.proposed_by} made this proposal and may undo it.", code="not-author")
        else:
            check_may_act(_act(holder), maker, deciding_author(session, node.settings, row.record))

    # 2.
    node.audit.note(_deed(actor, step, row))

    # 3.
    if step is ProposalStep.APPROVE:
        reason = WithdrawalReason(row.reason)
        if holder is not None:
            return revoke_from(node, maker, row.record, holder, reason)
        return withdraw(node, maker, row.record, reason)
    with node.store.write() as session:
        settle_proposal(
            _open_one(session, proposal_id), UNDONE if step is ProposalStep.UNDO else DECLINED, maker.pseudonym
        )
    return []


def proposals_for(node: Node, role: Role, pseudonym: str) -> list[ProposedWithdrawal]:
    """The open proposals that concern somebody, the oldest first: the head, all; an examiner, those on records that the
    examiner may decide on, and own ones."""
    with node.store.read() as session:
        found = _as_seen(session, node, role, pseudonym, None)
    return [item for item in found if item.may_decide or item.mine]


def withdrawal_rights(node: Node, role: Role, pseudonym: str, record: RecordRow) -> WithdrawalRights:
    """What somebody may do about the withdrawal of an own record, with the open proposals on it."""
    with node.store.read() as session:
        author = deciding_author(session, node.settings, record.statement_id)
        proposals = tuple(_as_seen(session, node, role, pseudonym, record.statement_id))
    may_withdraw = may_act(WorkAct.WITHDRAW, role, pseudonym, author)
    return WithdrawalRights(may_withdraw, role is Role.EXAMINER and not may_withdraw, author, proposals)


def _as_seen(session: Session, node: Node, role: Role, pseudonym: str, record: str | None) -> list[ProposedWithdrawal]:
    rows = open_proposals(session, record=record)
    records = find_records(session, {row.record for row in rows})
    found = []
    for row in rows:
        if row.record in records:
            author = deciding_author(session, node.settings, row.record)
            found.append(
                ProposedWithdrawal(
                    row.proposal_id,
                    records[row.record],
                    row.holder or None,
                    WithdrawalReason(row.reason),
                    row.because,
                    row.proposed_by,
                    row.proposed_at,
                    author,
                    may_act(_act(row.holder or None), role, pseudonym, author),
                    row.proposed_by == pseudonym,
                )
            )
    return found


def _act(holder: str | None) -> WorkAct:
    return WorkAct.WITHDRAW if holder is None else WorkAct.TAKE_BACK


def _check_open(session: Session, node: Node, record: str, holder: str | None) -> None:
    """Whether the record may still be proposed for this. Raises NotFound, Conflict."""
    standing_versions(session, node, record)
    if holder is not None:
        if find_peer(session, holder) is None:
            raise NotFound(f"There is no peer {holder}. See: ffp peer list")
        if tombstone_for(session, record, holder, issuer=node.node_id) is not None:
            raise Conflict(f"The record {record} was withdrawn before.", code="withdrawn")
    if any(row.holder == (holder or "") for row in open_proposals(session, record=record)):
        raise Conflict("The same was proposed already, and waits for a decision.", code="proposed-already")


def _open_one(session: Session, proposal_id: int) -> WithdrawalProposalRow:
    row = find_proposal(session, proposal_id)
    if row is None:
        raise NotFound(f"There is no proposal {proposal_id}.")
    if row.decision is not None:
        raise Conflict(f"This proposal was settled before: {row.decision}, by {row.decided_by}.", code="decided")
    return row


def _deed(actor: Actor, step: str, row: WithdrawalProposalRow) -> Deed:
    asked = {"step": step, "reason": str(row.reason), "from": row.holder or "everybody"}
    return Deed(actor, Act.PROPOSE_WITHDRAWAL, 1, (row.record,), json.dumps(asked))
