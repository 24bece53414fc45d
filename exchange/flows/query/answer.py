"""Answer a peer's query: search what the peer may search, say candidate or no candidate, and erase the scan."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from exchange.calibre_pairs import calibres_beside
from exchange.clock import now, stamp
from exchange.errors import ComputeFailed, NotSearched
from exchange.flows.node.node import Node
from exchange.flows.query.search_references import StandsOut, scan_asked_with, search_for_peer
from exchange.flows.statement.sharing import releasable
from exchange.flows.statement.sign_statement import THE_NODE, SignedStatement, enter, say
from exchange.policy import Purpose
from exchange.store.database.seals import holds
from exchange.store.log.statement_rows import find_statement
from exchange.store.query.queries import (
    FoundState,
    QueryState,
    add_found,
    query_by_number,
    searchable,
    searchable_records,
)
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.query_tables import FoundRow
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import Answer, Found, Query, open_envelope, parse_statement
from schemas.errors import shown
from schemas.query import MAX_FOUND
from schemas.vocabulary import QueryResult

log = structlog.get_logger(__name__)

COULD_NOT = "The scan could not be compared at this node. Its operator knows why; ask again later."


def answer_query(node: Node, number: int, *, give_up: bool = False) -> None:
    """Answer a received query. Doing it twice changes nothing. ``give_up``: it failed too often to try once more.

    1. Compare the scan with what the peer may search. Where that is nothing, nothing stands out: the answer is the
       same as where no mark resembles the query's.
    2. Give each record that stands out a random handle, and sign the answer.
    3. In one transaction: nothing that was found may have been withdrawn or closed to the peer meanwhile; the answer in
       the log and on the peer's lane, and which record each handle names.
    4. Erase the scan and whatever was made of it, however the query ended.

    Raises ComputeFailed, StoreUnavailable: the worker tries again later.
    """
    with node.store.read() as session:
        row = query_by_number(session, number)
        if row is None:
            return
        statement = find_statement(session, row.statement_id)
        peer = find_peer(session, row.asker)
    if row.state == QueryState.ASKED:
        if statement is None or statement.envelope is None or peer is None or peer.state != PeerState.ENROLLED:
            _close(node, number)
        else:
            query = parse_statement(open_envelope(statement.envelope).payload)
            if not isinstance(query, Query):
                raise TypeError(f"{row.statement_id} is no query")
            _answer(node, number, row.statement_id, query, peer, give_up=give_up)
    node.query_scans.erase(row.statement_id)


def _answer(node: Node, number: int, statement_id: str, query: Query, peer: PeerRow, *, give_up: bool) -> None:
    # 1.
    found: list[StandsOut] = []
    because = COULD_NOT if give_up else None
    if not give_up:
        try:
            found = _search(node, statement_id, query, peer)
        except NotSearched as error:
            because = shown(str(error), 120).strip()

    # 2.
    handles = {secrets.token_hex(32): item for item in found}
    said = say(
        node,
        Answer,
        THE_NODE,
        to=query.issuer,
        query=statement_id,
        result=_result(found, because),
        found=tuple(Found(handle=handle, band=handles[handle].band) for handle in sorted(handles)),
        because=because,
    )

    # 3.
    _store(node, number, said, handles, peer)
    log.info("query answered", query=statement_id, asker=query.issuer, result=said.statement.result)


def _result(found: list[StandsOut], because: str | None) -> QueryResult:
    if because is not None:
        return QueryResult.NOT_SEARCHED
    return QueryResult.CANDIDATE if found else QueryResult.NO_CANDIDATE


def _search(node: Node, statement_id: str, query: Query, peer: PeerRow) -> list[StandsOut]:
    calibres = calibres_beside(query.calibre, node.settings.calibre_pairs)
    with node.store.read() as session:
        among = searchable(
            session, peer, now().date(), owner=node.node_id, roi=query.acquisition.roi, calibres=calibres
        )
        among = as_sealed(session, among)
    found = search_for_peer(node, scan_asked_with(statement_id, query), among)
    with node.store.read() as session:
        return best_released(session, node, peer, found)


def as_sealed(session: Session, acquisitions: Sequence[AcquisitionRow]) -> list[AcquisitionRow]:
    """Those that name the scan which came with their record: no other is searched in its place."""
    return [row for row in acquisitions if holds(session, row)]


def best_released(session: Session, node: Node, peer: PeerRow, found: Sequence[StandsOut]) -> list[StandsOut]:
    """The best of these, at most as many as an answer names: what the peer may not have takes no honest one's place."""
    best: list[StandsOut] = []
    for start in range(0, len(found), MAX_FOUND):
        some = found[start : start + MAX_FOUND]
        records = {item.record for item in some}
        may = releasable(session, peer, records, history=node.history, purpose=Purpose.SEARCH)
        best += [item for item in some if item.record in may]
        if len(best) >= MAX_FOUND:
            break
    return best[:MAX_FOUND]


def _store(
    node: Node, number: int, said: SignedStatement[Answer], handles: dict[str, StandsOut], peer: PeerRow
) -> None:
    answer = said.statement
    records = {item.record for item in handles.values()}
    with node.store.write() as session:
        row, current = query_by_number(session, number), find_peer(session, peer.node_id)
        if row is None or row.state != QueryState.ASKED or current is None:
            return
        if searchable_records(session, current, records, now().date(), owner=node.node_id) != records:
            raise ComputeFailed("What was found may not be searched any more; the query is answered anew.")
        enter(session, said, to=[peer.node_id])
        add_found(
            session,
            [
                FoundRow(
                    handle=handle,
                    query=row.statement_id,
                    record=item.record,
                    band=item.band,
                    state=FoundState.FOUND,
                )
                for handle, item in handles.items()
            ],
        )
        row.state, row.answered_at, row.answer = QueryState.ANSWERED, stamp(), said.statement_id
        row.result, row.detail = answer.result, answer.because


def _close(node: Node, number: int) -> None:
    """Whoever asked is no peer any more: it is told nothing, and its scan goes all the same."""
    with node.store.write() as session:
        row = query_by_number(session, number)
        if row is not None:
            row.state, row.detail = QueryState.GIVEN_UP, "Whoever asked is no enrolled peer any more."
