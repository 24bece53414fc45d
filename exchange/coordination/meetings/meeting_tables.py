"""Meetings and trainings that were held, and how many people attended them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.store.tables.columns import Base


def find_meeting(session: Session, meeting_id: int) -> MeetingRow | None:
    return session.get(MeetingRow, meeting_id)


def meetings_between(session: Session, start: str, end: str, *, most: int) -> Sequence[MeetingRow]:
    """Return at most ``most`` meetings held from ``start`` to before ``end``, the earliest first. Meetings that were
    taken back are included."""
    found = select(MeetingRow).where(MeetingRow.held_on >= start, MeetingRow.held_on < end)
    return session.scalars(found.order_by(MeetingRow.held_on, MeetingRow.meeting_id).limit(most)).all()


def held_alike(session: Session, kind: str, held_on: str, title: str) -> MeetingRow | None:
    """One that counts, of the same kind, day and title."""
    found = select(MeetingRow).where(
        MeetingRow.kind == kind,
        MeetingRow.held_on == held_on,
        MeetingRow.title == title,
        MeetingRow.taken_back_at.is_(None),
    )
    return session.scalars(found.limit(1)).first()


def attendance_of(session: Session, meeting_ids: Iterable[int]) -> dict[int, list[AttendanceRow]]:
    """By meeting, in the order of institution, role and sex."""
    found = select(AttendanceRow).where(AttendanceRow.meeting_id.in_(list(meeting_ids)))
    by_meeting: dict[int, list[AttendanceRow]] = {}
    for row in session.scalars(found.order_by(AttendanceRow.institution, AttendanceRow.role, AttendanceRow.sex)):
        by_meeting.setdefault(row.meeting_id, []).append(row)
    return by_meeting


def replace_attendance(session: Session, meeting_id: int, rows: Iterable[AttendanceRow]) -> None:
    """Needs a write transaction."""
    session.execute(delete(AttendanceRow).where(AttendanceRow.meeting_id == meeting_id))
    session.add_all(rows)
    session.flush()


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
