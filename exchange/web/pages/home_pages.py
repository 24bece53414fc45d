"""The first page: for each role what it is to do, and for those who read, what this session is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.access.sessions import state_purpose
from exchange.flows.alerts.worklist import WorkOf
from exchange.web.access.caller import OpenNode
from exchange.web.languages.spoken import local_page
from exchange.web.pages.homes.auditor import auditor_home
from exchange.web.pages.homes.head import head_home
from exchange.web.pages.homes.operator import operator_home
from exchange.web.pages.homes.reader_pages import reader_home
from exchange.web.pages.layout import SignedIn, Visitor, cookie_name, off_loop, page, read_form
from schemas.exhibit import ShortText
from schemas.vocabulary import LawfulPurpose, Role

router = APIRouter()

_LINE: TypeAdapter[str] = TypeAdapter(ShortText)
_HOMES: Final[dict[Role, Callable[[Visitor], dict[str, Any]]]] = {
    Role.HEAD: head_home,
    Role.OPERATOR: operator_home,
    Role.AUDITOR: auditor_home,
}


@router.get("/")
def home(who: SignedIn, tour: bool = False, of: WorkOf | None = None) -> Response:
    """``tour``: with the steps that say what is where; the first sign-in leads here with it. ``of``: which lines of
    what is to be done, for whoever reads and signs."""
    shown = _HOMES[who.caller.role](who) if who.caller.role in _HOMES else reader_home(who, of)
    return page("home", who, tour=tour, **shown)


@router.post("/purpose")
async def state(request: Request, node: OpenNode, who: SignedIn) -> Response:
    """Why this session searches and reads, and under which law: it goes with each query to the audit log. Then back to
    the page on which it was stated."""
    fields = await read_form(request, node, who.csrf)
    try:
        purpose, line = LawfulPurpose(fields.get("purpose", "")), _LINE.validate_python(fields.get("legal_basis", ""))
    except (ValueError, ValidationError) as error:
        raise InvalidInput(
            "Choose a purpose, and name the law and the case in one line of at most 120 characters.",
            code="invalid-legal-basis",
        ) from error
    await off_loop(state_purpose, node, request.cookies[cookie_name(node)], purpose, line)
    return RedirectResponse(local_page(fields.get("back", "")), 303)
