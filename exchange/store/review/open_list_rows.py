"""Whose scored lists an examiner may look at: those of the exhibits that the examiner works on, and those that the
examiner opened, after reading what that costs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CompoundSelect, delete, select, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.review.taken_work_rows import TakenKind
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import OpenedListRow, TakenWorkRow


def open_exhibits(pseudonym: str) -> CompoundSelect[Any]:
    """The exhibits whose lists this examiner may look at: who registered an exhibit, or has taken it, works on it."""
    return union(
        select(RecordRow.exhibit).where(RecordRow.submitted_by == pseudonym),
        select(TakenWorkRow.subject).where(TakenWorkRow.kind == TakenKind.EXHIBIT, TakenWorkRow.taken_by == pseudonym),
        select(OpenedListRow.exhibit).where(OpenedListRow.pseudonym == pseudonym),
    )


def open_exhibits_of(session: Session, pseudonym: str) -> frozenset[str]:
    return frozenset(session.scalars(open_exhibits(pseudonym)))


def lookers_at(session: Session, exhibit: str) -> set[str]:
    """Everybody who works on an exhibit, or opened its list."""
    rows = (
        select(RecordRow.submitted_by).where(RecordRow.exhibit == exhibit, RecordRow.submitted_by.is_not(None)),
        select(TakenWorkRow.taken_by).where(TakenWorkRow.kind == TakenKind.EXHIBIT, TakenWorkRow.subject == exhibit),
        select(OpenedListRow.pseudonym).where(OpenedListRow.exhibit == exhibit),
    )
    return {name for found in rows for name in session.scalars(found) if name is not None}


def put_opened(session: Session, pseudonym: str, exhibit: str) -> None:
    """Needs a write transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {"pseudonym": pseudonym, "exhibit": exhibit, "opened_at": stamp()}
    session.execute(insert(OpenedListRow).values(row).on_conflict_do_nothing())


def forget_opened(session: Session, exhibit: str) -> None:
    """Nothing of the exhibit is left. Needs a write transaction."""
    session.execute(delete(OpenedListRow).where(OpenedListRow.exhibit == exhibit))
