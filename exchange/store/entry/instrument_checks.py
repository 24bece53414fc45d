"""The series of checks of this node's instruments: added to, read, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.database.seals import holds
from exchange.store.tables.instruments import InstrumentCheckRow, InstrumentReferenceRow

MOST_LISTED = 10_000
"""Of one instrument: a check a day for a working life."""
_A_TIME = 500


def fold(text: str) -> str:
    """Case and runs of spaces tell no two instruments or specimens apart."""
    return " ".join(text.casefold().split())


def add_check(session: Session, row: InstrumentCheckRow, heights: bytes | None = None) -> InstrumentCheckRow:
    """``heights``: of the first of a series. When this returns the row has its number."""
    session.add(row)
    session.flush()
    if heights is not None:
        session.add(InstrumentReferenceRow(check_id=row.check_id, heights=heights))
        session.flush()
    return row


def last_check(session: Session) -> InstrumentCheckRow | None:
    """Of all instruments."""
    return session.scalars(select(InstrumentCheckRow).order_by(InstrumentCheckRow.check_id.desc()).limit(1)).first()


def find_check(session: Session, check_id: int) -> InstrumentCheckRow | None:
    return session.get(InstrumentCheckRow, check_id)


def reference_in_force(session: Session, instrument: str, specimen_key: str) -> InstrumentCheckRow | None:
    """The first check of the newest series of a specimen on an instrument."""
    firsts = select(InstrumentCheckRow).where(
        InstrumentCheckRow.instrument == instrument,
        InstrumentCheckRow.specimen_key == specimen_key,
        InstrumentCheckRow.reference.is_(None),
    )
    return session.scalars(firsts.order_by(InstrumentCheckRow.check_id.desc()).limit(1)).first()


def heights_of(session: Session, check_id: int) -> bytes | None:
    """Of the first scan of a series; None where they are gone, or are not what this node wrote."""
    row = session.get(InstrumentReferenceRow, check_id)
    return row.heights if row is not None and holds(session, row) else None


def series_of(session: Session, reference: int) -> Sequence[InstrumentCheckRow]:
    """A series, the first scan first."""
    rows = select(InstrumentCheckRow).where(
        (InstrumentCheckRow.reference == reference) | (InstrumentCheckRow.check_id == reference)
    )
    return session.scalars(rows.order_by(InstrumentCheckRow.check_id).limit(MOST_LISTED)).all()


def checks_of(session: Session, instrument: str) -> Sequence[InstrumentCheckRow]:
    """The last ones of an instrument on any specimen, the newest first."""
    rows = select(InstrumentCheckRow).where(InstrumentCheckRow.instrument == instrument)
    return session.scalars(rows.order_by(InstrumentCheckRow.check_id.desc()).limit(MOST_LISTED)).all()


def firsts(session: Session) -> Sequence[InstrumentCheckRow]:
    """The first check of each series, the newest series first."""
    rows = select(InstrumentCheckRow).where(InstrumentCheckRow.reference.is_(None))
    return session.scalars(rows.order_by(InstrumentCheckRow.check_id.desc()).limit(MOST_LISTED)).all()


def last_of_series(session: Session, reference: int) -> InstrumentCheckRow:
    """The first one itself where none followed."""
    rows = select(InstrumentCheckRow).where(
        (InstrumentCheckRow.reference == reference) | (InstrumentCheckRow.check_id == reference)
    )
    return session.scalars(rows.order_by(InstrumentCheckRow.check_id.desc()).limit(1)).one()


def all_checks(session: Session) -> Iterator[InstrumentCheckRow]:
    """In the order in which they were made, a few at a time."""
    last, few = 0, select(InstrumentCheckRow).order_by(InstrumentCheckRow.check_id).limit(_A_TIME)
    while rows := session.scalars(few.where(InstrumentCheckRow.check_id > last)).all():
        yield from rows
        last = rows[-1].check_id


def references_of(session: Session) -> dict[int, str]:
    """SHA-256 of what is kept of each first scan, by its check."""
    ids = session.scalars(select(InstrumentReferenceRow.check_id)).all()
    return {one: hashlib.sha256(session.get_one(InstrumentReferenceRow, one).heights).hexdigest() for one in ids}


def is_intact(session: Session, row: InstrumentCheckRow) -> bool:
    """Whether it is as this node wrote it."""
    return holds(session, row)
