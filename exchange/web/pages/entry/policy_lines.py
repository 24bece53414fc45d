"""The policy in force, line by line, and the first line for a peer with which nothing is shared yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import now
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.terms.first_line import FirstLine, list_peers_without_line, state_first_line
from exchange.flows.terms.terms import policy_of
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, Visitor, off_loop, only, page, read_form
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule

router = APIRouter()

PolicyReader = Annotated[Visitor, Depends(only(Role.OPERATOR, Role.HEAD))]
_USUAL_REVIEW = timedelta(days=365)


@router.get("/policy")
def policy_page(node: OpenNode, who: PolicyReader) -> Response:
    """The lines in force, and the jurisdictions of peers that no line names."""
    found = policy_of(node)
    today = now().date()
    return page(
        "policy",
        who,
        lines=found[1].bases if found else (),
        groups=found[1].groups if found else (),
        without=list_peers_without_line(node),
        kinds=list(ExhibitKind),
        rules=list(SharingRule),
        today=today,
        review_by=today + _USUAL_REVIEW,
        may_state=who.caller.role is Role.HEAD,
    )


@router.post("/policy/lines")
async def take_first_line(request: Request, node: OpenNode, who: Heading) -> Response:
    """Sign the policy with one line more."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_state, node, who, fields)
    return RedirectResponse("/app/policy", 303)


def _state(node: Node, who: Visitor, fields: dict[str, str]) -> str:
    try:
        jurisdiction, rule = Jurisdiction(fields.get("jurisdiction", "")), SharingRule(fields.get("rule", ""))
        review_by = date.fromisoformat(fields.get("review_by", ""))
    except ValueError as error:
        raise InvalidInput("Choose a rule and the day of the next review.", code="invalid-field") from error
    kinds = tuple(kind for kind in ExhibitKind if f"kind.{kind}" in fields)
    if not kinds:
        raise InvalidInput("Choose at least one kind of exhibit.", code="invalid-field")
    line = FirstLine(who.caller.maker, kinds, rule, review_by)
    return state_first_line(node, jurisdiction, line_of(fields, "article"), line)
