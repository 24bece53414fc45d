"""The queries of this node and those that it received, with what each found."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.clock import stamp
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import why_not_validated
from exchange.store.query import queries


@dataclass(frozen=True)
class FoundRecord:
    """A record that a query found. ``not_validated``: why the scores that the band stands for are not validated.
    ``record`` names it once the owner has released it; to the owner, always."""

    handle: str
    band: str
    not_validated: str | None
    state: str
    record: str | None


@dataclass(frozen=True)
class ListedQuery:
    """A query, how far it is, and what it found: by handle, in no order of rank."""

    statement_id: str
    at: str
    asker: str
    asked: str
    case_reference: str
    purpose: str
    legal_basis: str
    state: str
    overdue: bool
    result: str | None
    detail: str | None
    found: tuple[FoundRecord, ...]


def list_queries(node: Node, *, own: bool, limit: int) -> list[ListedQuery]:
    """The newest queries that this node asked (``own``), or that it received; the newest first."""
    with node.store.read() as session:
        rows = queries.list_queries(session, node.node_id, own=own, before=None, limit=limit)
        found = queries.found_by(session, [row.statement_id for row in rows])
    now = stamp()
    return [
        ListedQuery(
            statement_id=row.statement_id,
            at=row.at,
            asker=row.asker,
            asked=row.asked,
            case_reference=row.case_reference,
            purpose=row.purpose,
            legal_basis=row.legal_basis,
            state=row.state,
            overdue=row.state in queries.OPEN and row.due_at < now,
            result=row.result,
            detail=row.detail,
            found=tuple(
                FoundRecord(item.handle, item.band, why_not_validated(row.roi, None, None), item.state, item.record)
                for item in found
                if item.query == row.statement_id
            ),
        )
        for row in rows
    ]
