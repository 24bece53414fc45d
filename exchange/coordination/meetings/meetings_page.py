"""Meetings and trainings of a half-year: read by everybody, entered, changed and taken back by the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.coordination.form_fields import LineDoubts, day_in, with_doubts, word_in
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.held_meetings import (
    MOST_ATTEND,
    Attendance,
    HeldMeeting,
    NewMeeting,
    change_meeting,
    counted_people,
    enter_meeting,
    list_meetings,
    read_meeting,
    take_back_meeting,
)
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.meeting_words import institution_word, meeting_word, office_role_word, sex_word
from exchange.coordination.meetings.pack.waiting_approvals import waiting_approvals
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, SentForm, SignedIn, Visitor, page
from exchange.web.pages.query.queries import line_of
from schemas.vocabulary import MeetingKind, OfficeRole, Role

router = APIRouter()

MeetingId = Annotated[int, Path(ge=1, le=2**63 - 1)]
MOST_ROWS: Final = 11
"""Of a form: each has five fields."""
FIRST_ROWS: Final = 6
HALVES_OFFERED: Final = 8


@dataclass
class AttendanceFormRow:
    """One row of the form: an institution and a role, with a count for each sex."""

    institution: Institution | None = None
    role: OfficeRole | None = None
    counts: dict[AttendeeSex, int] = field(default_factory=dict)


@router.get("/meetings")
def meetings(node: OpenNode, who: SignedIn, half: str | None = None, doubt: LineDoubts = ()) -> Response:
    """Of a half-year. Where none is named: for the head of that which ended last, as long as something of it waits to
    be approved; else of that which lasts. ``doubt``: what the title just kept may tell."""
    lasting = Half.of(datetime.fromisoformat(stamp()))
    wanted = _first_shown(node, who, lasting) if half is None else Half.parse(half)
    found = list_meetings(node, wanted)
    return _page("meetings", who, meetings=found, half=wanted, halves=_before(lasting), doubts=doubt)


@router.post("/meetings")
def keep_meeting(node: OpenNode, who: Heading, fields: SentForm) -> Response:
    """Keep a meeting that was held."""
    new = _read(fields)
    enter_meeting(node, who.caller.actor, new)
    return RedirectResponse(with_doubts(f"/app/meetings?half={_half_of(new)}", node, new.title), 303)


@router.get("/meetings/{meeting_id}")
def meeting(node: OpenNode, who: Heading, meeting_id: MeetingId) -> Response:
    """The form that changes it."""
    found = read_meeting(node, meeting_id)
    rows = _rows_of(found)
    return _page("meeting", who, meeting=found, rows=rows, fits=len(rows) <= MOST_ROWS)


@router.post("/meetings/{meeting_id}")
def correct_meeting(node: OpenNode, who: Heading, meeting_id: MeetingId, fields: SentForm) -> Response:
    """Change it, take it back, or put it back."""
    match fields.get("act"):
        case "take_back" | "put_back" as act:
            half = _half_of(read_meeting(node, meeting_id))
            take_back_meeting(node, who.caller.actor, meeting_id, back=act == "take_back")
            return RedirectResponse(f"/app/meetings?half={half}", 303)
        case "change":
            new = _read(fields)
            change_meeting(node, who.caller.actor, meeting_id, new)
            return RedirectResponse(with_doubts(f"/app/meetings?half={_half_of(new)}", node, new.title), 303)
        case _:
            raise InvalidInput("Choose one of the list.", code="invalid-field")


def _first_shown(node: Node, who: Visitor, lasting: Half) -> Half:
    last = lasting.before()
    waits = who.caller.role is Role.HEAD and any(item.period == last for item in waiting_approvals(node))
    return last if waits else lasting


def _page(name: str, who: Visitor, **values: Any) -> Response:
    return page(
        name,
        who,
        is_head=who.caller.role is Role.HEAD,
        kinds=list(MeetingKind),
        institutions=list(Institution),
        roles=list(OfficeRole),
        sexes=list(AttendeeSex),
        blank=[AttendanceFormRow() for _ in range(FIRST_ROWS)],
        meeting_word=meeting_word,
        institution_word=institution_word,
        role_word=office_role_word,
        sex_word=sex_word,
        most=MOST_ATTEND,
        **values,
    )


def _half_of(meeting: NewMeeting | HeldMeeting) -> Half:
    return Half(meeting.held_on.year, 1 if meeting.held_on.month <= 6 else 2)


def _before(half: Half) -> list[Half]:
    found = [half]
    while len(found) < HALVES_OFFERED:
        found.append(found[-1].before())
    return found


def _rows_of(found: HeldMeeting) -> list[AttendanceFormRow]:
    """The rows as they were entered, and some to add."""
    rows: dict[tuple[Institution, OfficeRole], AttendanceFormRow] = {}
    for line in found.attended:
        row = rows.setdefault((line.institution, line.role), AttendanceFormRow(line.institution, line.role))
        row.counts[line.sex] = line.count
    blank = max(0, min(3, MOST_ROWS - len(rows)))
    return [*rows.values(), *(AttendanceFormRow() for _ in range(blank))]


def _read(fields: dict[str, str]) -> NewMeeting:
    """Raises InvalidInput."""
    return NewMeeting(
        word_in(fields, "kind", MeetingKind),
        day_in(fields, "held_on"),
        line_of(fields, "title"),
        tuple(_attended(fields)),
    )


def _attended(fields: dict[str, str]) -> Iterator[Attendance]:
    for place in range(MOST_ROWS):
        counts: Sequence[tuple[AttendeeSex, str]] = [
            (sex, fields.get(f"{sex}-{place}", "").strip()) for sex in AttendeeSex
        ]
        stated = [(sex, count) for sex, count in counts if count not in ("", "0")]
        if not stated:
            continue
        institution = word_in(fields, f"institution-{place}", Institution)
        role = word_in(fields, f"role-{place}", OfficeRole)
        for sex, count in stated:
            yield Attendance(institution, role, sex, counted_people(count, f"{institution}:{role}:{sex}"))
