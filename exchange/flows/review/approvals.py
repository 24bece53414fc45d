"""What waits for the head of the Firearms Focal Point: records, queries, and what queries found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.node.node import Node
from exchange.flows.query.ask import decide_query
from exchange.flows.query.blind_bands import told
from exchange.flows.query.release_request import decide_found
from exchange.flows.statement.authorship import WorkAct, check_may_act
from exchange.flows.statement.sharing import record_of
from exchange.flows.terms.terms import approve
from exchange.store.entry.record_rows import find_record
from exchange.store.log.statement_rows import find_statement
from exchange.store.query.queries import find_found, find_query
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.store.terms.terms_rows import list_approvals
from schemas import Handling, Maker, ReleaseRequest, open_envelope, parse_statement
from schemas.vocabulary import Decision, Jurisdiction, Role


class Concern(StrEnum):
    """What a decision is about."""

    RECORD = "record"
    """May the jurisdiction have the record?"""
    QUERY = "query"
    """May an own scan travel there, to be compared and erased?"""
    FOUND = "found"
    """May it have a record that its query found?"""


@dataclass(frozen=True)
class WaitingApproval:
    """One question for the head. ``record`` and ``handling`` are of the own record that is at stake, None once it was
    withdrawn; ``query`` is the query that it comes from, ``peer`` who is asked or asks, ``found`` what of
    its answer is asked for, ``because`` what whoever asks says of it."""

    row: ApprovalRow
    concern: Concern
    record: RecordRow | None
    handling: Handling | None
    query: QueryRow | None
    peer: str | None
    found: FoundRow | None
    because: str | None

    @property
    def overdue(self) -> bool:
        return self.row.decision is None and self.row.due_at < stamp()


def waiting_decisions(node: Node) -> Sequence[ApprovalRow]:
    """What waits, by name and deadline alone, the most pressing first: nobody is told thereby what a query found."""
    with node.store.read() as session:
        return list_approvals(session, open_only=True)


def queue(node: Node, *, open_only: bool = True) -> list[WaitingApproval]:
    """The most pressing first."""
    with node.store.read() as session:
        return [_waiting(session, node.node_id, row) for row in list_approvals(session, open_only=open_only)]


def queue_for(node: Node, role: Role, pseudonym: str, *, open_only: bool) -> list[WaitingApproval]:
    """As ``queue``, for somebody who is thereby told what peers' queries found; without what an examiner must not be
    told."""
    items = queue(node, open_only=open_only)
    queries = {item.query.statement_id: item.query for item in items if item.query is not None}
    open_to = told(node, role, pseudonym, list(queries.values()), [item.found for item in items if item.found])
    return [item for item in items if item.found is None or item.found.query in open_to]


def sign_decision(
    node: Node, maker: Maker, concerns: str, jurisdiction: Jurisdiction, decision: Decision, because: str
) -> str:
    """Decide one of them, whatever it is about. Returns the approval's id.

    Raises Forbidden; NotFound; Conflict, code "nothing-to-decide", or the reason why even an approval does not let it
    go.
    """
    check_may_act(WorkAct.APPROVE, maker)
    with node.store.read() as session:
        found, query = find_found(session, concerns), find_query(session, concerns)
    if found is not None:
        return decide_found(node, maker, concerns, decision, because)
    if query is not None:
        return decide_query(node, maker, concerns, decision, because)
    return approve(node, maker, concerns, jurisdiction, decision, because)


def _waiting(session: Session, node_id: str, row: ApprovalRow) -> WaitingApproval:
    found = find_found(session, row.concerns)
    query = find_query(session, found.query if found is not None else row.concerns)
    concern, record, because = Concern.RECORD, row.concerns, None
    if found is not None:
        concern, record, because = Concern.FOUND, found.record or "", _because(session, found.request)
    elif query is not None:
        concern, record = Concern.QUERY, query.record or ""
    stored = find_record(session, record)
    handling = record_of(session, record).handling if stored is not None else None
    return WaitingApproval(
        row=row,
        concern=concern,
        record=stored[0] if stored is not None else None,
        handling=handling,
        query=query,
        peer=(query.asked if query.asker == node_id else query.asker) if query is not None else None,
        found=found,
        because=because,
    )


def _because(session: Session, request: str | None) -> str | None:
    row = find_statement(session, request) if request is not None else None
    if row is None or row.envelope is None:
        return None
    statement = parse_statement(open_envelope(row.envelope).payload)
    return statement.because if isinstance(statement, ReleaseRequest) else None
