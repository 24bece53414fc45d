"""What the incident annex keeps: counts by half-year, and the annexes that were approved. No row is of a person."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class IncidentEntryRow(Base):
    """One state of the counts of a half-year: typed or imported, and taken or only proposed. The last that was taken is
    the one that holds; those before it are there to go back to, until the annex is approved."""

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
