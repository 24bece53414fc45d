"""The first page: what waits, and what this session is for."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.access.sessions import state_purpose
from exchange.flows.blind.visibility import view_of
from exchange.flows.operate.status import node_status
from exchange.flows.review.deadlines import tell_duties
from exchange.flows.review.kept_searches import MAY_KEEP, MOST_TOLD, kept_searches
from exchange.flows.sync.progress import sync_status
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import SignedIn, cookie_name, off_loop, page, read_form
from schemas.exhibit import ShortText
from schemas.vocabulary import LawfulPurpose, Role

router = APIRouter()

_LINE: TypeAdapter[str] = TypeAdapter(ShortText)


@router.get("/")
def home(node: OpenNode, who: SignedIn) -> Response:
    reader = (who.caller.role, who.caller.pseudonym)
    due = tell_duties(node, *reader)
    status_now = node_status(node, blind_for=view_of(*reader).blind_for)
    held = holders_now(node) if who.caller.role in (Role.HEAD, Role.OPERATOR) else ()
    kept = kept_searches(node, who.caller.pseudonym) if who.caller.role in MAY_KEEP else []
    return page(
        "home",
        who,
        due=due,
        held=held,
        status_now=status_now,
        peers=sync_status(node),
        purposes=list(LawfulPurpose),
        searches=kept,
        most_told=MOST_TOLD,
    )


@router.post("/purpose")
async def state(request: Request, node: OpenNode, who: SignedIn) -> Response:
    """Why this session searches and reads, and under which law: it goes with each query to the audit log."""
    fields = await read_form(request, node, who.csrf)
    try:
        purpose, line = LawfulPurpose(fields.get("purpose", "")), _LINE.validate_python(fields.get("legal_basis", ""))
    except (ValueError, ValidationError) as error:
        raise InvalidInput(
            "Choose a purpose, and name the law and the case in one line of at most 120 characters.",
            code="invalid-legal-basis",
        ) from error
    await off_loop(state_purpose, node, request.cookies[cookie_name(node)], purpose, line)
    return RedirectResponse("/app/", 303)
