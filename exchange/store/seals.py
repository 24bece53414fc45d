"""Rows that no statement says, and by which somebody is let in: sealed with a key that lies outside the database.

Whoever changes one past this software has no key. A session that has one seals what it writes; what was changed
otherwise holds no more, and lets nobody in. An older row with its own seal, put back, does hold: a seal has no time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Final

from sqlalchemy import event, select
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import get_history

from exchange.store.sign_in_tables import TokenRow
from exchange.store.tables import PeerRow, UserRow

KEY: Final = "seal_key"
"""Under this name a session has its key."""
Sealed = UserRow | TokenRow | PeerRow
SEALED: Final[dict[type[Sealed], tuple[str, ...]]] = {
    UserRow: ("pseudonym", "role", "created_at", "revoked_at", "examiner_since"),
    TokenRow: ("sha256", "pseudonym", "name", "scopes", "created_at", "expires_at", "revoked_at"),
    PeerRow: ("node_id", "legal_basis", "state", "enrolled_at"),
}


def derived_key(secret: bytes) -> bytes:
    """A secret of the node's serves one purpose under each label."""
    return hmac.new(secret, b"ffp sealed rows 1", hashlib.sha256).digest()


def seal_of(row: Sealed, key: bytes) -> bytes:
    columns = [row.__tablename__, *(getattr(row, column) for column in SEALED[type(row)])]
    return hmac.new(key, json.dumps(columns).encode(), hashlib.sha256).digest()


def holds(session: Session, row: Sealed) -> bool:
    """Whether the row is as this software wrote it. Always, in a session without a key: a store of no node."""
    key = session.info.get(KEY)
    return key is None or hmac.compare_digest(row.seal or b"", seal_of(row, key))


def seal_all(session: Session) -> None:
    """Seal what is there: once, when a node has no seals yet. Needs a write transaction."""
    for row in _all(session):
        row.seal = seal_of(row, session.info[KEY])
    session.flush()


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """Table and name of each row that is not as this software wrote it."""
    for row in _all(session):
        if not holds(session, row):
            yield row.__tablename__, _name(row)


def _name(row: Sealed) -> str:
    match row:
        case UserRow():
            return row.pseudonym
        case TokenRow():
            return str(row.token_id)
        case PeerRow():
            return row.node_id


def _all(session: Session) -> Iterator[Sealed]:
    yield from session.scalars(select(UserRow)).all()
    yield from session.scalars(select(TokenRow)).all()
    yield from session.scalars(select(PeerRow)).all()


@event.listens_for(Session, "before_flush")
def _seal(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """What is new, and what was changed in a column that is sealed: a row that is only used stays as it is sealed."""
    key = session.info.get(KEY)
    if key is None:
        return
    for row in (*session.new, *session.dirty):
        if isinstance(row, UserRow | TokenRow | PeerRow) and (row in session.new or _is_changed(row)):
            row.seal = seal_of(row, key)


def _is_changed(row: Sealed) -> bool:
    return any(get_history(row, column).has_changes() for column in SEALED[type(row)])
