"""Meetings and trainings of a half-year, and what was agreed on: read by everybody, entered, changed and taken back by
the head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.coordination.form_fields import LineDoubts, day_in, with_doubts, word_in
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.agreed_actions import (
    ListedAction,
    NewAction,
    add_action,
    change_action,
    list_actions,
)
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
from exchange.coordination.meetings.meeting_words import (
    action_state_word,
    institution_word,
    meeting_word,
    office_role_word,
    sex_word,
)
from exchange.coordination.meetings.pack.approve_inputs import waiting_approvals
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, SentForm, SignedIn, Visitor, page
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole, Role

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


ACTIONS_ON_A_PAGE: Final = 50
Skipped = Annotated[int, Query(ge=0, le=1_000_000)]
Chosen = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True)
class ActionFilter:
    """Which actions are listed: of which jurisdiction, in which role, and whether closed ones stand below. None: all of
    them."""

    owner: Jurisdiction | None
    role: OfficeRole | None
    open_only: bool

    @classmethod
    def read(cls, owner: str, role: str, open_only: bool) -> ActionFilter:
        """Raises InvalidInput."""
        return cls(
            _owner_in({"owner": owner}) if owner else None,
            word_in({"role": role}, "role", OfficeRole) if role else None,
            open_only,
        )

    def holds(self, item: ListedAction) -> bool:
        return self.owner in (None, item.said.owner) and self.role in (None, item.said.owner_role)

    @property
    def said(self) -> dict[str, str]:
        """As an address holds it."""
        found = {"owner": self.owner, "role": self.role, "open_only": "yes" if self.open_only else None}
        return {name: str(value) for name, value in found.items() if value}


@dataclass(frozen=True)
class ActionsShown:
    """Some of a list, from the one after ``skip`` on; ``following``: how many are to be skipped for the next ones."""

    items: Sequence[ListedAction]
    count: int
    skip: int

    @property
    def following(self) -> int | None:
        after = self.skip + ACTIONS_ON_A_PAGE
        return after if after < self.count else None


@router.get("/actions")
def actions(
    node: OpenNode,
    who: SignedIn,
    owner: Chosen = "",
    role: Chosen = "",
    open_only: bool = False,
    doubt: LineDoubts = (),
    skip: Skipped = 0,
    closed_skip: Skipped = 0,
) -> Response:
    """What is open first, the first due first; then what is closed, the last first. ``doubt``: what the line just
    signed may tell of a person."""
    wanted = ActionFilter.read(owner, role, open_only)
    found = [item for item in list_actions(node) if wanted.holds(item)]
    closed = [item for item in found if not item.is_open and not open_only]
    is_head = who.caller.role is Role.HEAD
    return page(
        "actions",
        who,
        open_ones=_shown([item for item in found if item.is_open], skip),
        closed=_shown(sorted(closed, key=lambda item: str(item.said.closed_on), reverse=True), closed_skip),
        is_head=is_head,
        wanted=wanted,
        here=node.settings.jurisdiction,
        jurisdictions=list(node.jurisdictions),
        roles=list(OfficeRole),
        meetings=list(MeetingKind),
        meeting_word=meeting_word,
        role_word=office_role_word,
        state_word=action_state_word,
        doubts=doubt,
    )


def _shown(items: Sequence[ListedAction], skip: int) -> ActionsShown:
    return ActionsShown(items[skip : skip + ACTIONS_ON_A_PAGE], len(items), skip)


@router.post("/actions")
def say_action(node: OpenNode, who: Heading, fields: SentForm) -> Response:
    """Sign an action, or that one is done, dropped, or open again."""
    if "number" in fields:
        line, state = line_of(fields, "remark"), word_in(fields, "state", ActionState)
        change_action(node, who.caller.maker, fields["number"][:32], state, remark=line)
    else:
        line = line_of(fields, "title")
        new = NewAction(
            line,
            _owner_in(fields),
            word_in(fields, "role", OfficeRole),
            day_in(fields, "due"),
            word_in(fields, "meeting", MeetingKind),
            day_in(fields, "met_on"),
        )
        add_action(node, who.caller.maker, new)
    return RedirectResponse(with_doubts("/app/actions", node, line), 303)


def _owner_in(fields: Mapping[str, str]) -> Jurisdiction:
    """Raises InvalidInput."""
    try:
        return Jurisdiction(fields.get("owner", ""))
    except ValueError as error:
        raise InvalidInput("Choose one of the list.", code="invalid-field") from error
