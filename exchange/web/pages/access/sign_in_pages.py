"""Take up an invitation, sign in, sign out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal
from urllib.parse import quote

import segno
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exchange.errors import ExchangeError, Forbidden, InvalidInput, TooMany, Unauthenticated
from exchange.flows.access import sign_in as flow
from exchange.flows.access.sessions import end_session
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.access.login_rate_limit import Tries
from exchange.web.http.problems import headers_of, status_of
from exchange.web.languages.spoken import local_page, speaking, spoken
from exchange.web.pages.extended import routes_parts
from exchange.web.pages.layout import SignedIn, cookie_name, off_loop, page, read_form
from exchange.web.wording.sentences import ShownRefusal, refusal, refusal_of
from schemas.vocabulary import SignedInBy

router = APIRouter()

FIRST_PAGE = "/app/"
SIGN_IN = "/app/sign-in"
TOUR = f"{FIRST_PAGE}?tour=1"
"""Where the first sign-in after an invitation leads: the first page, with what is where on it."""
_READY = f"{SIGN_IN}?ready=1&back={quote(TOUR, safe='/')}"
InvitationToken = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$")]
Back = Annotated[str, Query(max_length=4000, description="The page of this node on which to go on after the sign-in.")]


def sign_in_address(back: str) -> str:
    """The sign-in, from which one goes on with the page where one was."""
    kept = goes_on_at(back)
    return SIGN_IN if kept == FIRST_PAGE else f"{SIGN_IN}?back={quote(kept, safe='/')}"


def goes_on_at(back: str) -> str:
    """A page of this node that is not the sign-in itself; the first page in place of any other address."""
    kept = local_page(back)
    return FIRST_PAGE if kept.startswith(SIGN_IN) else kept


@router.get("/sign-in")
def sign_in_page(
    request: Request,
    node: OpenNode,
    left: Literal["provider"] | None = None,
    ready: bool = False,
    back: Back = FIRST_PAGE,
) -> Response:
    """``left`` is who has just signed out, and is still signed in at the provider; ``ready`` who has just taken up an
    invitation."""
    at_provider = left is not None and request.app.state.provider is not None
    return sign_in_form(node, left=at_provider, ready=ready, back=back)


@router.get("/session")
def session(who: SignedIn) -> Response:
    """Whose session this is, for a page of an earlier one: it goes on if it is the same person's."""
    return JSONResponse({"pseudonym": who.caller.pseudonym, "csrf": who.csrf})


def sign_in_form(
    node: Node,
    *,
    pseudonym: str = "",
    refused: ExchangeError | None = None,
    left: bool = False,
    ready: bool = False,
    back: str = FIRST_PAGE,
) -> Response:
    """Both ways to sign in, or the one that there is. ``ready``: somebody has just taken up an invitation."""
    answer = page(
        "sign_in",
        None,
        status=200 if refused is None else status_of(refused),
        pseudonym=pseudonym,
        refusal=None if refused is None else refusal_of(refused),
        provider=node.settings.oidc_name if node.settings.oidc_issuer else None,
        password=not node.settings.oidc_only,
        left=left,
        ready=ready,
        back=goes_on_at(back),
    )
    if refused is not None:
        answer.headers.update(headers_of(refused))
    return answer


def session_cookie(node: Node, answer: Response, token: str) -> Response:
    """The answer, with the cookie of a session that begins."""
    secure = node.settings.url.startswith("https:")
    answer.set_cookie(cookie_name(node), token, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


def device_cookie(node: Node) -> str:
    """Of a browser in which somebody signed in fully, or took up an invitation, before; with the same prefix as that of
    the session."""
    return f"{cookie_name(node)}-device"


def check_passwords(node: Node) -> None:
    """Raises Forbidden where people sign in at the provider alone."""
    if node.settings.oidc_only:
        raise Forbidden("On this node people sign in at the provider alone.", code="provider-only")


@router.post("/sign-in")
async def enter_password(request: Request, node: OpenNode) -> Response:
    fields = await read_form(request, node, None)
    tries: Tries = request.app.state.tries
    pseudonym, device = fields.get("pseudonym", ""), request.cookies.get(device_cookie(node), "")
    given = fields.get("password", ""), fields.get("code", "")
    back = goes_on_at(fields.get("back", ""))
    try:
        check_passwords(node)
        if not await off_loop(flow.is_known_browser, node, pseudonym, device):  # whose own failures bound it
            tries.take(request)
        begun = await tries.in_turn(partial(flow.sign_in, node, pseudonym, *given, device=device))
    except (Unauthenticated, TooMany, Forbidden) as error:
        return sign_in_form(node, pseudonym=pseudonym[:32], refused=error, back=back)
    return _known_from_now_on(node, session_cookie(node, RedirectResponse(back, 303), begun.session), begun.device)


@router.post("/sign-out")
async def sign_out(request: Request, node: OpenNode, who: SignedIn) -> Response:
    await read_form(request, node, who.csrf)
    await off_loop(end_session, node, request.cookies[cookie_name(node)])
    at_provider = who.caller.signed_in is SignedInBy.OIDC
    answer = RedirectResponse("/app/sign-in?left=provider" if at_provider else "/app/sign-in", 303)
    secure = node.settings.url.startswith("https:")
    answer.delete_cookie(cookie_name(node), path="/", secure=secure, httponly=True, samesite="strict")
    for part in routes_parts():
        part.sign_out(request, answer)
    return answer


@router.get("/welcome/{token}")
def welcome_page(node: OpenNode, token: InvitationToken) -> Response:
    """A password is chosen here, and the authenticator's code scanned."""
    check_passwords(node)
    enrolling = flow.read_invitation(node, token)
    return _welcome(node, enrolling, None)


@router.post("/welcome/{token}")
async def welcome(request: Request, node: OpenNode, token: InvitationToken) -> Response:
    check_passwords(node)
    fields = await read_form(request, node, None)
    tries: Tries = request.app.state.tries
    tries.take(request)
    enrolling = await off_loop(flow.read_invitation, node, token)
    if flow.is_secret(fields.get("secret", "")):  # else the page shows a fresh one
        enrolling = replace(enrolling, secret=fields["secret"])
    if fields.get("password") != fields.get("again"):
        return _welcome(node, enrolling, refusal("passwords-differ", "The two passwords differ."))
    try:
        device = await off_loop(
            flow.accept_invitation,
            node,
            token,
            password=fields.get("password", ""),
            secret=enrolling.secret,
            code=fields.get("code", ""),
        )
    except InvalidInput as error:
        return _welcome(node, enrolling, refusal_of(error))
    with speaking(replace(spoken(), back=_READY)):  # this address is good for nothing any more
        answer = sign_in_form(node, pseudonym=enrolling.pseudonym, ready=True, back=TOUR)
    return _known_from_now_on(node, answer, device)


def _welcome(node: Node, enrolling: flow.Enrolling, refused: ShownRefusal | None) -> Response:
    drawn = segno.make(enrolling.address(node.node_id), error="m").svg_data_uri(scale=5, border=4, light="white")
    return page(
        "welcome",
        None,
        status=200 if refused is None else 422,
        enrolling=enrolling,
        drawn=drawn,
        least=flow.MIN_PASSWORD,
        refusal=refused,
    )


def _known_from_now_on(node: Node, answer: Response, device: str) -> Response:
    secure = node.settings.url.startswith("https:")
    answer.set_cookie(
        device_cookie(node), device, path="/", max_age=flow.DEVICE_S, secure=secure, httponly=True, samesite="strict"
    )
    return answer
