"""Who works on what: one form takes, gives and puts back, from whatever page a thing stands on."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.review.taken_work import (
    MOST_TAKEN,
    Assigner,
    WorkKey,
    give_work,
    put_work_back,
    take_work,
)
from exchange.web.access.caller import OpenNode
from exchange.web.languages.spoken import local_page
from exchange.web.pages.layout import Reading, Visitor, off_loop, read_form

router = APIRouter()

CHOSEN: Final = "chosen"
"""In the place of one thing: all lines whose box is ticked."""
_TICKED: Final = "on."
_ACTS: Final = ("take", "give", "put-back")


@router.post("/work")
async def change_work(request: Request, node: OpenNode, who: Reading) -> Response:
    """The button that was pressed has the act as its name, and as its value one thing, or that all ticked ones are
    meant."""
    fields = await read_form(request, node, who.csrf, most_fields=MOST_TAKEN + 8)
    changed = await off_loop(_change, node, who, fields)
    line = f"#on-{changed[0]}" if len(changed) == 1 and "lines" in fields else ""
    return RedirectResponse(local_page(fields.get("back", "")) + line, 303)


def _change(node: Node, who: Visitor, fields: dict[str, str]) -> list[WorkKey]:
    """What was changed."""
    pressed = next((act for act in _ACTS if act in fields), None)
    if pressed is None:
        raise InvalidInput("Take, give or put back.", code="invalid-field")
    ticked = [name.removeprefix(_TICKED) for name in fields if name.startswith(_TICKED)]
    keys = [WorkKey.parse(said) for said in (ticked if fields[pressed] == CHOSEN else [fields[pressed]])]
    by = Assigner(who.caller.actor, who.consultation.purpose, who.consultation.legal_basis)
    match pressed:
        case "take":
            take_work(node, by, keys)
        case "give":
            give_work(node, by, keys, fields.get("to", ""))
        case _:
            put_work_back(node, by, keys)
    return keys
