"""What waits for the head of the Firearms Focal Point: approve or refuse, with a reason that is signed."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.entry.free_text import Doubt, doubts
from exchange.flows.node.node import Node
from exchange.flows.review.approvals import queue_for, sign_decision
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, Visitor, off_loop, only, page, read_form
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import Decision, Jurisdiction, Role

router = APIRouter()

DECIDED_SHOWN = 50
Doubts = Annotated[tuple[Doubt, ...], Query(max_length=len(Doubt))]
Watching = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]


@router.get("/approvals")
def waiting(node: OpenNode, who: Watching, doubt: Doubts = ()) -> Response:
    """The most pressing first; what was decided stands below. ``doubt``: what the reason just signed may tell."""
    asker = who.consultation
    items = queue_for(node, who.caller.role, who.caller.pseudonym, open_only=False)
    open_ones = [item for item in items if item.row.decision is None]
    decided = sorted(
        (item for item in items if item.row.decision is not None),
        key=lambda item: str(item.row.decided_at),
        reverse=True,
    )[:DECIDED_SHOWN]
    subjects = [item.row.concerns for item in [*open_ones, *decided]]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    is_head = who.caller.role is Role.HEAD
    held = sum(holder.records for holder in holders_now(node)) if is_head else 0
    return page("approvals", who, waiting=open_ones, decided=decided, may_decide=is_head, held=held, doubts=doubt)


@router.post("/approvals")
async def answer_approval(request: Request, node: OpenNode, who: Heading) -> Response:
    """Sign the decision; what is approved goes on its way at once."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_decide, node, who, fields)
    found = doubts(fields.get("because", ""), known=node.jurisdictions)
    return RedirectResponse(f"/app/approvals{'?doubt=' if found else ''}{'&doubt='.join(found)}", 303)


def _decide(node: Node, who: Visitor, fields: dict[str, str]) -> str:
    try:
        jurisdiction, decision = Jurisdiction(fields.get("jurisdiction", "")), Decision(fields.get("decision", ""))
    except ValueError as error:
        raise InvalidInput("Approve or refuse one of the list.", code="invalid-field") from error
    concerns, because = fields.get("concerns", ""), line_of(fields, "because")
    if not re.fullmatch("[0-9a-f]{64}", concerns):
        raise InvalidInput("Approve or refuse one of the list.", code="invalid-field")
    return sign_decision(node, who.caller.maker, concerns, jurisdiction, decision, because)
