"""What peers hold that the policy in force would not give them any more: taken back from each, or left for a reason."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.entry.free_text import Doubt, doubts
from exchange.flows.node.node import Node
from exchange.flows.terms.held_under_old_line import (
    HeldDecision,
    HeldOutcome,
    decide_held,
    decided_before,
    read_held_page,
)
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, Visitor, off_loop, page, read_form
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import Jurisdiction

router = APIRouter()

ON_A_PAGE = 50
HELD_SHOWN = 50
HeldDoubts = Annotated[tuple[Doubt, ...], Query(max_length=len(Doubt))]


@router.get("/policy/held")
def held_records(
    node: OpenNode,
    who: Heading,
    jurisdiction: Jurisdiction | None = None,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    doubt: HeldDoubts = (),
) -> Response:
    """By holder, then in the order in which it was stored; what was decided stands below. ``doubt``: what the reason
    just given may tell."""
    found = read_held_page(node, who.caller.actor, jurisdiction, skip=skip, limit=ON_A_PAGE)
    return page(
        "held",
        who,
        holders=found.holders,
        records=found.records,
        following=found.following,
        jurisdiction=jurisdiction,
        decided=decided_before(node, limit=HELD_SHOWN),
        doubts=doubt,
    )


@router.post("/policy/held")
async def take_decision(request: Request, node: OpenNode, who: Heading) -> Response:
    """Sign the withdrawals, or remember that it stays there, and why."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_decide, node, who, fields)
    found = doubts(fields.get("because", ""))
    return RedirectResponse(f"/app/policy/held{'?doubt=' if found else ''}{'&doubt='.join(found)}", 303)


def _decide(node: Node, who: Visitor, fields: dict[str, str]) -> HeldOutcome:
    try:
        jurisdiction, decision = Jurisdiction(fields.get("jurisdiction", "")), HeldDecision(fields.get("decision", ""))
    except ValueError as error:
        raise InvalidInput("Take back or leave one of the list.", code="invalid-field") from error
    record, because = fields.get("record"), line_of(fields, "because")
    if record is not None and not re.fullmatch("[0-9a-f]{64}", record):
        raise InvalidInput("Take back or leave one of the list.", code="invalid-field")
    return decide_held(node, who.caller.maker, who.caller.actor, decision, jurisdiction, because, record=record)
