"""Pairs that examiners set aside in their own lists: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, literal, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.entry.exhibits import Exhibits
from exchange.store.long_lists import in_parts
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import PairSetAsideRow
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Role


@dataclass(frozen=True)
class SeenScores:
    """The highest score of two exhibits, and the highest of a validated region; None where there is none."""

    highest: float
    validated: float | None


def pairs_aside_of(session: Session, pseudonym: str, exhibits: Collection[str]) -> dict[Exhibits, SeenScores]:
    """What this person set aside with one of these exhibits, with what was seen then."""
    found: dict[Exhibits, SeenScores] = {}
    for part in in_parts(sorted(exhibits)):
        for side in (PairSetAsideRow.exhibit_low, PairSetAsideRow.exhibit_high):
            rows = select(PairSetAsideRow).where(PairSetAsideRow.pseudonym == pseudonym, side.in_(part))
            for row in session.scalars(rows):
                found[row.exhibit_low, row.exhibit_high] = SeenScores(row.highest, row.validated)
    return found


def put_aside(session: Session, pseudonym: str, pairs: Mapping[Exhibits, SeenScores]) -> None:
    """But for pairs of which an exhibit went since the list was read; none where this person is no examiner any more.
    What follows from either was done before, and comes no second time. Needs a write transaction."""
    user = session.get(UserRow, pseudonym)
    if user is None or user.revoked_at is not None or user.role != Role.EXAMINER:
        return
    at, here = stamp(), _exhibits_here(session, {exhibit for pair in pairs for exhibit in pair})
    for (low, high), seen in pairs.items():
        if not {low, high} <= here:
            continue
        session.merge(
            PairSetAsideRow(
                pseudonym=pseudonym,
                exhibit_low=low,
                exhibit_high=high,
                highest=seen.highest,
                validated=seen.validated,
                set_aside_at=at,
            )
        )
    session.flush()


def _exhibits_here(session: Session, exhibits: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in in_parts(sorted(exhibits)):
        found |= set(session.scalars(select(RecordRow.exhibit).where(RecordRow.exhibit.in_(part))))
    return found


def bring_back(session: Session, pseudonym: str, pairs: Collection[Exhibits]) -> None:
    """Needs a write transaction."""
    row = PairSetAsideRow
    for pair in pairs:
        session.execute(
            delete(row).where(row.pseudonym == pseudonym, row.exhibit_low == pair[0], row.exhibit_high == pair[1])
        )


def forget_aside_by(session: Session, pseudonym: str) -> None:
    """Of somebody who left, or has another role now."""
    session.execute(delete(PairSetAsideRow).where(PairSetAsideRow.pseudonym == pseudonym))


def forget_aside_with(session: Session, exhibit: str) -> None:
    """No version of the exhibit is here any more."""
    either = or_(PairSetAsideRow.exhibit_low == exhibit, PairSetAsideRow.exhibit_high == exhibit)
    session.execute(delete(PairSetAsideRow).where(either))


def put_aside_ever(record: type[RecordRow], *, by: str | None) -> ColumnElement[bool]:
    """That this examiner, or with None whoever registered it, set aside a pair of this record's exhibit: it was looked
    at. Of anybody else it says nothing: what they set aside is their own view."""
    row, who = PairSetAsideRow, func.coalesce(record.submitted_by, "") if by is None else literal(by)
    sides = (row.exhibit_low, row.exhibit_high)
    # of the exhibit, then of the person: asked for both at once, SQLite reads all that the person ever set aside
    return or_(*(who.in_(select(row.pseudonym).where(side == record.exhibit).correlate(record)) for side in sides))
