"""``/v1/firearms``: the firearms that this laboratory holds, which its test fires name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from exchange.flows.entry import firearms as flow
from exchange.flows.entry.firearms import FirearmChanged, FirearmEntered
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode, Submitter
from exchange.web.access.consulting import Consulting
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.http.path_types import FirearmInPath
from schemas import Firearm
from schemas.statement_base import Moment

router = APIRouter(prefix="/v1/firearms", tags=["firearms"])


class FirearmAnswer(BaseModel):
    firearm: Firearm
    serial_number: str | None
    remark: str | None
    entered_by: str
    entered_at: Moment
    changed_at: Moment


class FirearmWithTestFires(FirearmAnswer):
    test_fires: list[str] = Field(description="The current records that name it, the newest first; 200 at most.")


class FirearmPage(BaseModel):
    items: list[FirearmAnswer]
    next: str | None


@router.get("", response_model=FirearmPage)
def search_firearms(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    text: Annotated[str, Query(max_length=120, description="A part of pseudonym, make, model, calibre, number.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> FirearmPage:
    """The firearms of this laboratory, the last changed first."""
    skip = 0 if cursor is None else int(decode_cursor(cursor, 1)[0])
    found = flow.find_firearms(node, text, skip=max(skip, 0), limit=limit + 1)
    following = encode_cursor(skip + limit) if len(found) > limit else None
    link_next(request, response, following)
    shown = found[:limit]
    names = (item.stated.firearm_id for item in shown)
    asker.note(Act.READ_FIREARM, len(shown), *names, asked={"text": text} if text else None)
    return FirearmPage(items=[FirearmAnswer(firearm=item.stated, **vars(item)) for item in shown], next=following)


@router.post("", status_code=201, response_model=FirearmWithTestFires)
def enter_firearm(
    response: Response, node: OpenNode, caller: Submitter, entered: FirearmEntered
) -> FirearmWithTestFires:
    """Enter a firearm. A test fire that names one which is not here yet enters it too."""
    flow.enter_firearm(node, caller.maker, entered.firearm, entered.serial_number, entered.remark)
    flow.note_change(node, caller.actor, "entered", entered.firearm.firearm_id)
    response.headers["Location"] = f"/v1/firearms/{entered.firearm.firearm_id}"
    return _file(node, entered.firearm.firearm_id)


@router.get("/{firearm_id:path}", response_model=FirearmWithTestFires)
def read_firearm(node: OpenNode, asker: Consulting, firearm_id: FirearmInPath) -> FirearmWithTestFires:
    """One firearm, with what stays at home, and the test fires that name it."""
    found = _file(node, firearm_id)
    asker.note(Act.READ_FIREARM, 1, firearm_id)
    return found


@router.put("/{firearm_id:path}", response_model=FirearmWithTestFires)
def change_firearm(
    node: OpenNode, caller: Submitter, firearm_id: FirearmInPath, changed: FirearmChanged
) -> FirearmWithTestFires:
    """Put down what is known of a firearm now. Records that name it say what they said when they were signed."""
    stated = changed.firearm.model_copy(update={"firearm_id": firearm_id})
    flow.change_firearm(node, caller.maker, stated, changed.serial_number, changed.remark, changed.seen)
    flow.note_change(node, caller.actor, "changed", firearm_id)
    return _file(node, firearm_id)


@router.delete("/{firearm_id:path}", status_code=204, response_class=Response)
def delete_firearm(node: OpenNode, caller: Submitter, firearm_id: FirearmInPath) -> Response:
    """Take a firearm off the list that no current record names."""
    flow.forget_firearm(node, caller.maker, firearm_id)
    flow.note_change(node, caller.actor, "removed", firearm_id)
    return Response(status_code=204)


def _file(node: Node, firearm_id: str) -> FirearmWithTestFires:
    found = flow.read_firearm(node, firearm_id)
    names = [row.statement_id for row in found.test_fires]
    return FirearmWithTestFires(firearm=found.firearm.stated, **vars(found.firearm), test_fires=names)
