"""The firearms that a node holds, as rows; and the test fires that name one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.entry.record_rows import is_current
from exchange.store.tables.firearm_tables import FirearmRow
from exchange.store.tables.record_tables import RecordRow
from schemas import Firearm
from schemas.place import fold_place


def find_firearm(session: Session, firearm_id: str) -> FirearmRow | None:
    return session.get(FirearmRow, firearm_id)


def save_firearm(
    session: Session, stated: Firearm, *, serial_number: str | None, remark: str | None, by: str, at: str
) -> None:
    """Enter a firearm, or put down what is known of it now."""
    row = session.get(FirearmRow, stated.firearm_id)
    if row is None:
        row = FirearmRow(firearm_id=stated.firearm_id, entered_by=by, entered_at=at)
        session.add(row)
    row.stated, row.serial_number, row.remark, row.changed_at = stated.model_dump_json(), serial_number, remark, at
    said = (stated.firearm_id, stated.make, stated.model, stated.calibre, stated.calibre_words, serial_number)
    row.words = fold_place(" ".join(word for word in said if word))
    session.flush()


def remove_firearm(session: Session, firearm_id: str) -> None:
    session.delete(session.get_one(FirearmRow, firearm_id))
    session.flush()


def list_firearms(session: Session, text: str, *, skip: int, limit: int) -> Sequence[FirearmRow]:
    """Those that a text is part of, however it is written, the last changed first."""
    query = select(FirearmRow)
    if folded := fold_place(text):
        query = query.where(FirearmRow.words.contains(folded, autoescape=True))
    last_first = FirearmRow.changed_at.desc(), FirearmRow.firearm_id
    return session.scalars(query.order_by(*last_first).offset(skip).limit(limit)).all()


def ids_that_begin(session: Session, begin: str) -> Sequence[str]:
    """The pseudonyms that begin like this."""
    return session.scalars(
        select(FirearmRow.firearm_id).where(FirearmRow.firearm_id.startswith(begin, autoescape=True))
    ).all()


def test_fires_of(session: Session, issuer: str, firearm_id: str, *, limit: int) -> Sequence[RecordRow]:
    """The current records of test fires that name a firearm of their issuer's, the newest arrival first."""
    named = RecordRow.issuer == issuer, RecordRow.firearm == firearm_id
    return session.scalars(
        select(RecordRow).where(*named, is_current()).order_by(RecordRow.sequence.desc()).limit(limit)
    ).all()
