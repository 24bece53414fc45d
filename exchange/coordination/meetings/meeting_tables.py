"""Meetings and trainings that were held, and how many people attended them."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class MeetingRow(Base):
    """One meeting or training. ``taken_back_at``: it counts no more, and can be put back."""

    __tablename__ = "meeting"
    meeting_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    held_on: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    entered_by: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"))
    entered_at: Mapped[str]
    changed_at: Mapped[str]
    taken_back_at: Mapped[str | None]


class AttendanceRow(Base):
    """How many people of one kind of institution, one role and one sex attended; never who."""

    __tablename__ = "meeting_attendance"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.meeting_id"), primary_key=True, autoincrement=False)
    institution: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    sex: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class PackInputsRow(Base):
    """What a node gives to the meeting pack of a half-year, as its head approved it last: these bytes and no others."""

    __tablename__ = "pack_inputs"
    half: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[bytes]
    sha256: Mapped[str]
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed statement whose ``concerns`` is the digest."""
    approved_by: Mapped[str]
    approved_at: Mapped[str]
