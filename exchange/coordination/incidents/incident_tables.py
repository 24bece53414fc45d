"""States of the counts of a half-year: the one that holds, those to go back to, the one that is proposed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ForeignKey, Index, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.store.tables.columns import Base


class IncidentEntryRow(Base):
    """One state of the counts of a half-year: typed or imported, and taken or only proposed. The entry that was
    taken last is in force. Earlier ones are kept until the annex is approved, so that a change can be undone."""

    __tablename__ = "incident_entry"
    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    half: Mapped[str]
    way: Mapped[str]
    """"typed" or "imported"."""
    taken: Mapped[bool]
    salt: Mapped[str]
    """Drawn for this state: without it the digest of the exact counts would tell what the public edition holds back."""
    made_by: Mapped[str]
    made_at: Mapped[str]
    rows: Mapped[int]
    """Of the table; 0 of what was typed."""
    report: Mapped[str]
    """JSON: which rows were refused, by number, column and kind of reason alone, and what else the dry run says."""
    __table_args__ = (
        Index("ix_incident_entry_half", "half"),
        {"sqlite_autoincrement": True},  # a number is never another's: a form says which state it was filled in on
    )


class IncidentCountRow(Base):
    """How many persons or incidents one cell counts. Of incidents ``role``, ``sex`` and ``age`` are empty."""

    __tablename__ = "incident_count"
    entry_id: Mapped[int] = mapped_column(ForeignKey("incident_entry.entry_id"), primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(primary_key=True)
    sex: Mapped[str] = mapped_column(primary_key=True)
    age: Mapped[str] = mapped_column(primary_key=True)
    offence: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    weapon: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class IncidentAnnexRow(Base):
    """The annex of one half-year as the head approved it: the exact edition, the public one, and what binds both."""

    __tablename__ = "incident_annex"
    half: Mapped[str] = mapped_column(primary_key=True)
    exact: Mapped[bytes]
    told: Mapped[bytes]
    manifest: Mapped[bytes]
    sha256: Mapped[str]
    """Of the manifest."""
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed statement whose ``concerns`` is the digest."""
    approved_by: Mapped[str]
    approved_at: Mapped[str]


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
