"""Sign in at the provider and come back, sign out there too. All by links: the policy lets forms go nowhere else."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import quote, unquote

import structlog
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import ExchangeError, NotFound, ProviderUnavailable, TooMany, Unauthenticated
from exchange.flows.access.oidc import AT_PROVIDER_S, CameBack, begin_sign_in, finish_sign_in, leave_address
from exchange.flows.node.node import Node
from exchange.net.oidc import Provider
from exchange.web.access.caller import OpenNode
from exchange.web.access.login_rate_limit import Tries
from exchange.web.pages.access.sign_in_pages import FIRST_PAGE, Back, goes_on_at, session_cookie, sign_in_form
from exchange.web.pages.layout import cookie_name, page

router = APIRouter()
log = structlog.get_logger(__name__)


def the_provider(request: Request) -> Provider:
    """Raises NotFound where there is none."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFound("On this node people sign in with a password alone.")
    return provider


AtProvider = Annotated[Provider, Depends(the_provider)]
Brought = Annotated[str | None, Query(max_length=4000)]


@router.get("/sign-in/provider")
def go(request: Request, node: OpenNode, provider: AtProvider, back: Back = FIRST_PAGE) -> Response:
    tries: Tries = request.app.state.tries
    browser = secrets.token_urlsafe(32)
    try:
        tries.take(request)
        answer = RedirectResponse(begin_sign_in(node, provider, browser), 303)
    except (ProviderUnavailable, TooMany) as error:
        return _refused(node, error, back)
    # lax: the browser comes back from another site, and must show that it is the one that went there
    secure = node.settings.url.startswith("https:")
    for name, value in ((_cookie(node), browser), (_back_cookie(node), quote(goes_on_at(back), safe="/"))):
        answer.set_cookie(name, value, path="/", max_age=AT_PROVIDER_S, secure=secure, httponly=True, samesite="lax")
    return answer


@router.get("/sign-in/callback")
def come_back(
    request: Request,
    node: OpenNode,
    provider: AtProvider,
    state: Brought = None,
    code: Brought = None,
    error: Brought = None,
    iss: Brought = None,
) -> Response:
    """A page of its own that leads on: on a redirect that began at another site the session's cookie is not sent."""
    tries: Tries = request.app.state.tries
    back = goes_on_at(unquote(request.cookies.get(_back_cookie(node), "")))
    try:
        tries.take(request)
        came = CameBack(state=state or "", code=code, error=error, issuer=iss)
        token = finish_sign_in(node, provider, request.cookies.get(_cookie(node), ""), came)
        answer = session_cookie(node, page("signed_in", None, back=back), token)
    except (Unauthenticated, ProviderUnavailable, TooMany) as refused:
        answer = _refused(node, refused, back)
    secure = node.settings.url.startswith("https:")
    for name in (_cookie(node), _back_cookie(node)):
        answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


@router.get("/sign-out/provider")
def leave(node: OpenNode, provider: AtProvider) -> Response:
    """To where the provider ends its own session, or back to the sign-in where it offers no such place."""
    try:
        return RedirectResponse(leave_address(node, provider) or "/app/sign-in", 303)
    except ProviderUnavailable as error:
        return _refused(node, error)


def _refused(node: Node, error: ExchangeError, back: str = FIRST_PAGE) -> Response:
    """The operator learns what is wrong with the provider, and of people nothing."""
    if isinstance(error, ProviderUnavailable):
        log.warning("the provider of the sign-in fails", detail=str(error))
    return sign_in_form(node, refused=error, back=back)


def _cookie(node: Node) -> str:
    return f"{cookie_name(node)}-begun"


def _back_cookie(node: Node) -> str:
    """Of the page on which to go on after the sign-in."""
    return f"{cookie_name(node)}-back"
