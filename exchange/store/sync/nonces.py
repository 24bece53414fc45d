"""Nonces of peers' requests, remembered as long as their signatures may be used, inside the caller's transaction.

Nonces are forgotten by the clock of this machine, which may be set ahead and back again. Each key therefore keeps the
latest `expires` whose nonces were forgotten: what expires no later may have been answered before, and is refused.
"""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange.clock import from_posix
from exchange.errors import RequestReplayed
from exchange.store.tables.peer_tables import NonceRow, RequesterRow


def remember_nonce(session: Session, key_id: str, nonce: str, *, expires: int, now: int, skew_s: int) -> None:
    """Take a request's nonce once. Raises RequestReplayed the second time, and for a request whose nonce may have been
    forgotten. Needs a write transaction."""
    _forget(session, before=now - skew_s)
    check_nonce(session, key_id, nonce, expires=expires)
    requester = _requester(session, key_id)
    requester.answered_at = max(requester.answered_at or "", from_posix(now))
    session.add(NonceRow(key_id=key_id, nonce=nonce, expires=expires))
    try:
        session.flush()
    except IntegrityError as error:
        raise RequestReplayed(_ANSWERED) from error


def check_nonce(session: Session, key_id: str, nonce: str, *, expires: int) -> None:
    """Raises RequestReplayed for a nonce that was taken, or that may have been; that it was not is certain only once it
    is remembered."""
    if session.get(NonceRow, (key_id, nonce)) is not None:
        raise RequestReplayed(_ANSWERED)
    requester = session.get(RequesterRow, key_id)
    if requester is not None and expires <= requester.forgotten_until:
        raise RequestReplayed(
            "This request may have been answered before: the clock of this node was set back, and nonces of requests "
            f"that expire by {from_posix(requester.forgotten_until)} are forgotten. Requests that expire later are "
            "answered."
        )


_ANSWERED = "This request was answered before; sign each request anew."


def _forget(session: Session, *, before: int) -> None:
    expired = NonceRow.expires < before
    latest = select(NonceRow.key_id, func.max(NonceRow.expires)).where(expired).group_by(NonceRow.key_id)
    for key_id, expires in session.execute(latest).all():
        requester = _requester(session, key_id)
        requester.forgotten_until = max(requester.forgotten_until, expires)
    session.execute(delete(NonceRow).where(expired))


def _requester(session: Session, key_id: str) -> RequesterRow:
    found = session.get(RequesterRow, key_id)
    if found is None:
        found = RequesterRow(key_id=key_id, forgotten_until=0)
        session.add(found)
        session.flush()
    return found
