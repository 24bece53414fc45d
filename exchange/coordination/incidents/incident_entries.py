"""States of the counts of a half-year: the one that holds, those to go back to, the one that is proposed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from exchange.coordination.incidents.incident_tables import IncidentAnnexRow, IncidentCountRow, IncidentEntryRow


@dataclass(frozen=True)
class CellCount:
    """One row of the counts; ``role``, ``sex`` and ``age`` are empty where it counts incidents."""

    role: str
    sex: str
    age: str
    offence: str
    outcome: str
    weapon: str
    count: int


def taken_entries(session: Session, half: str) -> Sequence[IncidentEntryRow]:
    """The last one, which holds, first."""
    found = select(IncidentEntryRow).where(IncidentEntryRow.half == half, IncidentEntryRow.taken)
    return session.scalars(found.order_by(IncidentEntryRow.entry_id.desc())).all()


def proposed_entry(session: Session, half: str) -> IncidentEntryRow | None:
    found = select(IncidentEntryRow).where(IncidentEntryRow.half == half, IncidentEntryRow.taken.is_(False))
    return session.scalars(found.order_by(IncidentEntryRow.entry_id.desc()).limit(1)).first()


def halves_entered(session: Session) -> set[str]:
    return set(session.scalars(select(IncidentEntryRow.half).where(IncidentEntryRow.taken).distinct()))


def counts_of(session: Session, entry_id: int) -> list[CellCount]:
    rows = session.scalars(
        select(IncidentCountRow)
        .where(IncidentCountRow.entry_id == entry_id)
        .order_by(
            IncidentCountRow.role,
            IncidentCountRow.sex,
            IncidentCountRow.age,
            IncidentCountRow.offence,
            IncidentCountRow.outcome,
            IncidentCountRow.weapon,
        )
    )
    return [CellCount(row.role, row.sex, row.age, row.offence, row.outcome, row.weapon, row.count) for row in rows]


def add_entry(session: Session, entry: IncidentEntryRow, counts: Iterable[CellCount]) -> int:
    """Returns its number. Needs a write transaction."""
    session.add(entry)
    session.flush()
    rows = [{"entry_id": entry.entry_id, **vars(cell)} for cell in counts if cell.count]
    if rows:
        session.execute(insert(IncidentCountRow), rows)
    return entry.entry_id


def remove_entry(session: Session, entry: IncidentEntryRow) -> None:
    session.execute(delete(IncidentCountRow).where(IncidentCountRow.entry_id == entry.entry_id))
    session.delete(entry)


def approved_annex(session: Session, half: str) -> IncidentAnnexRow | None:
    return session.get(IncidentAnnexRow, half)


def approved_annexes(session: Session) -> Sequence[IncidentAnnexRow]:
    """The earliest half-year first."""
    return session.scalars(select(IncidentAnnexRow).order_by(IncidentAnnexRow.half)).all()


def keep_annex(session: Session, row: IncidentAnnexRow) -> None:
    session.add(row)
