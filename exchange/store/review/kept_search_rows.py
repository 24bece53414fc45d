"""Searches that people keep, inside the caller's transaction: each is held against the records that come."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import InvalidInput
from exchange.record_filter import RecordFilter
from exchange.store.entry.search import count_newer
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import KeptSearchRow
from exchange.store.tables.sign_in_tables import UserRow


def add_search(session: Session, row: KeptSearchRow) -> int:
    """Returns its id."""
    session.add(row)
    session.flush()
    return row.search_id


def searches_of(session: Session, pseudonym: str) -> Sequence[KeptSearchRow]:
    """Those of one person in the order in which they were kept, stopped ones too."""
    return session.scalars(
        select(KeptSearchRow).where(KeptSearchRow.pseudonym == pseudonym).order_by(KeptSearchRow.search_id)
    ).all()


def find_search(session: Session, pseudonym: str, search_id: int) -> KeptSearchRow | None:
    """One's own; another's is as none at all."""
    row = session.get(KeptSearchRow, search_id)
    return row if row is not None and row.pseudonym == pseudonym else None


def forget_stopped(session: Session, before: str) -> None:
    """Those that were stopped before a moment, whoever kept them."""
    session.execute(delete(KeptSearchRow).where(KeptSearchRow.stopped_at < before))


def forget_searches_of(session: Session, pseudonym: str) -> None:
    """Of somebody who left: nobody is told by them any more."""
    session.execute(delete(KeptSearchRow).where(KeptSearchRow.pseudonym == pseudonym))


def newest_sequence(session: Session) -> int:
    """Of the record that came last."""
    return session.scalar(select(func.max(RecordRow.sequence))) or 0


def note_found(session: Session, records: Collection[str]) -> None:
    """Note at each search that is kept whether one of these records, which have just come, fits it."""
    told = select(KeptSearchRow).join(UserRow, UserRow.pseudonym == KeptSearchRow.pseudonym)
    told = told.where(KeptSearchRow.stopped_at.is_(None), UserRow.revoked_at.is_(None))
    kept = session.scalars(told).all() if records else ()
    if not kept:
        return
    first = session.scalar(select(func.min(RecordRow.sequence)).where(RecordRow.statement_id.in_(records)))
    if first is None:
        return
    for row in kept:
        if count_kept(session, row, after=first - 1, most=1):
            row.newest_at = stamp()


def count_kept(session: Session, row: KeptSearchRow, *, after: int, most: int) -> int | None:
    """How many records that came after a sequence number fit, no further than ``most``. None of a search that this
    release does not understand: one of another release was kept."""
    wanted = filter_of(row)
    try:
        return None if wanted is None else count_newer(session, wanted, after=after, most=most)
    except InvalidInput:
        return None


def filter_of(row: KeptSearchRow) -> RecordFilter | None:
    """What is searched; None where this release does not understand it."""
    try:
        return RecordFilter.model_validate_json(row.conditions)
    except ValidationError:
        return None
