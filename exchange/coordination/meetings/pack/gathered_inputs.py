"""What coordination gives to a meeting pack, of one node and one half-year: its own actions, and sums of who attended.

Of attendance there is institution by sex and role by sex, and never the three together: a cell of these would be one
person. The whole file that leaves the node is ``exchange.coordination.meetings.pack.pack_inputs_document``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.agreed_actions import ListedAction, open_actions
from exchange.coordination.meetings.held_meetings import Attendance, HeldMeeting, meetings_of
from exchange.flows.node.node import Node
from schemas.vocabulary import MeetingKind


def coordination_inputs(node: Node, half: Half) -> dict[str, Any]:
    """The same rows give the same fields, in the same order."""
    meetings = meetings_of(node, half)
    return {
        "actions": [action_fields(item) for item in open_actions(node, half)],
        "meetings": [_meeting(meeting) for meeting in meetings],
        "held": held_fields(meetings),
    }


def held_fields(meetings: Iterable[HeldMeeting]) -> dict[str, Any]:
    """By kind of meeting."""
    found = list(meetings)
    return {kind.value: _sums(found, kind) for kind in MeetingKind}


def action_fields(item: ListedAction) -> dict[str, Any]:
    said = item.said
    return {
        "issuer": said.issuer,
        "number": said.number,
        "statement_id": item.statement_id,
        "title": said.title,
        "owner": said.owner,
        "owner_role": said.owner_role,
        "due": said.due.isoformat(),
        "meeting": said.meeting,
        "met_on": said.met_on.isoformat(),
        "state": said.state,
        "closed_on": said.closed_on.isoformat() if said.closed_on else None,
        "remark": said.remark,
        "overdue": item.overdue,
    }


def _meeting(meeting: HeldMeeting) -> dict[str, Any]:
    return {
        "kind": meeting.kind,
        "held_on": meeting.held_on.isoformat(),
        "title": meeting.title,
        "people": meeting.people,
    }


def _sums(meetings: Iterable[HeldMeeting], kind: MeetingKind) -> dict[str, Any]:
    """Over all of one kind in the half-year: who attends twice counts twice."""
    chosen = [meeting for meeting in meetings if meeting.kind is kind]
    lines = [line for meeting in chosen for line in meeting.attended]
    return {
        "meetings": len(chosen),
        "people": sum(line.count for line in lines),
        "by_institution": _by(lines, "institution"),
        "by_role": _by(lines, "role"),
    }


def _by(lines: Iterable[Attendance], of: str) -> list[dict[str, Any]]:
    counted = Counter[tuple[str, str]]()
    for line in lines:
        counted[getattr(line, of).value, line.sex.value] += line.count
    return [{of: word, "sex": sex, "count": count} for (word, sex), count in sorted(counted.items())]
