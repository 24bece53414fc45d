"""Meetings and trainings that were held, with counts of who attended: entered by the head, changed, taken back.

Each node enters the people of its own jurisdiction alone, so that a regional meeting that six nodes enter adds up.
The rows stay in the node and can be corrected; what leaves it are sums (``pack_inputs``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from exchange.clock import stamp, today
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.meeting_tables import (
    AttendanceRow,
    MeetingRow,
    attendance_of,
    find_meeting,
    held_alike,
    meetings_between,
    replace_attendance,
)
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Actor, Deed
from schemas.errors import shown
from schemas.exhibit import ShortText
from schemas.vocabulary import MeetingKind, OfficeRole

MOST_ATTEND: Final = 5000
"""Of one line: more is a slip of the pen."""
MOST_ATTENDANCE_LINES: Final = 100
MOST_MEETINGS: Final = 500
"""Of a half-year."""
_ONE_LINE: Final = TypeAdapter(ShortText)


@dataclass(frozen=True)
class Attendance:
    """How many people of one kind of institution, in one role, of one sex."""

    institution: Institution
    role: OfficeRole
    sex: AttendeeSex
    count: int


@dataclass(frozen=True)
class NewMeeting:
    kind: MeetingKind
    held_on: date
    title: str
    attended: tuple[Attendance, ...]


@dataclass(frozen=True)
class HeldMeeting:
    """A meeting as it stands here. ``counts``: it was not taken back."""

    meeting_id: int
    kind: MeetingKind
    held_on: date
    title: str
    attended: tuple[Attendance, ...]
    entered_by: str
    changed_at: str
    counts: bool

    @property
    def people(self) -> int:
        return sum(line.count for line in self.attended)


def list_meetings(node: Node, half: Half) -> list[HeldMeeting]:
    """Of a half-year, the first first, with those that were taken back."""
    with node.store.read() as session:
        rows = meetings_between(session, half.start[:10], half.end[:10], most=MOST_MEETINGS)
        return _held(session, rows)


def meetings_of(node: Node, half: Half) -> list[HeldMeeting]:
    """Those that count in a half-year."""
    return [meeting for meeting in list_meetings(node, half) if meeting.counts]


def read_meeting(node: Node, meeting_id: int) -> HeldMeeting:
    """Raises NotFound."""
    with node.store.read() as session:
        (found,) = _held(session, [_row(session, meeting_id)])
    return found


def enter_meeting(node: Node, by: Actor, new: NewMeeting) -> int:
    """Keep a meeting that was held. Returns its number.

    Raises InvalidInput; Conflict, code "stands-already", for the same kind, day and title; "too-many" for a half-year.
    """
    _check(new)
    at, half = stamp(), Half(new.held_on.year, 1 if new.held_on.month <= 6 else 2)
    with node.store.write() as session:
        if held_alike(session, new.kind, new.held_on.isoformat(), new.title) is not None:
            raise Conflict("This meeting stands already; change that one.", code="stands-already")
        if len(meetings_between(session, half.start[:10], half.end[:10], most=MOST_MEETINGS)) >= MOST_MEETINGS:
            raise Conflict(f"A half-year holds {MOST_MEETINGS} meetings at most.", code="too-many")
        row = MeetingRow(entered_by=by.name, entered_at=at, taken_back_at=None, **_columns(new, at))
        session.add(row)
        session.flush()
        _keep_attendance(session, row.meeting_id, new.attended)
        meeting_id = row.meeting_id
    _note(node, by, "entered", new.kind, new.held_on.isoformat(), meeting_id)
    return meeting_id


def change_meeting(node: Node, by: Actor, meeting_id: int, new: NewMeeting) -> None:
    """Replace what is kept of a meeting. Raises NotFound; InvalidInput; Conflict, code "stands-already"."""
    _check(new)
    with node.store.write() as session:
        row = _row(session, meeting_id)
        alike = held_alike(session, new.kind, new.held_on.isoformat(), new.title)
        if alike is not None and alike.meeting_id != meeting_id:
            raise Conflict("Another meeting of this kind, day and title stands already.", code="stands-already")
        for name, value in _columns(new, stamp()).items():
            setattr(row, name, value)
        _keep_attendance(session, meeting_id, new.attended)
    _note(node, by, "changed", new.kind, new.held_on.isoformat(), meeting_id)


def take_back_meeting(node: Node, by: Actor, meeting_id: int, *, back: bool = True) -> None:
    """A meeting counts no more, or, with ``back=False``, counts again. Raises NotFound, Conflict."""
    with node.store.write() as session:
        row = _row(session, meeting_id)
        if (row.taken_back_at is not None) == back:
            raise Conflict("It is so already; nothing was changed.", code="nothing-to-change")
        if not back and held_alike(session, row.kind, row.held_on, row.title) is not None:
            raise Conflict("Another meeting of this kind, day and title stands already.", code="stands-already")
        row.changed_at = stamp()
        row.taken_back_at = row.changed_at if back else None
        kind, held_on = row.kind, row.held_on
    _note(node, by, "taken back" if back else "put back", kind, held_on, meeting_id)


def counted_people(typed: str, who: str) -> int:
    """A count as it was typed. Raises InvalidInput, which names the line and what was typed."""
    number = typed.strip()
    if number.isascii() and number.isdigit() and len(number) < 10 and 1 <= int(number) <= MOST_ATTEND:
        return int(number)
    said = f"{who}: the count is a whole number from 1 to {MOST_ATTEND}, not {shown(typed, 40) or 'nothing'}."
    raise InvalidInput(f"{said} Leave out a line of which nobody attended.", code="invalid-field")


def _check(new: NewMeeting) -> None:
    """Raises InvalidInput."""
    try:
        _ONE_LINE.validate_python(new.title)
    except ValidationError as error:
        raise InvalidInput(
            "The title is one line of at most 120 printable characters, with no space at either end.",
            code="invalid-field",
        ) from error
    if new.held_on > today() or new.held_on.year < 2018:
        raise InvalidInput("A meeting that was held has a day that has come, of 2018 or later.", code="invalid-field")
    if not new.attended:
        said = "Count at least one person of the own jurisdiction who attended: a meeting of nobody is not kept."
        raise InvalidInput(said, code="nobody-attended")
    if len(new.attended) > MOST_ATTENDANCE_LINES:
        raise InvalidInput(f"A meeting has {MOST_ATTENDANCE_LINES} lines of attendance at most.", code="invalid-field")
    lines = Counter(f"{line.institution}:{line.role}:{line.sex}" for line in new.attended)
    if twice := [who for who, times in lines.items() if times > 1]:
        said = f"Two lines count the same institution, role and sex: {twice[0]}. Add them up."
        raise InvalidInput(said, code="invalid-field")
    for line in new.attended:
        counted_people(str(line.count), f"{line.institution}:{line.role}:{line.sex}")


def _columns(new: NewMeeting, at: str) -> dict[str, str]:
    return {"kind": new.kind, "held_on": new.held_on.isoformat(), "title": new.title, "changed_at": at}


def _keep_attendance(session: Session, meeting_id: int, attended: Sequence[Attendance]) -> None:
    rows = (AttendanceRow(meeting_id=meeting_id, **vars(line)) for line in attended)
    replace_attendance(session, meeting_id, rows)


def _row(session: Session, meeting_id: int) -> MeetingRow:
    row = find_meeting(session, meeting_id)
    if row is None:
        raise NotFound(f"There is no meeting {meeting_id} here. See: ffp meeting list")
    return row


def _held(session: Session, rows: Sequence[MeetingRow]) -> list[HeldMeeting]:
    attended = attendance_of(session, [row.meeting_id for row in rows])
    return [
        HeldMeeting(
            row.meeting_id,
            MeetingKind(row.kind),
            date.fromisoformat(row.held_on),
            row.title,
            tuple(
                Attendance(Institution(line.institution), OfficeRole(line.role), AttendeeSex(line.sex), line.count)
                for line in attended.get(row.meeting_id, ())
            ),
            row.entered_by,
            row.changed_at,
            row.taken_back_at is None,
        )
        for row in rows
    ]


def _note(node: Node, by: Actor, what: str, kind: str, held_on: str, meeting_id: int) -> None:
    node.audit.note(Deed(by, Act.CHANGE_MEETING, 1, (str(meeting_id),), f"{what}: {kind} {held_on}"))
