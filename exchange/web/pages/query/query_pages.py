"""Ask other jurisdictions whether they have seen a firearm, follow the answers, and ask for what was found."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.flows.query.ask import MAX_PEERS, Question, QuestionOutcome, ask
from exchange.flows.query.read_queries import (
    LAST_ASKED_FIRST,
    MOST_SORTED,
    QueryColumn,
    askable_record,
    names_found,
    read_queries,
)
from exchange.flows.query.release_request import request_release
from exchange.flows.review.records import find_record
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import StatementId
from exchange.web.languages import term
from exchange.web.pages.layout import PURPOSE_MISSING, Reading, Visitor, off_loop, only, page, read_form
from exchange.web.pages.sorting import Direction, PageCursor, Sorting, cursor_after, opened_cursor, order_of
from schemas.exhibit import ShortText
from schemas.vocabulary import LawfulPurpose, Role

router = APIRouter()

_ON_A_PAGE = 50
_FALLING: Final = (QueryColumn.ASKED,)
_PEER_FIELD = "peer-"
"""A form has each name once: one box for each peer."""
Asking = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.INVESTIGATOR))]
_LINE: TypeAdapter[str] = TypeAdapter(ShortText)


@router.get("/queries")
def queries_page(
    node: OpenNode,
    who: Reading,
    received: bool = False,
    sort: QueryColumn | None = None,
    order: Direction | None = None,
    cursor: PageCursor = None,
) -> Response:
    """Own queries and how far their answers are; or what peers asked here. A band is shown, never a score."""
    asker, before = who.consultation, None
    wanted = order_of(LAST_ASKED_FIRST, _FALLING, sort, order)
    if cursor is not None:
        wanted, before = opened_cursor(cursor, wanted, 0 if wanted.column is QueryColumn.ASKED else 1)
    found = read_queries(node, *asker.reader, own=not received, before=before, limit=_ON_A_PAGE, order=wanted)
    asker.note(Act.LIST_STATEMENTS, len(found.items), *(item.row.statement_id for item in found.items))
    columns = list(QueryColumn) if found.count <= MOST_SORTED else [QueryColumn.ASKED]
    kept = {"received": "1"} if received else {}
    sorting = Sorting(found.order, LAST_ASKED_FIRST, columns, _FALLING, "/app/queries", kept)
    following = None if found.following is None else sorting.address_after(cursor_after(found.order, *found.following))
    return page(
        "queries",
        who,
        queries=found.items,
        received=received,
        following=following,
        sorting=sorting,
        count=found.count,
        most=MOST_SORTED,
        may_ask=who.caller.role is not Role.HEAD,
    )


@router.get("/records/{statement_id}/ask")
def form(node: OpenNode, who: Asking, statement_id: StatementId) -> Response:
    """Which scan of an own record travels, to whom, and why it may."""
    asker = who.consultation
    found = askable_record(node, statement_id)
    if found is None:
        raise NotFound("There is no such record of this node's own.")
    asker.note(Act.READ_RECORD, 1, statement_id)
    named = [(peer.node_id, term(peer.jurisdiction, "jurisdiction")) for peer in found.peers]
    return page("ask", who, record=found.record, scans=found.scans, peers=named, box=_PEER_FIELD, outcome=None)


@router.post("/records/{statement_id}/ask")
async def send(request: Request, node: OpenNode, who: Asking, statement_id: StatementId) -> Response:
    """Sign a query for each peer that was ticked."""
    fields = await read_form(request, node, who.csrf)
    outcome = await off_loop(_ask, node, who, statement_id, fields)
    if any(item.query is None for item in outcome):  # else all of it stands in the list
        return await off_loop(_what_came_of_it, node, who, statement_id, outcome)
    return RedirectResponse("/app/queries", 303)


@router.post("/queries/{statement_id}/requests")
async def ask_for_release(request: Request, node: OpenNode, who: Asking, statement_id: StatementId) -> Response:
    """The second step: the owner's head decides on what was found."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_request, node, who, statement_id, fields)
    return RedirectResponse(f"/app/queries#q-{statement_id[:12]}", 303)


def _what_came_of_it(node: Node, who: Visitor, statement_id: str, outcome: list[QuestionOutcome]) -> Response:
    record = find_record(node, statement_id)
    return page("ask", who, record=record, scans=[], peers=[], box=_PEER_FIELD, outcome=outcome)


def _ask(node: Node, who: Visitor, statement_id: str, fields: dict[str, str]) -> list[QuestionOutcome]:
    if who.purpose is None or not who.legal_basis:
        raise InvalidInput("State on the first page why you ask, and under which law.", code=PURPOSE_MISSING)
    peers = [name.removeprefix(_PEER_FIELD) for name in fields if name.startswith(_PEER_FIELD)]
    if not 0 < len(peers) <= MAX_PEERS:
        raise InvalidInput("Choose which peers are asked.", code="invalid-field")
    position = fields.get("position", "")
    if not position.isascii() or not position.isdecimal() or len(position) > 2:
        raise InvalidInput("Choose a scan.", code="invalid-field")
    question = Question(statement_id, int(position), LawfulPurpose(who.purpose), who.legal_basis)
    return ask(node, who.caller.maker, question, peers)


def _request(node: Node, who: Visitor, statement_id: str, fields: dict[str, str]) -> str:
    handle, because = fields.get("handle", ""), line_of(fields, "because")
    if not names_found(node, statement_id, handle):
        raise NotFound("The answer to this query names nothing of that kind.")
    return request_release(node, who.caller.maker, handle, because)


def line_of(fields: dict[str, str], name: str) -> str:
    """One line that a person gives as a reason. Raises InvalidInput."""
    try:
        return _LINE.validate_python(fields.get(name, "").strip())
    except ValidationError as error:
        raise InvalidInput("Say why, in one line of at most 120 characters.", code="invalid-field") from error
