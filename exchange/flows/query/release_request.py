"""The second step: whoever asked wants what was found, and the owner's head lets it go or refuses."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from exchange.clock import now, stamp_in
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import APPROVAL_S, record_of, share_anew, stated_terms
from exchange.flows.statement.sign_statement import enter, of_record, say
from exchange.policy import Purpose, Recipient, Withheld, release
from exchange.store.query.queries import FoundState, find_found, find_query
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.terms.terms_rows import decide_approval, keep_grant
from exchange.store.terms.withdrawals import lift_tombstones
from schemas import Approval, Grant, Maker, ReleaseRequest
from schemas.vocabulary import Decision, Jurisdiction, LawfulPurpose


def request_release(node: Node, maker: Maker, handle: str, because: str) -> str:
    """Ask the owner for the record that an answer calls by this handle, under the purpose and the legal basis of the
    query. Returns the statement's id; asking again while nothing is decided changes nothing.

    Raises NotFound; Conflict, code "decided".
    """
    with node.store.read() as session:
        found, query = _of_own_query(session, node, handle)
    if found.request is not None and found.state == FoundState.REQUESTED:
        return found.request
    said = say(
        node,
        ReleaseRequest,
        maker,
        to=query.asked,
        answer=query.answer,
        handle=handle,
        purpose=LawfulPurpose(query.purpose),
        legal_basis=query.legal_basis,
        because=because,
    )
    with node.store.write() as session:
        found, query = _of_own_query(session, node, handle)
        if found.request is not None and found.state == FoundState.REQUESTED:
            return found.request
        enter(session, said, to=[query.asked])
        found.state, found.request, found.due_at = FoundState.REQUESTED, said.statement_id, stamp_in(APPROVAL_S)
    return said.statement_id


def decide_found(node: Node, maker: Maker, handle: str, decision: Decision, because: str) -> str:
    """The head decides on what a query found. Returns the approval's id.

    Approved: the grant and the record go on the lanes of the jurisdiction's peers, and the scan may be fetched then.
    Refused: the approval that says so goes there. Both stand in the log.

    Raises NotFound; Conflict, code "nothing-to-decide", or the reason why even an approval does not let it go.
    """
    with node.store.read() as session:
        found, query, peer = _requested(session, node, handle)
        record = found.record or ""
        if decision is Decision.APPROVED:
            _check_releasable(session, node, record, peer)
        legal_basis = query.legal_basis
    jurisdiction = Jurisdiction(peer.jurisdiction)
    said = say(node, Approval, maker, concerns=handle, jurisdiction=jurisdiction, decision=decision, because=because)
    if decision is Decision.REFUSED:
        with node.store.write() as session:
            found, _, _ = _requested(session, node, handle)
            index = enter(session, said, to=[peer.node_id])
            decide_approval(session, handle, jurisdiction, decision, said.statement_id, index)
            found.state, found.decision = FoundState.REFUSED, said.statement_id
        return said.statement_id

    terms = of_record(node, record) | {"jurisdiction": jurisdiction, "legal_basis": legal_basis, "handle": handle}
    grant = say(node, Grant, maker, **terms)
    with node.store.write() as session:
        found, _, _ = _requested(session, node, handle)
        _check_releasable(session, node, record, peer)
        peers = [
            row for row in all_peers(session) if row.jurisdiction == jurisdiction and row.state == PeerState.ENROLLED
        ]
        decided_at = enter(session, said, to=[])
        granted_at = enter(session, grant, to=[row.node_id for row in peers])
        decide_approval(session, handle, jurisdiction, decision, said.statement_id, decided_at)
        decide_approval(session, record, jurisdiction, decision, said.statement_id, decided_at)
        keep_grant(session, grant.statement, grant.statement_id, granted_at)
        for row in peers:
            lift_tombstones(session, grant.statement, row.node_id, granted_at)
            share_anew(session, row, owner=node.node_id)
        found.state, found.decision = FoundState.GRANTED, grant.statement_id
    return said.statement_id


def _of_own_query(session: Session, node: Node, handle: str) -> tuple[FoundRow, QueryRow]:
    found = find_found(session, handle)
    query = find_query(session, found.query) if found is not None else None
    if found is None or query is None or query.asker != node.node_id:
        raise NotFound(f"No answer to a query of this node names {handle}. See: ffp query list")
    if found.state in (FoundState.GRANTED, FoundState.WITHDRAWN):
        raise Conflict(f"It was decided already: {found.state}.", code="decided")
    return found, query


def _requested(session: Session, node: Node, handle: str) -> tuple[FoundRow, QueryRow, PeerRow]:
    found = find_found(session, handle)
    query = find_query(session, found.query) if found is not None else None
    if found is None or query is None or query.asked != node.node_id:
        raise NotFound(f"No answer of this node names {handle}.")
    peer = find_peer(session, query.asker)
    if found.state != FoundState.REQUESTED or found.record is None or peer is None:
        raise Conflict(f"Nothing waits for a decision on {handle}.", code="nothing-to-decide")
    return found, query, peer


def _check_releasable(session: Session, node: Node, record: str, peer: PeerRow) -> None:
    """Even approved: what the law blocks, what is withdrawn or outlived, stays."""
    said = record_of(session, record)
    standing = stated_terms(session, node.history, record, said, peer)
    answer = release(
        said,
        Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED),
        Purpose.CORRELATION,
        peer.legal_basis,
        now().date(),
        owner=node.node_id,
        standing=replace(standing, granted=True, decision=Decision.APPROVED),
    )
    if isinstance(answer, Withheld):
        raise Conflict(f"Even approved, the record may not go to {peer.node_id}: {answer.reason}.", code=answer.reason)
