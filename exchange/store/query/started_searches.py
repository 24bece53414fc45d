"""Searches that start by themselves: promised with a record, counted for a day's most, noted once a record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from exchange.search_triggers import SearchTrigger
from exchange.store.entry.record_rows import is_current
from exchange.store.node.jobs import JobKind, promise
from exchange.store.tables.query_tables import QueryRow, StartedSearchRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import ReleaseLevel

STAYS_AT_HOME: Final = frozenset({ReleaseLevel.SEARCH, ReleaseLevel.NONE})
"""What the audience of a record with another level gets, and compares by itself."""
MOST_OF_A_CASE: Final = 1000
"""So many records of one case are read to count its firearms, the newest first."""


def promise_search(session: Session, triggers: Collection[SearchTrigger], record: str) -> None:
    """Promise to look which rules a new own record fits, in the transaction that stores it. Nothing where no rule is in
    force, or where the record does not stay at home."""
    row = session.get(RecordRow, record) if triggers else None
    if row is not None and row.level in STAYS_AT_HOME:
        promise(session, JobKind.START_SEARCH, row.sequence)


def promise_searches_of_case(session: Session, issuer: str, case_reference: str) -> None:
    """The same for the current own records of a case about which nobody was asked by itself yet."""
    waiting = select(RecordRow.sequence).outerjoin(StartedSearchRow, StartedSearchRow.record == RecordRow.statement_id)
    waiting = waiting.where(
        _of_case(issuer, case_reference), RecordRow.level.in_(STAYS_AT_HOME), StartedSearchRow.record.is_(None)
    )
    for sequence in session.scalars(waiting.order_by(RecordRow.sequence.desc()).limit(MOST_OF_A_CASE)).all():
        promise(session, JobKind.START_SEARCH, sequence)


def case_at_home(session: Session, issuer: str, case_reference: str) -> Sequence[str]:
    """The current records of one issuer's case, the newest first."""
    found = select(RecordRow.statement_id).where(_of_case(issuer, case_reference))
    return session.scalars(found.order_by(RecordRow.sequence.desc()).limit(MOST_OF_A_CASE)).all()


def _of_case(issuer: str, case_reference: str) -> ColumnElement[bool]:
    return and_(RecordRow.issuer == issuer, RecordRow.case_reference == case_reference, is_current())


def is_asked(session: Session, asker: str, asked: str, sha256: str) -> bool:
    """Whether a peer was ever asked about a scan, by whomever, as that of whichever record."""
    named = and_(AcquisitionRow.statement_id == QueryRow.record, AcquisitionRow.position == QueryRow.position)
    found = select(QueryRow.number).join(AcquisitionRow, named)
    found = found.where(AcquisitionRow.sha256 == sha256, QueryRow.asker == asker, QueryRow.asked == asked)
    return session.scalars(found.limit(1)).one_or_none() is not None


def asked_by_itself_since(session: Session, asker: str, asked: str, since: str) -> int:
    """How many queries a node asked a peer by itself since a moment."""
    by_itself = (QueryRow.asker == asker, QueryRow.asked == asked, QueryRow.triggers.is_not(None))
    return session.scalar(select(func.count()).where(*by_itself, QueryRow.at > since)) or 0


def queries_by_itself(session: Session, asker: str, record: str) -> Sequence[str]:
    """The queries that a node asked about a record by itself, in their order."""
    found = select(QueryRow.statement_id).where(
        QueryRow.asker == asker, QueryRow.record == record, QueryRow.triggers.is_not(None)
    )
    return session.scalars(found.order_by(QueryRow.number)).all()


def find_started(session: Session, record: str) -> StartedSearchRow | None:
    return session.get(StartedSearchRow, record)


def note_started(session: Session, row: StartedSearchRow) -> None:
    session.add(row)
    session.flush()
