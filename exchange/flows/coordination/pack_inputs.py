"""What a meeting pack is made from, of one node and one half-year: its own actions, and sums of who attended.

One JSON document, the same bytes for the same rows, so that a pack can be made from files. Of attendance it holds
institution by sex and role by sex, and never the three together: a cell of these would be one person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.flows.coordination.actions import ListedAction, open_actions
from exchange.flows.coordination.meetings import Attendance, HeldMeeting, meetings_of
from exchange.flows.monitoring.half_years import Half
from exchange.flows.node.node import Node
from exchange.jurisdictions.directory import Directory
from schemas.vocabulary import MeetingKind

PACK_FORMAT: Final = "ffp-pack-inputs-1"


def pack_inputs(node: Node, half: Half) -> dict[str, Any]:
    """Raises NotFound for a half-year that has not begun."""
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")
    actions, meetings = open_actions(node, half), meetings_of(node, half)
    named = {node.settings.jurisdiction, *(item.said.owner for item in actions)}
    return {
        "format": PACK_FORMAT,
        "half": str(half),
        "node_id": node.node_id,
        "jurisdiction": node.settings.jurisdiction,
        "actions": [_action(item) for item in actions],
        "meetings": [_meeting(meeting) for meeting in meetings],
        "held": {kind.value: _sums(meetings, kind) for kind in MeetingKind},
        "footnotes": _footnotes(node.jurisdictions, named),
    }


def write_pack_inputs(node: Node, half: Half) -> bytes:
    """Raises as ``pack_inputs``."""
    return (json.dumps(pack_inputs(node, half), indent=1, ensure_ascii=False) + "\n").encode()


def _action(item: ListedAction) -> dict[str, Any]:
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


def _footnotes(known: Directory, named: Iterable[str]) -> list[str]:
    return list(known.footnotes(named))
