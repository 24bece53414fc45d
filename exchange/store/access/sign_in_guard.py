"""What stands between strangers and accounts: failures to sign in, by the name that was tried, and the browsers in
which somebody signed in fully, or took up an invitation, before. Inside the caller's transaction.

Failures of all names, also of those that no user has, are counted in a table of fixed size; two names may share a place
in it. So nobody learns from a lock whether there is such a user, and made-up names fill no disk. Failures
of a name end with time alone, whatever its user does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.store.tables.sign_in_tables import DeviceRow, FailureRow

FAILURE_SLOTS: Final = 1 << 16
FORGOTTEN_S: Final = 86_400
"""A failure counts for a day."""
MOST_DEVICES: Final = 8
"""Of one user; the one that was not used for the longest time makes room."""
FREE_TRIES: Final = 5
"""Failures before the next try waits; then a minute, two, four ... an hour at most."""
LONGEST_LOCK_S: Final = 3600


class FailureCounter(Protocol):
    """What failures are counted for, and what is locked by them: a name's place, a browser, a session's codes."""

    failed: int
    locked_until: str | None


def failure_slot(key: bytes, pseudonym: str) -> int:
    """Where the failures of a name are counted; whoever has not the key cannot choose names that share a place."""
    named = hmac.new(key, b"failures of " + pseudonym.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return int.from_bytes(named.digest()[:4]) % FAILURE_SLOTS


def failures_at(session: Session, place: int) -> FailureRow:
    """Those of this place; a row without any, not stored yet, where there are none that still count."""
    row = session.get(FailureRow, place)
    if row is None or row.last_at < stamp_in(-FORGOTTEN_S):
        return FailureRow(place=place, failed=0, locked_until=None, last_at=stamp())
    return row


def count_failure(session: Session, counted: FailureCounter) -> None:
    """And lock what it is counted for, each time longer. What is forgotten by now is erased."""
    counted.failed += 1
    if counted.failed >= FREE_TRIES:
        counted.locked_until = stamp_in(min(60 * 2 ** min(counted.failed - FREE_TRIES, 10), LONGEST_LOCK_S))
    if isinstance(counted, FailureRow):
        counted.last_at = stamp()
        session.merge(counted)
    session.flush()
    session.execute(delete(FailureRow).where(FailureRow.last_at < stamp_in(-FORGOTTEN_S)))


def device_of(session: Session, pseudonym: str, token: str) -> DeviceRow | None:
    """The browser with this cookie, if this very user signed in fully from it before."""
    row = session.get(DeviceRow, _hashed(token)) if token else None
    return row if row is not None and row.pseudonym == pseudonym and row.ends_at >= stamp() else None


def keep_device(session: Session, pseudonym: str, token: str, *, for_s: float) -> str:
    """After a full sign-in: the token for the cookie of this browser, the same where it has one of this user."""
    row = device_of(session, pseudonym, token)
    if row is None:
        token = secrets.token_urlsafe(32)
        row = DeviceRow(sha256=_hashed(token), pseudonym=pseudonym, began_at=stamp())
        session.add(row)
    row.failed, row.locked_until, row.ends_at = 0, None, stamp_in(for_s)
    session.flush()
    session.execute(delete(DeviceRow).where(DeviceRow.ends_at < stamp()))
    used = select(DeviceRow).where(DeviceRow.pseudonym == pseudonym).order_by(DeviceRow.ends_at.desc())
    for old in session.scalars(used).all()[MOST_DEVICES:]:
        session.delete(old)
    return token


def end_devices(session: Session, pseudonym: str) -> None:
    session.execute(delete(DeviceRow).where(DeviceRow.pseudonym == pseudonym))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
