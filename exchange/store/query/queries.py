"""Queries, own and received, and what they found, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias

from sqlalchemy import case, delete, func, or_, select
from sqlalchemy.orm import Session

from exchange.list_order import ListOrder
from exchange.policy import Purpose
from exchange.store.entry.record_rows import is_current
from exchange.store.long_lists import Sorted, page_in_order
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.store.terms.may_have import may_have


class QueryState(StrEnum):
    WAITING = "waiting-for-approval"
    """The scan may not travel before the head has approved it."""
    WITHHELD = "withheld"
    """It does not travel: the head refused, or policy does by now."""
    ASKED = "asked"
    """On its way; of a received one: to be answered."""
    DELIVERED = "delivered"
    """The peer has stored it."""
    ANSWERED = "answered"
    GIVEN_UP = "given-up"


OPEN = frozenset({QueryState.WAITING, QueryState.ASKED, QueryState.DELIVERED})


class QueryColumn(StrEnum):
    """What queries are sorted by. Their number alone is in the order of an index: by all others they are sorted only
    where there are no more of them than ``MOST_SORTED``."""

    ASKED = "asked"
    CASE = "case"
    STATE = "state"
    DUE = "due"


QueryOrder: TypeAlias = ListOrder[QueryColumn]
LAST_ASKED_FIRST: Final = QueryOrder(QueryColumn.ASKED, descending=True)
NOT_DUE: Final = "9"
"""Behind every moment: of a query for which nobody waits any more."""
_SORTED: Final[Mapping[QueryColumn, tuple[Sorted, ...]]] = {
    QueryColumn.ASKED: (),
    QueryColumn.CASE: (QueryRow.case_reference,),
    QueryColumn.STATE: (QueryRow.state,),
    QueryColumn.DUE: (case((QueryRow.state.in_(OPEN), QueryRow.due_at), else_=NOT_DUE),),
}


class FoundState(StrEnum):
    FOUND = "found"
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The owner took the record back."""


def add_query(session: Session, row: QueryRow) -> QueryRow:
    session.add(row)
    session.flush()
    return row


def find_query(session: Session, statement_id: str) -> QueryRow | None:
    return session.scalars(select(QueryRow).where(QueryRow.statement_id == statement_id)).one_or_none()


def query_by_number(session: Session, number: int) -> QueryRow | None:
    return session.get(QueryRow, number)


def open_query(session: Session, alike: QueryRow, now: str) -> QueryRow | None:
    """A query that asks the same of the same peer, and is neither answered yet nor overdue there."""
    return session.scalars(
        select(QueryRow)
        .where(
            QueryRow.asker == alike.asker,
            QueryRow.asked == alike.asked,
            QueryRow.record == alike.record,
            QueryRow.position == alike.position,
            QueryRow.purpose == alike.purpose,
            QueryRow.legal_basis == alike.legal_basis,
            QueryRow.state.in_(OPEN),
            or_(QueryRow.state == QueryState.WAITING, QueryRow.due_at >= now),
        )
        .limit(1)
    ).first()


def asked_since(session: Session, asker: str, since: str) -> tuple[int, str | None]:
    """How many queries came from a node since a moment, and when the first of these did."""
    row = session.execute(
        select(func.count(), func.min(QueryRow.at)).where(QueryRow.asker == asker, QueryRow.at > since)
    ).one()
    return row[0], row[1]


def unanswered(session: Session, asked: str) -> set[str]:
    """The received queries whose scans are still needed."""
    return set(
        session.scalars(
            select(QueryRow.statement_id).where(QueryRow.asked == asked, QueryRow.state == QueryState.ASKED)
        )
    )


def list_queries(
    session: Session,
    node_id: str,
    *,
    own: bool,
    before: int | None,
    limit: int,
    order: QueryOrder = LAST_ASKED_FIRST,
) -> Sequence[QueryRow]:
    """Own ones, or received ones, in an order: those that follow the one of the number ``before``."""
    side = QueryRow.asker if own else QueryRow.asked
    columns = (*_SORTED[order.column], QueryRow.number)
    return session.scalars(page_in_order(select(QueryRow).where(side == node_id), columns, order, before, limit)).all()


def count_queries(session: Session, node_id: str, *, own: bool, most: int) -> int:
    """How many there are, no further than ``most``."""
    side = QueryRow.asker if own else QueryRow.asked
    found = select(QueryRow.number).where(side == node_id).limit(most)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def query_values(row: QueryRow, column: QueryColumn) -> tuple[str, ...]:
    """What a query says in a column: where a page that ends with it goes on, beside its number."""
    match column:
        case QueryColumn.ASKED:
            return ()
        case QueryColumn.CASE:
            return (row.case_reference,)
        case QueryColumn.STATE:
            return (row.state,)
        case QueryColumn.DUE:
            return (row.due_at if row.state in OPEN else NOT_DUE,)


def searchable(
    session: Session, peer: PeerRow, today: date, *, owner: str, roi: str, calibres: Collection[str]
) -> Sequence[AcquisitionRow]:
    """The own acquisitions that a scan of this peer's may be compared with: what it may search, and nothing else."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(
            may_have(peer, Purpose.SEARCH, today, owner=owner),
            is_current(),
            AcquisitionRow.roi == roi,
            AcquisitionRow.calibre.in_(calibres),
            AcquisitionRow.parameters.is_not(None),
        )
        .order_by(AcquisitionRow.acquisition_id)
    ).all()


def searchable_records(
    session: Session, peer: PeerRow, records: Collection[str], today: date, *, owner: str
) -> set[str]:
    """Of these records those that the peer may search now."""
    rule = may_have(peer, Purpose.SEARCH, today, owner=owner)
    return set(
        session.scalars(
            select(RecordRow.statement_id).where(RecordRow.statement_id.in_(list(records)), rule, is_current())
        )
    )


def add_found(session: Session, found: Iterable[FoundRow]) -> None:
    session.add_all(found)
    session.flush()


def find_found(session: Session, handle: str) -> FoundRow | None:
    return session.get(FoundRow, handle)


def found_by(session: Session, queries: Collection[str]) -> Sequence[FoundRow]:
    """What these queries found, by handle: in no order that says which ranked higher."""
    return session.scalars(select(FoundRow).where(FoundRow.query.in_(list(queries))).order_by(FoundRow.handle)).all()


def forget_found(session: Session, record: str, *, owner: str) -> None:
    """Nobody is told any more of a record that its owner withdrew, and nobody needs to decide on it."""
    asked = select(QueryRow.statement_id).where(QueryRow.asked == owner)
    for row in session.scalars(select(FoundRow).where(FoundRow.record == record, FoundRow.query.in_(asked))):
        session.execute(delete(ApprovalRow).where(ApprovalRow.concerns == row.handle, ApprovalRow.decision.is_(None)))
        row.record, row.state = None, FoundState.WITHDRAWN
    session.flush()
