"""Apply what a peer says of queries, in the transaction that moves its cursor: its answers to this node's queries, its
requests for what this node's answers found, and its decisions to give or refuse."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.flows.query.blind_bands import note_answered, note_released
from exchange.flows.statement.sharing import APPROVAL_S
from exchange.store.query.queries import FoundState, QueryState, add_found, find_found, find_query
from exchange.store.sync.peers import find_peer
from exchange.store.tables.query_tables import FoundRow
from exchange.store.terms.terms_rows import ask_approval
from schemas import Answer, Approval, Grant, ReleaseRequest
from schemas.vocabulary import Decision


def answers_own_query(session: Session, node_id: str, answer: Answer) -> bool:
    """Whether it answers a query that this node asked that peer; and none of its handles is in use, since a handle must
    never lead to somebody else's record."""
    query = find_query(session, answer.query)
    in_use = any(find_found(session, item.handle) is not None for item in answer.found)
    return query is not None and (query.asker, query.asked) == (node_id, answer.issuer) and not in_use


def was_told(session: Session, node_id: str, request: ReleaseRequest) -> bool:
    """Whether this node told that peer of this handle, in this answer."""
    found = find_found(session, request.handle)
    query = find_query(session, found.query) if found is not None else None
    return query is not None and (query.asked, query.asker, query.answer) == (node_id, request.issuer, request.answer)


def note_answer(session: Session, answer: Answer, statement_id: str) -> None:
    """The first answer counts. Its handles name records only to their owner."""
    query = find_query(session, answer.query)
    if query is None or query.state == QueryState.ANSWERED:
        return
    query.state, query.answered_at, query.answer = QueryState.ANSWERED, stamp(), statement_id
    query.result, query.detail = answer.result, answer.because
    found = [
        FoundRow(handle=item.handle, query=answer.query, band=item.band, state=FoundState.FOUND)
        for item in answer.found
    ]
    add_found(session, found)
    note_answered(session, query, found)


def note_request(session: Session, request: ReleaseRequest, statement_id: str) -> None:
    """At the owner: it waits for the head, with a clock; also where a first request was refused."""
    found, peer = find_found(session, request.handle), find_peer(session, request.issuer)
    if found is None or peer is None or found.state not in (FoundState.FOUND, FoundState.REFUSED):
        return
    due_at = stamp_in(APPROVAL_S)
    ask_approval(session, request.handle, peer.jurisdiction, due_at=due_at)
    found.state, found.request, found.due_at = FoundState.REQUESTED, statement_id, due_at


def note_grant(session: Session, grant: Grant, statement_id: str) -> None:
    """At the asker: the record that follows on the lane is the one that was asked for."""
    found = find_found(session, grant.handle) if grant.handle is not None else None
    if found is not None and _owner_of(session, found) == grant.issuer:
        found.state, found.record, found.decision = FoundState.GRANTED, grant.record, statement_id
        note_released(session, found.handle, grant.issuer, grant.record)


def note_refusal(session: Session, approval: Approval, statement_id: str) -> None:
    """At the asker: what was asked for is not released."""
    found = find_found(session, approval.concerns)
    if found is not None and _owner_of(session, found) == approval.issuer and approval.decision is Decision.REFUSED:
        found.state, found.decision = FoundState.REFUSED, statement_id


def _owner_of(session: Session, found: FoundRow) -> str | None:
    query = find_query(session, found.query)
    return None if query is None else query.asked
