"""Audit rows: numbered without a gap, written once, read by the supervisor, inside the caller's transaction."""

from __future__ import annotations

import itertools
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.orm import Session

from exchange.clock import day_after, stamp
from exchange.log.audit_entry import Act, ActorKind, AuditEntry, Deed
from exchange.store.tables.columns import Base
from exchange.store.tables.log import AuditBatchRow, AuditRow, AuditSubjectRow

# Rows are written past the session's bookkeeping, which would cost each reader more than the rows do.
_ROWS, _SUBJECTS, _STATE = (Base.metadata.tables[name] for name in ("audit", "audit_subject", "audit_state"))
_GIVE_NUMBERS = _STATE.update().values(last=_STATE.c.last + bindparam("how_many")).returning(_STATE.c.last)
_NEW_ROWS, _NEW_SUBJECTS = _ROWS.insert(), _SUBJECTS.insert()
_READ_AT_ONCE = 500
_LOWEST = -(2**62)


@dataclass(frozen=True)
class AuditFilter:
    """What the supervisor asks for; None does not restrict. A day is one of UTC."""

    actor: str | None = None
    subject: str | None = None
    act: Act | None = None
    day: date | None = None


@dataclass(frozen=True)
class KeptEntry:
    """An entry as its row has it, the hash that was kept with it, and the statement that vouches for it, if any."""

    entry: AuditEntry
    leaf: bytes
    batch: str | None = None


@dataclass(frozen=True)
class AuditState:
    """The last number that was given, and the first row whose retention is not over."""

    last: int
    kept_from: int


@dataclass(frozen=True)
class OpenRows:
    """The rows that no statement vouches for yet."""

    first: int
    last: int
    oldest_at: str


def add_deeds(session: Session, deeds: Sequence[Deed]) -> int:
    """Write acts down; returns the last number. Needs a write transaction, and nothing else may be waited for in it."""
    last, at = _numbered(session, len(deeds)), stamp()
    entries = [
        AuditEntry.of(deed, number=number, at=at, nonce=secrets.token_hex(16))
        for number, deed in enumerate(deeds, last - len(deeds) + 1)
    ]
    subjects = [
        {"number": entry.number, "position": position, "subject": subject}
        for entry in entries
        for position, subject in enumerate(entry.subjects)
    ]
    connection = session.connection()
    connection.execute(_NEW_ROWS, [_values(entry) for entry in entries])
    if subjects:
        connection.execute(_NEW_SUBJECTS, subjects)
    return last


def audit_state(session: Session) -> AuditState:
    """The counters as they stand; a node that wrote nothing down yet has none."""
    found = session.connection().execute(select(_STATE.c.last, _STATE.c.kept_from)).one_or_none()
    return AuditState(0, 1) if found is None else AuditState(found.last, found.kept_from)


def _numbered(session: Session, count: int) -> int:
    """Give that many numbers, the last of which is returned; the row is locked until the transaction ends."""
    connection = session.connection()
    last: int | None = connection.scalar(_GIVE_NUMBERS, {"how_many": count})
    if last is None:
        connection.execute(_STATE.insert().values(id=1, last=count, kept_from=1))
    return count if last is None else last


def open_rows(session: Session) -> OpenRows | None:
    """None when a statement vouches for each row."""
    first = sealed_to(session) + 1
    oldest_at = session.scalar(select(AuditRow.at).where(AuditRow.number >= first).order_by(AuditRow.number).limit(1))
    return None if oldest_at is None else OpenRows(first, audit_state(session).last, oldest_at)


def last_batch(session: Session) -> AuditBatchRow | None:
    return session.scalars(select(AuditBatchRow).order_by(AuditBatchRow.first.desc()).limit(1)).first()


def sealed_to(session: Session) -> int:
    """The last row that a statement vouches for; 0 when there is none."""
    batch = last_batch(session)
    return batch.first + batch.count - 1 if batch else 0


def add_batch(session: Session, *, first: int, count: int, statement_id: str, log_index: int) -> None:
    session.add(
        AuditBatchRow(first=first, count=count, statement_id=statement_id, log_index=log_index, sealed_at=stamp())
    )


def batches(session: Session) -> Sequence[AuditBatchRow]:
    return session.scalars(select(AuditBatchRow).order_by(AuditBatchRow.first)).all()


def oldest_kept_batch(session: Session, *, sealed_before: str) -> AuditBatchRow | None:
    """The batch that was sealed before a time and whose rows are the first that are kept."""
    batch = session.get(AuditBatchRow, audit_state(session).kept_from)
    return batch if batch is not None and batch.sealed_at < sealed_before else None


