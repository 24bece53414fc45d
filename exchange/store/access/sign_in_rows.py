"""Invitations, passwords' hashes and sessions, inside the caller's transaction. Tokens are kept as their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import String, bindparam, delete, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.store.access.sign_in_guard import end_devices
from exchange.store.access.user_rows import active_user
from exchange.store.database.seals import holds
from exchange.store.tables.columns import Words
from exchange.store.tables.sign_in_tables import BegunRow, SessionRow, SignInRow, UserRow
from schemas.vocabulary import SignedInBy

SEEN_S = 60


def invite_to_sign_in(session: Session, pseudonym: str, *, within_s: float) -> str:
    """A new invitation, shown once; one that was given before is void, and so is what the user signed in with."""
    active_user(session, pseudonym)
    token = secrets.token_urlsafe(32)
    row = session.get(SignInRow, pseudonym)
    if row is None:
        row = SignInRow(pseudonym=pseudonym)
        session.add(row)
    row.invitation_sha256, row.invited_until = hashed(token), stamp_in(within_s)
    row.password, row.totp, row.totp_step, row.failed, row.locked_until = None, None, 0, 0, None
    end_sessions(session, pseudonym)
    end_devices(session, pseudonym)
    return token


def invited(session: Session, token: str) -> SignInRow | None:
    """Whose invitation this is, if it can still be taken up."""
    row = session.scalars(select(SignInRow).where(SignInRow.invitation_sha256 == hashed(token))).one_or_none()
    if row is None or row.invited_until is None or row.invited_until < stamp() or _user(session, row) is None:
        return None
    return row if holds(session, row) else None


def sign_in_of(session: Session, pseudonym: str) -> tuple[SignInRow, UserRow] | None:
    """What an active user signs in with, once the invitation was taken up. One question, whoever there is. None also
    where one of the two rows is not as this node wrote it."""
    found = session.execute(_SIGN_IN, {"pseudonym": pseudonym}).one_or_none()
    if found is None or not (holds(session, found[0]) and holds(session, found[1])):
        return None
    return found[0], found[1]


_SIGN_IN = (
    select(SignInRow, UserRow)
    .join(UserRow, UserRow.pseudonym == SignInRow.pseudonym)
    .where(
        SignInRow.pseudonym == bindparam("pseudonym", type_=Words()),
        SignInRow.password.is_not(None),
        UserRow.revoked_at.is_(None),
    )
)


def begin_elsewhere(session: Session, *, state: str, browser: str, nonce: str, verifier: str, within_s: float) -> None:
    """What must be known again when the browser comes back. Those that never came back are forgotten."""
    session.execute(delete(BegunRow).where(BegunRow.ends_at < stamp()))
    begun = BegunRow(state_sha256=hashed(state), browser_sha256=hashed(browser), nonce=nonce, verifier=verifier)
    begun.ends_at = stamp_in(within_s)
    session.add(begun)


def take_begun(session: Session, state: str, browser: str) -> tuple[str, str] | None:
    """Nonce and verifier of what began in this browser; whoever comes with a state uses it up."""
    row = session.get(BegunRow, hashed(state))
    if row is None:
        return None
    session.delete(row)
    return (row.nonce, row.verifier) if row.ends_at >= stamp() and row.browser_sha256 == hashed(browser) else None


def begin_session(session: Session, pseudonym: str, signed_in: SignedInBy, *, most_s: float) -> str:
    """A new session's token, for the cookie alone. Those that are over are forgotten."""
    session.execute(delete(SessionRow).where(SessionRow.ends_at < stamp()))
    token, now = secrets.token_urlsafe(32), stamp()
    row = SessionRow(token_sha256=hashed(token), pseudonym=pseudonym, signed_in=signed_in, began_at=now, seen_at=now)
    row.ends_at = stamp_in(most_s)
    session.add(row)
    return token


def session_of(session: Session, token: str, *, idle_s: float) -> tuple[SessionRow, UserRow] | None:
    """The session of a cookie and its user, unless it is over, was idle for too long, the user was revoked, or one of
    the two rows is not as this node wrote it."""
    return session_by_digest(session, hashed(token), idle_s=idle_s)


def session_by_digest(session: Session, token_sha256: str, *, idle_s: float) -> tuple[SessionRow, UserRow] | None:
    """As ``session_of``, by what is kept of the cookie."""
    found = session.execute(_SESSION, {"token_sha256": token_sha256}).one_or_none()
    if found is None:
        return None
    row, user = found
    if not (holds(session, row) and holds(session, user)):
        return None
    return None if row.ends_at < stamp() or row.seen_at < stamp_in(-idle_s) else (row, user)


_SESSION = (
    select(SessionRow, UserRow)
    .join(UserRow, UserRow.pseudonym == SessionRow.pseudonym)
    .where(SessionRow.token_sha256 == bindparam("token_sha256", type_=String), UserRow.revoked_at.is_(None))
)


def to_be_touched(row: SessionRow) -> bool:
    """Whether it is worth a write that somebody is still there: once a minute."""
    return row.seen_at < stamp_in(-SEEN_S)


def touch_session(session: Session, token_sha256: str) -> None:
    row = session.get(SessionRow, token_sha256)
    if row is not None:
        row.seen_at = stamp()


def state_purpose(session: Session, token: str, purpose: str | None, legal_basis: str | None) -> None:
    """What every search and consultation of this session is for."""
    row = session.get(SessionRow, hashed(token))
    if row is not None:
        row.purpose, row.legal_basis = purpose, legal_basis


def end_session(session: Session, token: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.token_sha256 == hashed(token)))


def end_sessions(session: Session, pseudonym: str) -> None:
    session.execute(delete(SessionRow).where(or_(SessionRow.pseudonym == pseudonym, SessionRow.ends_at < stamp())))


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _user(session: Session, row: SignInRow) -> UserRow | None:
    user = session.get(UserRow, row.pseudonym)
    return user if user is not None and user.revoked_at is None and holds(session, user) else None
