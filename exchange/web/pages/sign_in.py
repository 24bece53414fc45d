"""Take up an invitation, sign in, sign out."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import segno
from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput, TooMany, Unauthenticated
from exchange.flows import sign_in as flow
from exchange.flows.node import Node
from exchange.store.sign_in import end_session
from exchange.web.access import OpenNode
from exchange.web.pages.layout import SignedIn, cookie_name, off_loop, page, read_form
from exchange.web.pages.sentences import Refusal, refusal, refusal_of
from exchange.web.tries import Tries

router = APIRouter()

InvitationToken = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$")]


@router.get("/sign-in")
def sign_in_page() -> Response:
    return page("sign_in", None, pseudonym="", refusal=None)


@router.post("/sign-in")
async def sign_in(request: Request, node: OpenNode) -> Response:
    fields = await read_form(request, node, None)
    tries: Tries = request.app.state.tries
    pseudonym = fields.get("pseudonym", "")
    try:
        tries.take(request)
        token = await off_loop(flow.sign_in, node, pseudonym, fields.get("password", ""), fields.get("code", ""))
    except (Unauthenticated, TooMany) as error:
        status = 429 if isinstance(error, TooMany) else 401
        return page("sign_in", None, status=status, pseudonym=pseudonym[:32], refusal=refusal_of(error))
    answer = RedirectResponse("/app/", 303)
    secure = node.settings.url.startswith("https:")
    answer.set_cookie(cookie_name(node), token, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, node: OpenNode, who: SignedIn) -> Response:
    await read_form(request, node, who.csrf)
    await off_loop(_end, node, request.cookies[cookie_name(node)])
    answer = RedirectResponse("/app/sign-in", 303)
    secure = node.settings.url.startswith("https:")
    answer.delete_cookie(cookie_name(node), path="/", secure=secure, httponly=True, samesite="strict")
    return answer


@router.get("/welcome/{token}")
def welcome_page(node: OpenNode, token: InvitationToken) -> Response:
    """A password is chosen here, and the authenticator's code scanned."""
    enrolling = flow.read_invitation(node, token)
    return _welcome(node, enrolling, None)


@router.post("/welcome/{token}")
async def welcome(request: Request, node: OpenNode, token: InvitationToken) -> Response:
    fields = await read_form(request, node, None)
    tries: Tries = request.app.state.tries
    tries.take(request)
    enrolling = await off_loop(flow.read_invitation, node, token)
    if flow.is_secret(fields.get("secret", "")):  # else the page shows a fresh one
        enrolling = replace(enrolling, secret=fields["secret"])
    if fields.get("password") != fields.get("again"):
        return _welcome(node, enrolling, refusal("passwords-differ", "The two passwords differ."))
    try:
        await off_loop(
            flow.accept_invitation,
            node,
            token,
            password=fields.get("password", ""),
            secret=enrolling.secret,
            code=fields.get("code", ""),
        )
    except InvalidInput as error:
        return _welcome(node, enrolling, refusal_of(error))
    return page("sign_in", None, pseudonym=enrolling.pseudonym, refusal=None)


def _welcome(node: Node, enrolling: flow.Enrolling, refused: Refusal | None) -> Response:
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


def _end(node: Node, token: str) -> None:
    with node.store.write() as session:
        end_session(session, token)
