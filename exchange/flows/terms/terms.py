"""The owner's terms: grant late access, state a policy, decide what no rule may."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, check_may_act
from exchange.flows.statement.named import check_named
from exchange.flows.statement.sharing import decide_sharing, record_of, share_anew
from exchange.flows.statement.sign_statement import enter, of_record, say
from exchange.policy import Purpose, Reason
from exchange.store.entry.record_rows import find_record
from exchange.store.log.statement_rows import find_statement, latest_of
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.terms_rows import decide_approval, keep_grant, replace_policy
from exchange.store.terms.withdrawals import lift_tombstones, tombstone_for
from schemas import Approval, ContractError, Grant, Group, LegalBasis, Maker, Policy, open_envelope, parse_statement
from schemas.vocabulary import Decision, Jurisdiction

WHICHEVER: Final = ""
"""Whatever policy is in force."""


def grant(node: Node, maker: Maker, record: str, jurisdiction: Jurisdiction, legal_basis: str) -> str:
    """Give a jurisdiction an own record that it may not have yet, in every version, whatever its age. Returns the id of
    the signed statement.

    A peer of that jurisdiction from which it was taken back may have it again, and an earlier refusal is over. A grant
    does not overrule the policy: where no line allows it, the record follows once a line does. Raises NotFound,
    Conflict (code "withdrawn"), InvalidInput (code "unknown-jurisdiction").
    """
    check_may_act(WorkAct.GRANT, maker)
    check_named(node, [jurisdiction], "jurisdiction")
    with node.store.read() as session:
        _of_own(session, node, record)
    said = say(node, Grant, maker, **of_record(node, record), jurisdiction=jurisdiction, legal_basis=legal_basis)
    with node.store.write() as session:
        _of_own(session, node, record)
        peers = _enrolled(session, jurisdiction)
        index = enter(session, said, to=[peer.node_id for peer in peers])
        keep_grant(session, said.statement, said.statement_id, index)
        for peer in peers:
            lift_tombstones(session, said.statement, peer.node_id, index)
            share_anew(session, peer, owner=node.node_id)
    return said.statement_id


def state_policy(
    node: Node,
    maker: Maker,
    groups: tuple[Group, ...],
    bases: tuple[LegalBasis, ...],
    *,
    replaces: str | None = WHICHEVER,
) -> str:
    """Replace the table of legal bases and the groups. What a peer may have by it and was not given goes on its lane,
    however old; what it may not have any more is not given out any more, and what needs an approval is queued.

    Returns the statement's id. Raises Conflict, code "policy-changed", when another one is in force than it
    ``replaces``.
    """
    said = say(node, Policy, maker, groups=groups, bases=bases)
    with node.store.write() as session:
        _check_in_force(session, node, replaces)
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        enter(session, said, to=[peer.node_id for peer in peers])
        replace_policy(session, said.statement_id, said.statement, own=True)
        for peer in peers:
            share_anew(session, peer, owner=node.node_id)
    return said.statement_id


def _check_in_force(session: Session, node: Node, replaces: str | None) -> None:
    found = policy_in(session, node)
    if replaces not in (WHICHEVER, found and found[0]):
        raise Conflict(
            "Nothing was changed: somebody else has just changed the policy. See what would change now.",
            code="policy-changed",
        )


def policy_of(node: Node) -> tuple[str, Policy] | None:
    """This node's policy statement in force, with its id; None where none was made, or it cannot be read."""
    with node.store.read() as session:
        return policy_in(session, node)


def policy_in(session: Session, node: Node) -> tuple[str, Policy] | None:
    """As ``policy_of``, within a transaction."""
    row = latest_of(session, node.node_id, "policy")
    try:
        statement = parse_statement(open_envelope(row.envelope).payload) if row is not None and row.envelope else None
    except ContractError:  # damaged; nothing is released until a policy is stated anew
        return None
    return (row.statement_id, statement) if row is not None and isinstance(statement, Policy) else None


def approve(node: Node, maker: Maker, record: str, jurisdiction: Jurisdiction, decision: Decision, because: str) -> str:
    """Sign a person's decision whether a jurisdiction may have, or search, a record in all its versions, where the
    rules alone do not decide. Returns the statement's id.

    Raises NotFound; Conflict, code "nothing-to-decide", for an approval where the rules alone decide.
    """
    with node.store.read() as session:
        _of_own(session, node, record)
        asked = record_of(session, record)
        peers = _enrolled(session, jurisdiction)
        refusals = [
            decide_sharing(session, record, asked, peer, history=node.history, purpose=Purpose.SEARCH) for peer in peers
        ]
        decidable = (Reason.NEEDS_APPROVAL, Reason.APPROVAL_REFUSED)
        if decision is Decision.APPROVED and not any(item and item.reason in decidable for item in refusals):
            raise Conflict(
                f"Nothing waits for a decision on {record} and {node.jurisdictions.name(jurisdiction)}.",
                code="nothing-to-decide",
            )
    said = say(node, Approval, maker, concerns=record, jurisdiction=jurisdiction, decision=decision, because=because)
    with node.store.write() as session:
        _of_own(session, node, record)
        index = enter(session, said, to=[])
        decide_approval(session, record, jurisdiction, decision, said.statement_id, index)
        for peer in _enrolled(session, jurisdiction):
            share_anew(session, peer, owner=node.node_id)
    return said.statement_id


def _of_own(session: Session, node: Node, record: str) -> RecordRow:
    row = find_statement(session, record)
    if row is None or row.issuer != node.node_id or row.type != "record":
        raise NotFound(f"There is no record {record} of this node's own; only the owner says who may have it.")
    found = find_record(session, record)
    if found is None or tombstone_for(session, record, "", issuer=node.node_id) is not None:
        raise Conflict(f"The record {record} was withdrawn.", code="withdrawn")
    return found[0]


def _enrolled(session: Session, jurisdiction: Jurisdiction) -> list[PeerRow]:
    return [
        peer for peer in all_peers(session) if peer.jurisdiction == jurisdiction and peer.state == PeerState.ENROLLED
    ]
