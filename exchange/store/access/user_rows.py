"""Users by pseudonym, inside the caller's transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound
from exchange.scopes import usable_by
from exchange.store.access.sign_in_guard import end_devices
from exchange.store.access.token_rows import add_token
from exchange.store.database.seals import holds
from exchange.store.review.kept_search_rows import forget_searches_of
from exchange.store.review.mail_rows import forget_address
from exchange.store.review.review_rows import give_tasks_back
from exchange.store.review.set_aside_rows import forget_aside_by
from exchange.store.review.taken_work_rows import end_taken_by
from exchange.store.tables.sign_in_tables import AuthorisationRow, UserRow
from schemas.vocabulary import Role

FIRST_TOKEN: Final = "first"  # noqa: S105 - its name
FIRST_TOKEN_DAYS: Final = 365


def add_user(session: Session, pseudonym: str, role: Role) -> str:
    """Add a user and return a first token, for all that the role may and for a year; it is shown once."""
    if session.get(UserRow, pseudonym) is not None:
        raise Conflict(f"The pseudonym {pseudonym} was given already and stands in statements; take another one.")
    session.add(UserRow(pseudonym=pseudonym, role=role, created_at=stamp()))
    session.flush()
    return add_token(session, pseudonym, name=FIRST_TOKEN, scopes=usable_by(role), days=FIRST_TOKEN_DAYS)


def active_user(session: Session, pseudonym: str) -> UserRow:
    """Raises NotFound."""
    user = session.get(UserRow, pseudonym)
    if user is None or user.revoked_at is not None:
        raise NotFound(f"There is no active user {pseudonym}. `ffp user list` shows them.")
    return user


def find_user(session: Session, pseudonym: str) -> UserRow | None:
    """Also one who was revoked."""
    return session.get(UserRow, pseudonym)


def known_user(session: Session, pseudonym: str) -> UserRow:
    """Also one who was revoked. Raises NotFound."""
    user = find_user(session, pseudonym)
    if user is None:
        raise NotFound(f"There is no user {pseudonym}. `ffp user list` shows them.")
    return user


def revoke_user(session: Session, pseudonym: str) -> None:
    user = known_user(session, pseudonym)
    user.revoked_at = user.revoked_at or stamp()
    forget_address(session, pseudonym)
    forget_searches_of(session, pseudonym)
    end_devices(session, pseudonym)
    give_tasks_back(session, pseudonym)
    end_taken_by(session, pseudonym)
    forget_aside_by(session, pseudonym)


def change_role(session: Session, pseudonym: str, role: Role) -> None:
    """From the next request on, also of open sessions and of tokens; what was signed stays signed in the role that it
    was. Raises NotFound."""
    user = active_user(session, pseudonym)
    if role is Role.EXAMINER and user.role != Role.EXAMINER:
        user.examiner_since = stamp()
    if user.role != role:
        end_taken_by(session, pseudonym)
    user.role = role
    if role is not Role.EXAMINER:
        give_tasks_back(session, pseudonym)
        forget_aside_by(session, pseudonym)


def all_users(session: Session) -> list[UserRow]:
    return list(session.scalars(select(UserRow).order_by(UserRow.pseudonym)))


def put_authorisation(session: Session, pseudonym: str, words: str | None) -> None:
    """Put down what an active user is authorised for, or that this is not stated. Raises NotFound."""
    active_user(session, pseudonym)
    row = session.get(AuthorisationRow, pseudonym)
    if words is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = AuthorisationRow(pseudonym=pseudonym)
        session.add(row)
    row.words, row.entered_at = words, stamp()


def authorisations(session: Session) -> dict[str, AuthorisationRow]:
    """By pseudonym, also of users who were revoked; without those that this software did not write."""
    return {row.pseudonym: row for row in session.scalars(select(AuthorisationRow)) if holds(session, row)}
