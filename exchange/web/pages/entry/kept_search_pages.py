"""Searches that are kept under a name: kept from the search page, looked at, stopped and taken up again."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.alerts.kept_searches import MAY_KEEP, keep_search, look_at_search, resume_search, stop_search
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import RowNumber
from exchange.web.pages.entry.search_form import question_of, search_address, typed_in
from exchange.web.pages.layout import Visitor, off_loop, only, read_form

router = APIRouter()

Keeping = Annotated[Visitor, Depends(only(*sorted(MAY_KEEP)))]


@router.post("/searches")
async def keep(request: Request, node: OpenNode, who: Keeping) -> Response:
    """What the search page shows, as its address says it."""
    fields = await read_form(request, node, who.csrf)
    question = question_of(typed_in(QueryParams(parse_qsl(fields.get("question", "")[:4000], max_num_fields=100))))
    if question.wanted is None:
        raise InvalidInput(" ".join(question.problems.values()), code="invalid-field")
    await off_loop(keep_search, node, who.caller.pseudonym, fields.get("title", ""), question.wanted)
    return RedirectResponse("/app/#searches", 303)


@router.get("/searches/{search_id}")
def look(node: OpenNode, who: Keeping, search_id: RowNumber) -> Response:
    """Leads to the search; what fits by now is new no more."""
    wanted = look_at_search(node, who.caller.pseudonym, search_id)
    return RedirectResponse(search_address(wanted), 303)


@router.post("/searches/{search_id}/stop")
async def stop(request: Request, node: OpenNode, who: Keeping, search_id: RowNumber) -> Response:
    await read_form(request, node, who.csrf)
    await off_loop(stop_search, node, who.caller.pseudonym, search_id)
    return RedirectResponse("/app/#searches", 303)


@router.post("/searches/{search_id}/resume")
async def resume(request: Request, node: OpenNode, who: Keeping, search_id: RowNumber) -> Response:
    """The search was stopped too early."""
    await read_form(request, node, who.csrf)
    await off_loop(resume_search, node, who.caller.pseudonym, search_id)
    return RedirectResponse("/app/#searches", 303)
