"""The language of the pages: chosen in the header, kept by the browser."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.web.access.caller import OpenNode
from exchange.web.languages import CODES
from exchange.web.languages.spoken import COOKIE, local_page
from exchange.web.pages.layout import read_form

router = APIRouter()

_KEPT_S = 400 * 86_400  # the longest that browsers keep a cookie


@router.post("/language")
async def choose(request: Request, node: OpenNode) -> Response:
    """For everybody, also before the sign-in; then back to the page where it was chosen."""
    fields = await read_form(request, node, None)
    if fields.get("language") not in CODES:
        raise InvalidInput("Choose one of the languages of the menu.", code="invalid-field")
    answer = RedirectResponse(local_page(fields.get("back", "")), 303)
    secure = node.settings.url.startswith("https:")
    answer.set_cookie(
        COOKIE, fields["language"], max_age=_KEPT_S, path="/app", secure=secure, httponly=True, samesite="strict"
    )
    return answer
