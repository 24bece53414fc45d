"""Hand a local pack out at its node: the file of its inputs, and what the audit log says of it."""

from __future__ import annotations

from exchange.coordination.meetings.pack.approve_inputs import signed_inputs
from exchange.coordination.meetings.pack.local_pack import LocalPack
from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand, PackInputs, write_inputs
from exchange.coordination.meetings.pack_paper.pack_words import side_names
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
from exchange.web.languages import gettext as _


def inputs_facts(inputs: PackInputs) -> list[tuple[str, str]]:
    """Title and value of each figure, in the language of the reader."""
    still_open = [action for action in inputs.actions if action.is_open]
    late = sum(action.overdue for action in still_open)
    behind = (OverdueBand.SOME, OverdueBand.MANY)
    waiting = [item.partner for item in inputs.overdue if item.steps in behind or item.decisions in behind]
    snapshot = inputs.maturity_of(inputs.half_year)
    return [
        (_("Half-year"), inputs.half),
        (_("Day"), inputs.as_of.isoformat()),
        (_("SHA-256 of the report's manifest"), inputs.report or _("not approved")),
        (_("Meetings and trainings held"), str(len(inputs.meetings))),
        (_("People who attended"), str(sum(meeting.people for meeting in inputs.meetings))),
        (_("Open actions"), _("%(open)s, of which overdue: %(late)s", open=len(still_open), late=late)),
        (_("Partners that wait beyond the term"), side_names(waiting) or "0"),
        (_("Articles of law"), str(inputs.law.articles)),
        (_("What is missing in law"), str(len(inputs.law.lacks))),
        (_("Level of maturity"), str(snapshot.reached) if snapshot is not None else _("no snapshot")),
    ]


def inputs_file(node: Node, found: LocalPack) -> tuple[str, bytes]:
    """Name and content: signed where the head approved what they say now, else the draft, whose name says so. Raises
    Conflict, code "head-not-signed", for a second after the approval."""
    base = f"inputs-{node.node_id}-{found.pack.half}"
    if found.approved:
        return f"{base}.json", signed_inputs(node, found.pack.half)
    return f"{base}-draft.json", write_inputs(found.pack.inputs[0])


def note_pack(node: Node, by: Actor, found: LocalPack) -> None:
    """Raises NotAudited."""
    side = found.pack.sides[0]
    subjects = tuple(name for name in (side.report_approval, side.approval) if name is not None)
    asked = f"{found.pack.half} pack"
    node.audit.note(Deed(by, Act.READ_MONITORING, 1, subjects, asked=asked, purpose=SUPERVISION))