def erase_batch_rows(session: Session, batch: AuditBatchRow) -> None:
    """Erase the rows of the first kept batch; its statement stays. Needs a write transaction."""
    last = batch.first + batch.count - 1
    session.execute(delete(AuditSubjectRow).where(AuditSubjectRow.number.between(batch.first, last)))
    session.execute(delete(AuditRow).where(AuditRow.number.between(batch.first, last)))
    session.connection().execute(_STATE.update().values(kept_from=last + 1))


def leaves_between(session: Session, first: int, last: int) -> list[bytes]:
    """The hashes of these rows, as they were written."""
    query = select(AuditRow.leaf).where(AuditRow.number.between(first, last)).order_by(AuditRow.number)
    return list(session.scalars(query))


def entries_from(session: Session, first: int = _LOWEST) -> Iterator[KeptEntry]:
    """Each row from a number on, in order, with its subjects; a few at a time. By default also those that have a number
    which no row was ever given."""
    while True:
        query = select(AuditRow).where(AuditRow.number >= first).order_by(AuditRow.number).limit(_READ_AT_ONCE)
        rows = session.scalars(query).all()
        if not rows:
            return
        yield from _with_subjects(session, rows)
        first = rows[-1].number + 1
        session.expunge_all()  # a check reads millions


def search_entries(session: Session, wanted: AuditFilter, *, before: int | None, limit: int) -> list[KeptEntry]:
    """The rows that fit, the newest first, with numbers below ``before``."""
    query = _restricted(select(AuditRow), wanted)
    if before is not None:
        query = query.where(AuditRow.number < before)
    rows = session.scalars(query.order_by(AuditRow.number.desc()).limit(limit)).all()
    return [replace(kept, batch=_batch_of(session, kept.entry.number)) for kept in _with_subjects(session, rows)]


def entries_of_batch(session: Session, statement_id: str) -> list[KeptEntry]:
    """The rows that a statement vouches for, in order; none when it is not known, or its rows were erased."""
    batch = session.scalars(select(AuditBatchRow).where(AuditBatchRow.statement_id == statement_id)).one_or_none()
    if batch is None:
        return []
    numbers = range(batch.first, batch.first + batch.count)
    found = itertools.takewhile(lambda kept: kept.entry.number in numbers, entries_from(session, batch.first))
    return [replace(kept, batch=statement_id) for kept in found]


def count_not_stated(session: Session, wanted: AuditFilter) -> int:
    """Of the rows that fit, how many are acts of people who stated no purpose."""
    query = select(func.count()).select_from(AuditRow)
    query = query.where(AuditRow.kind == ActorKind.PERSON, AuditRow.purpose.is_(None))
    return session.scalar(_restricted(query, wanted)) or 0


def _batch_of(session: Session, number: int) -> str | None:
    batch = session.scalars(
        select(AuditBatchRow).where(AuditBatchRow.first <= number).order_by(AuditBatchRow.first.desc()).limit(1)
    ).first()
    return batch.statement_id if batch is not None and number < batch.first + batch.count else None


def _restricted(query: Select[Any], wanted: AuditFilter) -> Select[Any]:
    if wanted.actor is not None:
        query = query.where(AuditRow.actor == wanted.actor)
    if wanted.act is not None:
        query = query.where(AuditRow.act == wanted.act)
    if wanted.day is not None:
        query = query.where(AuditRow.at >= wanted.day.isoformat())
        query = query.where(AuditRow.at < day_after(wanted.day).isoformat())
    if wanted.subject is not None:
        about = select(AuditSubjectRow.number).where(AuditSubjectRow.subject == wanted.subject)
        query = query.where(AuditRow.number.in_(about))
    return query


def _with_subjects(session: Session, rows: Sequence[AuditRow]) -> list[KeptEntry]:
    subjects: dict[int, list[str]] = defaultdict(list)
    query = select(AuditSubjectRow).where(AuditSubjectRow.number.in_([row.number for row in rows]))
    for found in session.scalars(query.order_by(AuditSubjectRow.number, AuditSubjectRow.position)):
        subjects[found.number].append(found.subject)
    return [KeptEntry(_entry(row, subjects[row.number]), row.leaf) for row in rows]


def _values(entry: AuditEntry) -> dict[str, object]:
    values = {name: value for name, value in vars(entry).items() if name != "subjects"}
    return {**values, "leaf": entry.leaf()}


def _entry(row: AuditRow, subjects: Sequence[str]) -> AuditEntry:
    columns = (field.name for field in fields(AuditEntry) if field.name != "subjects")
    return AuditEntry(**{name: getattr(row, name) for name in columns}, subjects=tuple(subjects))
