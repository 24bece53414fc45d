"""Users by pseudonym. A token is 256 random bits; only its SHA-256 is kept, which no guessing can turn back."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound
from exchange.store.mail import forget_address
from exchange.store.tables import UserRow
from schemas.vocabulary import Role

TOKEN_PREFIX = "ffp_"  # noqa: S105 - lets a secret scanner recognise a leaked token


def add_user(session: Session, pseudonym: str, role: Role) -> str:
    """Add a user and return the token, which is shown once and never again."""
    if session.get(UserRow, pseudonym) is not None:
        raise Conflict(f"The pseudonym {pseudonym} was given already and stands in statements; take another one.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(UserRow(pseudonym=pseudonym, role=role, token_sha256=_hashed(token), created_at=stamp()))
    return token


def revoke_user(session: Session, pseudonym: str) -> None:
    user = session.get(UserRow, pseudonym)
    if user is None:
        raise NotFound(f"There is no user {pseudonym}.")
    user.revoked_at = user.revoked_at or stamp()
    forget_address(session, pseudonym)


def user_by_token(session: Session, token: str) -> UserRow | None:
    """The user of a token that is not revoked."""
    return session.scalars(
        select(UserRow).where(UserRow.token_sha256 == _hashed(token), UserRow.revoked_at.is_(None))
    ).one_or_none()


def all_users(session: Session) -> list[UserRow]:
    return list(session.scalars(select(UserRow).order_by(UserRow.pseudonym)))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
