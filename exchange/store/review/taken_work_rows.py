"""Who works on what: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.long_lists import in_parts
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import TakenWorkRow
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Role


class TakenKind(StrEnum):
    """What can be taken, and by what it is named: an exhibit by its name, a hit by the id of the pair that it joins."""

    EXHIBIT = "exhibit"
    HIT = "hit"


def taken_of(session: Session, kind: TakenKind, subjects: Collection[str]) -> dict[str, TakenWorkRow]:
    """Those of these that somebody took, by their names."""
    found: dict[str, TakenWorkRow] = {}
    for part in in_parts(sorted(subjects)):
        rows = select(TakenWorkRow).where(TakenWorkRow.kind == kind, TakenWorkRow.subject.in_(part))
        found |= {row.subject: row for row in session.scalars(rows)}
    return found


def taken_exhibits(session: Session, *, after: str, limit: int) -> Sequence[TakenWorkRow]:
    """The exhibits that somebody took and that follow on one, by their names."""
    row = TakenWorkRow
    found = select(row).where(row.kind == TakenKind.EXHIBIT, row.subject > after).order_by(row.subject)
    return session.scalars(found.limit(limit)).all()


def current_records_of(session: Session, owner: str, exhibits: Collection[str]) -> Sequence[RecordRow]:
    """Of the owner's exhibits, as many as one statement names."""
    current = RecordRow.superseded_by.is_(None), RecordRow.restricted.is_(False)
    return session.scalars(
        select(RecordRow).where(RecordRow.issuer == owner, RecordRow.exhibit.in_(exhibits), *current)
    ).all()


def all_taken(session: Session, kind: TakenKind) -> Sequence[TakenWorkRow]:
    return session.scalars(select(TakenWorkRow).where(TakenWorkRow.kind == kind)).all()


def records_taken_by(session: Session, owner: str, pseudonym: str | None = None) -> dict[str, str]:
    """The current records of the owner whose exhibits this person took, or anybody; each with its exhibit."""
    took = select(TakenWorkRow.subject).where(TakenWorkRow.kind == TakenKind.EXHIBIT)
    if pseudonym is not None:
        took = took.where(TakenWorkRow.taken_by == pseudonym)
    rows = select(RecordRow.statement_id, RecordRow.exhibit).where(
        RecordRow.issuer == owner,
        RecordRow.exhibit.in_(took),
        RecordRow.superseded_by.is_(None),
        RecordRow.restricted.is_(False),
    )
    return {row.statement_id: row.exhibit for row in session.execute(rows)}


def hits_that_wait(session: Session, pairs: Collection[str]) -> set[str]:
    """Those of these pairs where something is still to be done, or is yet to be worked out."""
    row, found = HitPairRow, set[str]()
    for part in in_parts(sorted(pairs)):
        found |= set(session.scalars(select(row.pair).where(row.pair.in_(part), or_(row.stale, row.due_at != ""))))
    return found


def put_taken(session: Session, kind: TakenKind, subject: str, *, by: str, given_by: str | None) -> None:
    """In the place of whoever took it before. Needs a write transaction."""
    session.merge(TakenWorkRow(kind=kind, subject=subject, taken_by=by, taken_at=stamp(), given_by=given_by))
    session.flush()


def end_taken(session: Session, kind: TakenKind, subjects: Collection[str]) -> None:
    """They were put back, or nothing of them waits any more."""
    for part in in_parts(sorted(subjects)):
        session.execute(delete(TakenWorkRow).where(TakenWorkRow.kind == kind, TakenWorkRow.subject.in_(part)))


def end_taken_by(session: Session, pseudonym: str) -> None:
    """Of somebody who left, or has another role now."""
    session.execute(delete(TakenWorkRow).where(TakenWorkRow.taken_by == pseudonym))


def end_taken_of(session: Session, record: str, *, exhibit: str | None) -> None:
    """A record goes, or is shown to nobody: its hits, and its exhibit where no other version of it is left."""
    joined = select(HitPairRow.pair).where(or_(HitPairRow.record_a == record, HitPairRow.record_b == record))
    end_taken(session, TakenKind.HIT, session.scalars(joined).all())
    if exhibit is not None:
        end_taken(session, TakenKind.EXHIBIT, {exhibit})


def colleagues(session: Session, roles: Collection[Role]) -> Sequence[tuple[str, str]]:
    """The active users of these roles, each with the role."""
    found = select(UserRow.pseudonym, UserRow.role).where(UserRow.role.in_(roles), UserRow.revoked_at.is_(None))
    return [(name, role) for name, role in session.execute(found.order_by(UserRow.pseudonym))]
