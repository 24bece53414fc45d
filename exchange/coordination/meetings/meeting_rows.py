"""Meetings that were held: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.coordination.meetings.meeting_tables import AttendanceRow, MeetingRow


def find_meeting(session: Session, meeting_id: int) -> MeetingRow | None:
    return session.get(MeetingRow, meeting_id)


def meetings_between(session: Session, start: str, end: str, *, most: int) -> Sequence[MeetingRow]:
    """Held from one day on and before another, the first first; those that were taken back too."""
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
