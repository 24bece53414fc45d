"""Hand a local pack out at its node: the file of its inputs, and what the audit log says of it."""

from __future__ import annotations

from exchange.coordination.meetings.pack.approve_inputs import signed_inputs
from exchange.coordination.meetings.pack.local_pack import LocalPack
from exchange.coordination.meetings.pack.pack_inputs_document import write_inputs
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed


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
