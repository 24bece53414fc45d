"""Who asks: somebody with a bearer token, or a peer whose request is signed with its pinned key. Deny by default."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from exchange.clock import apart
from exchange.errors import (
    DigestDiffers,
    Forbidden,
    KeyUnknown,
    RequestExpired,
    ScopeMissing,
    Unauthenticated,
)
from exchange.flows.access.consultation import Caller
from exchange.flows.access.token_user import MAKE_ANEW, user_of_token
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import address_of
from exchange.flows.statement.peer_request import KnownPeer, check_nonce, remember_nonce, requesting_peer
from exchange.net.message_signatures import VerifiedRequest, authority_of, verify_request, verify_request_head
from exchange.scopes import ROLES, Scope
from exchange.web.access.login_rate_limit import Tries
from exchange.web.access.peer_concurrency import take_turn
from exchange.web.http.body import read_body
from schemas.vocabulary import Role
from schemas.witness import MAX_REPORT_BYTES

REPORT_S = 60
"""The longest that a report may take to arrive: whoever sends a byte now and then is not waited for."""

_bearer = HTTPBearer(
    auto_error=False,
    description="A token made with `ffp token add`, or on the page /app/tokens, of the operation's scope.",
)


@dataclass(frozen=True)
class CallingPeer:
    """An enrolled peer whose request was verified, and the request itself, to which the answer is bound. ``digest`` is
    what a body that is yet to be read must have."""

    row: KnownPeer
    request: VerifiedRequest
    body: bytes | None = None
    digest: bytes | None = None


async def open_node_of(request: Request) -> Node:
    """What waits for nothing is no work for a thread: to go there and back costs more than it does."""
    node: Node = request.app.state.node
    return node


OpenNode = Annotated[Node, Depends(open_node_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def signed_in(request: Request, node: OpenNode, credentials: Credentials) -> Caller:
    """Whose token it is; no route stands behind this alone, but behind a ``door``. Raises Unauthenticated, and TooMany
    for who fails too often: no good token waits for that, since none can be guessed."""
    if credentials is None:
        raise Unauthenticated(f"Sign in: send a token as 'Authorization: Bearer <token>'. {MAKE_ANEW}")
    found = user_of_token(node, credentials.credentials)
    if found is None:
        tries: Tries = request.app.state.tries
        tries.take(request)
        raise Unauthenticated(f"This token is not known here. {MAKE_ANEW}")
    return Caller(found.pseudonym, found.role, token=found.token_id, scopes=found.scopes)


def door(scope: Scope, *roles: Role) -> Any:
    """A dependency that lets a token of this scope in, of users whose role may use it, or is one of those named.

    Raises Forbidden for others. The description of the API states the scope with each route.
    """

    async def check(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
        return _let_in(caller, scope, roles)

    return Security(check, scopes=[scope])


def door_or_peer(scope: Scope) -> Any:
    """As ``door``, or else a peer by signature."""

    def check(request: Request, node: OpenNode, credentials: Credentials) -> Caller | CallingPeer:
        if "signature-input" in request.headers:
            return signed_peer(request, node)
        return _let_in(signed_in(request, node, credentials), scope, ())

    return Security(check, scopes=[scope])


def _let_in(caller: Caller, scope: Scope, roles: tuple[Role, ...]) -> Caller:
    allowed = [role for role in Role if role in (roles or ROLES[scope])]
    if caller.role not in allowed:
        raise Forbidden(f"This is for the roles {', '.join(allowed)}; you are signed in as {caller.role}.")
    if scope not in caller.scopes:
        raise ScopeMissing(
            f"This takes a token of the scope {scope}; yours is for {', '.join(sorted(caller.scopes))}. {MAKE_ANEW}",
            scope=scope,
        )
    return caller


def signed_peer(request: Request, node: OpenNode) -> CallingPeer:
    """Verify a peer's request: signature by the pinned key of an enrolled peer, fresh, and never seen before.

    Raises RequestRefused and its kinds, and TooMany. The nonce is remembered before anything is answered.
    """
    return _verified(request, node)


def reading_peer(request: Request, node: OpenNode) -> CallingPeer:
    """As ``signed_peer``, also for a peer that was expelled: it must learn what it is to erase."""
    return _verified(request, node, expelled_too=True)


def check_still_let_in(node: Node, peer: CallingPeer) -> None:
    """Of a peer that waited, for hours perhaps: it may have been revoked meanwhile, or its key. Raises KeyUnknown."""
    if requesting_peer(node, peer.request.key_id, expelled_too=True) is None:
        raise KeyUnknown("No enrolled peer has this key any more.")


def asking_peer(request: Request, node: OpenNode) -> CallingPeer:
    """As ``signed_peer``, for a request with a body: it is read only once it is known that an enrolled peer sends it,
    and the route compares it with ``digest``."""
    return _verified(request, node, has_body=True)


async def reporting_peer(request: Request, peer: Annotated[CallingPeer, Depends(asking_peer)]) -> CallingPeer:
    """As ``asking_peer``, with the body of a report. Raises also DigestDiffers, TooLarge, InvalidInput."""
    body = await read_body(request, MAX_REPORT_BYTES, within_s=REPORT_S)
    if hashlib.sha256(body).digest() != peer.digest:
        raise DigestDiffers("The body is not the one that was signed.")
    return replace(peer, body=body)


def _verified(request: Request, node: Node, *, expelled_too: bool = False, has_body: bool = False) -> CallingPeer:
    """The one place where peers are let in:

    1. The request's head is verified, and that it was not answered before; no byte of a body was read. Nobody else can
       use up what is the peer's.
    2. The peer takes a turn, which it holds until the answer has left.
    3. The nonce is remembered, once. What was refused at 2 was not acted on, and may come again.

    Raises RequestRefused and its kinds, TooMany.
    """
    found: dict[str, KnownPeer] = {}

    def key_for(key_id: str) -> Ed25519PublicKey | None:
        peer = requesting_peer(node, key_id, expelled_too=expelled_too)
        if peer is None:
            return None
        found[key_id] = peer
        return address_of(peer).public_key

    # 1.
    asked: dict[str, Any] = {
        "method": request.method,
        "authority": authority_of(node.settings.url),
        "path": request.scope["raw_path"].decode("latin-1"),
        "query": request.scope["query_string"].decode("latin-1"),
        "headers": request.headers,
        "now": int(time.time()),
        "key_for": key_for,
        "max_skew_s": int(node.settings.request_skew_s),
    }
    digest: bytes | None = None
    try:
        if has_body:
            verified, digest = verify_request_head(**asked)
        else:
            verified = verify_request(**asked, body=None)
    except RequestExpired as error:  # its signature was good
        [sender] = found.values()
        raise RequestExpired(
            f"The clock of {sender.node_id} is {apart(error.ahead_s)} that of {node.node_id}: {error}.",
            ahead_s=error.ahead_s,
        ) from error
    peer = found.get(verified.key_id)
    if peer is None:
        raise KeyUnknown("No enrolled peer has this key.")
    check_nonce(node, verified)

    # 2.
    take_turn(request, node, peer.node_id)

    # 3.
    remember_nonce(node, verified)
    return CallingPeer(peer, verified, digest=digest)


Submitter = Annotated[Caller, door(Scope.SUBMIT)]
Reader = Annotated[Caller, door(Scope.READ)]
ReadingExaminer = Annotated[Caller, door(Scope.READ, Role.EXAMINER)]
Speaker = Annotated[Caller, door(Scope.REVIEW)]
Verifier = Annotated[Caller, door(Scope.REVIEW, Role.EXAMINER)]
Asker = Annotated[Caller, door(Scope.ASK)]
ExaminerOrHead = Annotated[Caller, door(Scope.RELEASE)]
Head = Annotated[Caller, door(Scope.RELEASE, Role.HEAD)]
Supervisor = Annotated[Caller, door(Scope.AUDIT)]
Operator = Annotated[Caller, door(Scope.OPERATE)]
AnyUser = Annotated[Caller, door(Scope.STATUS)]
AnyUserOrPeer = Annotated[Caller | CallingPeer, door_or_peer(Scope.STATUS)]
ReaderOrPeer = Annotated[Caller | CallingPeer, door_or_peer(Scope.READ)]
SignedPeer = Annotated[CallingPeer, Depends(signed_peer)]
ReadingPeer = Annotated[CallingPeer, Depends(reading_peer)]
ReportingPeer = Annotated[CallingPeer, Depends(reporting_peer)]
AskingPeer = Annotated[CallingPeer, Depends(asking_peer)]
