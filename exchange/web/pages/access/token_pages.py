"""Tokens for programs that act in one's own name: what there is, make one, revoke one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput, TooMany
from exchange.flows.access.tokens import MAX_TOKEN_NAME, make_own_token, revoke_own_token, tokens_of, wanted_token
from exchange.flows.node.node import Node
from exchange.scopes import usable_by
from exchange.web.access.caller import OpenNode
from exchange.web.access.login_rate_limit import Tries
from exchange.web.http.path_types import RowNumber
from exchange.web.http.problems import status_of
from exchange.web.pages.layout import SignedIn, Visitor, off_loop, page, read_form
from exchange.web.wording.sentences import ShownRefusal, refusal_of

router = APIRouter()

_SCOPE_FIELD = "scope-"
_LIFETIMES_DAYS = (30, 90, 365)
_SHOWN = 100


@router.get("/tokens")
def own_tokens(node: OpenNode, who: SignedIn) -> Response:
    """The newest first, also those that are over."""
    return _drawn(node, who)


@router.post("/tokens")
async def make(request: Request, node: OpenNode, who: SignedIn) -> Response:
    """The token stands in this one answer and nowhere else."""
    fields = await read_form(request, node, who.csrf)
    tries: Tries = request.app.state.tries
    try:
        tries.take(request)
        token = await off_loop(_make, node, who, fields)
    except (InvalidInput, Conflict, TooMany) as error:
        return await off_loop(_drawn, node, who, fields=fields, refused=refusal_of(error), status=status_of(error))
    return await off_loop(_drawn, node, who, made=token)


@router.post("/tokens/{token_id}/revoke")
async def revoke_listed_token(request: Request, node: OpenNode, who: SignedIn, token_id: RowNumber) -> Response:
    """One's own; another's gets the answer of none at all."""
    await read_form(request, node, who.csrf)
    await off_loop(revoke_own_token, node, who.caller.pseudonym, token_id)
    return RedirectResponse("/app/tokens", 303)


def _make(node: Node, who: Visitor, fields: dict[str, str]) -> str:
    days = fields.get("days", "")
    if days not in map(str, _LIFETIMES_DAYS):
        raise InvalidInput("Choose how long the token holds.", code="invalid-field")
    scopes = [name.removeprefix(_SCOPE_FIELD) for name in fields if name.startswith(_SCOPE_FIELD)]
    wanted = wanted_token(who.caller.role, fields.get("name", "").strip(), scopes, int(days))
    return make_own_token(node, who.caller.pseudonym, wanted, fields.get("code", ""))


def _drawn(
    node: Node,
    who: Visitor,
    *,
    made: str | None = None,
    fields: dict[str, str] | None = None,
    refused: ShownRefusal | None = None,
    status: int = 200,
) -> Response:
    found = tokens_of(node, who.caller.pseudonym, most=_SHOWN)
    return page(
        "tokens",
        who,
        status=status,
        rows=found.rows,
        now=stamp(),
        authenticator=found.authenticator,
        made=made,
        usable=usable_by(who.caller.role),
        box=_SCOPE_FIELD,
        days=_LIFETIMES_DAYS,
        max_name=MAX_TOKEN_NAME,
        typed=fields or {},
        refusal=refused,
    )
