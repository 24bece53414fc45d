"""What meetings agreed on: read by everybody, added and closed by the head."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.coordination.actions import NewAction, add_action, change_action, list_actions
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.pages.coordination.form_fields import LineDoubts, day_in, with_doubts, word_in
from exchange.web.pages.layout import Heading, SignedIn, Visitor, off_loop, page, read_form
from exchange.web.pages.queries import line_of
from exchange.web.wording.coordination import action_state_word, meeting_word, office_role_word
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole, Role

router = APIRouter()

CLOSED_SHOWN = 100


@router.get("/actions")
def actions(node: OpenNode, who: SignedIn, doubt: LineDoubts = ()) -> Response:
    """What is open first, the first due first. ``doubt``: what the line just signed may tell of a person."""
    found = list_actions(node)
    return page(
        "actions",
        who,
        open_ones=[item for item in found if item.is_open],
        closed=sorted(
            (item for item in found if not item.is_open), key=lambda item: str(item.said.closed_on), reverse=True
        )[:CLOSED_SHOWN],
        is_head=who.caller.role is Role.HEAD,
        jurisdictions=list(node.jurisdictions),
        roles=list(OfficeRole),
        meetings=list(MeetingKind),
        meeting_word=meeting_word,
        role_word=office_role_word,
        state_word=action_state_word,
        doubts=doubt,
    )


@router.post("/actions")
async def say_action(request: Request, node: OpenNode, who: Heading) -> Response:
    """Sign an action, or that one is done, dropped, or open again."""
    fields = await read_form(request, node, who.csrf)
    line = await off_loop(_say, node, who, fields)
    return RedirectResponse(with_doubts("/app/actions", node, line), 303)


def _say(node: Node, who: Visitor, fields: dict[str, str]) -> str:
    if "number" not in fields:
        title = line_of(fields, "title")
        try:
            owner = Jurisdiction(fields.get("owner", ""))
        except ValueError as error:
            raise InvalidInput("Choose one of the list.", code="invalid-field") from error
        new = NewAction(
            title,
            owner,
            word_in(fields, "role", OfficeRole),
            day_in(fields, "due"),
            word_in(fields, "meeting", MeetingKind),
            day_in(fields, "met_on"),
        )
        add_action(node, who.caller.maker, new)
        return title
    state = word_in(fields, "state", ActionState)
    remark = line_of(fields, "remark")
    change_action(node, who.caller.maker, fields["number"][:32], state, remark=remark)
    return remark
