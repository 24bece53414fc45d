"""The language of the pages, and whether they are light or dark: chosen in the header, kept by the browser."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.languages import CODES
from exchange.web.languages.spoken import COOKIE, local_page
from exchange.web.pages.layout import read_form
from exchange.web.pages.themes import THEME_COOKIE, THEMES

router = APIRouter()

_KEPT_S: Final = 400 * 86_400  # the longest that browsers keep a cookie


@router.post("/language")
async def choose(request: Request, node: OpenNode) -> Response:
    """For everybody, also before the sign-in; then back to the page where it was chosen."""
    fields = await read_form(request, node, None)
    if fields.get("language") not in CODES:
        raise InvalidInput("Choose one of the languages of the menu.", code="invalid-field")
    return _kept(node, COOKIE, fields["language"], fields.get("back", ""))


@router.post("/theme")
async def choose_theme(request: Request, node: OpenNode) -> Response:
    """As the language. An empty choice is the system's."""
    fields = await read_form(request, node, None)
    if fields.get("theme") not in ("", *THEMES):
        raise InvalidInput("Choose light, dark, or as the system has it.", code="invalid-field")
    return _kept(node, THEME_COOKIE, fields["theme"], fields.get("back", ""))


def _kept(node: Node, name: str, value: str, back: str) -> Response:
    answer = RedirectResponse(local_page(back), 303)
    secure = node.settings.url.startswith("https:")
    answer.set_cookie(name, value, max_age=_KEPT_S, path="/app", secure=secure, httponly=True, samesite="strict")
    return answer
