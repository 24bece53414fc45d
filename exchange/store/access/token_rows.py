"""Tokens for machines, inside the caller's transaction. A token is 256 random bits; only its SHA-256 is kept, which no
guessing can turn back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp, stamp_in
from exchange.errors import Conflict, NotFound, Unauthenticated
from exchange.scopes import Scope
from exchange.store.database.seals import holds
from exchange.store.tables.sign_in_tables import TokenRow, UserRow

TOKEN_PREFIX: Final = "ffp_"  # noqa: S105 - what every token begins with
"""Lets a secret scanner recognise a leaked token."""
MOST_TOKENS: Final = 50
"""Of one user that are in force: a list that a person can still look through."""

# asked with each request, so built once: that takes three times as long as the asking
_TOKEN = (
    select(TokenRow, UserRow)
    .join(UserRow, UserRow.pseudonym == TokenRow.pseudonym)
    .where(TokenRow.sha256 == bindparam("hashed"))
)


def add_token(session: Session, pseudonym: str, *, name: str, scopes: Iterable[Scope], days: int) -> str:
    """A new token, which is shown once and never again. Raises Conflict when the user has one of this name, or many."""
    in_force = select(TokenRow).where(
        TokenRow.pseudonym == pseudonym, TokenRow.revoked_at.is_(None), TokenRow.expires_at > stamp()
    )
    if session.scalars(in_force.where(TokenRow.name == name)).first() is not None:
        raise Conflict(
            f"{pseudonym} has a token {name} already. Take another name, or revoke that one.", code="token-name-taken"
        )
    if (session.scalar(select(func.count()).select_from(in_force.subquery())) or 0) >= MOST_TOKENS:
        raise Conflict(f"{pseudonym} has {MOST_TOKENS} tokens already. Revoke those that nothing uses any more.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        sha256=_hashed(token),
        pseudonym=pseudonym,
        name=name,
        scopes=" ".join(scope for scope in Scope if scope in set(scopes)),
        created_at=stamp(),
        expires_at=stamp_in(days * DAY_S),
    )
    session.add(row)
    return token


def find_token(session: Session, token: str) -> tuple[TokenRow, UserRow] | None:
    """A token and its user, whether or not they are still in force. Raises Unauthenticated where either is not as this
    node wrote it."""
    found = session.execute(_TOKEN, {"hashed": _hashed(token)}).one_or_none()
    if found is None:
        return None
    row, user = found
    if not (holds(session, row) and holds(session, user)):
        raise Unauthenticated(
            "The database does not hold what this node wrote of this token or its user; nobody is let in by it. Tell "
            "the node's operator: `ffp log check` names it.",
            code="row-altered",
        )
    return row, user


def scopes_of(row: TokenRow) -> list[Scope]:
    return [Scope(name) for name in row.scopes.split()]


def list_tokens(session: Session, pseudonym: str | None = None) -> list[TokenRow]:
    """All, or those of one user, in the order in which they were made."""
    query = select(TokenRow).order_by(TokenRow.token_id)
    return list(session.scalars(query if pseudonym is None else query.where(TokenRow.pseudonym == pseudonym)))


def revoke_token(session: Session, token_id: int, pseudonym: str | None = None) -> TokenRow:
    """At once; a second time changes nothing. With a pseudonym, only one of that user's. Raises NotFound."""
    row = session.get(TokenRow, token_id)
    if row is None or pseudonym not in (None, row.pseudonym):
        raise NotFound(f"There is no token {token_id}.")
    row.revoked_at = row.revoked_at or stamp()
    return row


def minute() -> str:
    """This minute: when a token was used is kept no finer, which costs one write a minute however much it asks."""
    return f"{stamp()[:16]}:00.000Z"


def mark_used(session: Session, token_id: int, at: str) -> None:
    row = session.get(TokenRow, token_id)
    if row is not None:
        row.used_at = at


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
