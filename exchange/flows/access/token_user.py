"""Whom a token lets in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from exchange.clock import stamp
from exchange.errors import StoreUnavailable, Unauthenticated
from exchange.flows.node.node import Node
from exchange.scopes import Scope
from exchange.store.access.token_rows import find_token, mark_used, minute, scopes_of
from schemas.vocabulary import Role

MAKE_ANEW: Final = "Make a new one on the page /app/tokens of this node, or ask its operator."
"""What whoever is refused for a token does next."""


@dataclass(frozen=True)
class TokenUser:
    """In whose name a program acts, with which token, and for what it may."""

    pseudonym: str
    role: Role
    token_id: int
    scopes: frozenset[Scope]


def user_of_token(node: Node, token: str) -> TokenUser | None:
    """The user of a token, and a note of the minute in which it was used. None for a token that is not known here.

    Raises Unauthenticated for a token that is over, and for one whose user was revoked.
    """
    with node.store.read() as session:
        found = find_token(session, token)
    if found is None:
        return None
    row, user = found
    if user.revoked_at is not None:
        raise Unauthenticated("The user of this token is not active any more. Ask the node's operator.")
    if row.revoked_at is not None:
        raise Unauthenticated(f"This token was revoked on {row.revoked_at[:10]}. {MAKE_ANEW}", code="token-revoked")
    if row.expires_at <= stamp():
        raise Unauthenticated(f"This token expired on {row.expires_at[:10]}. {MAKE_ANEW}", code="token-expired")
    if row.used_at != (now := minute()):
        with suppress(StoreUnavailable), node.store.write() as session:  # a full disk is no reason to show no status
            mark_used(session, row.token_id, now)
    return TokenUser(user.pseudonym, Role(user.role), row.token_id, frozenset(scopes_of(row)))
