"""Rows that no statement says, and that let somebody in or give something away: sealed with a key that lies outside the
database.

Whoever changes one past this software has no key. A session that has one seals what it writes; what was changed
otherwise holds no more, and lets nobody in. An older row with its own seal, put back, does hold: a seal has no time.

A peer whose row does not hold, or whose card or key-events are not believed, is read in the state "altered", which no
rule lets do anything: it is asked nothing and answered nothing, by whatever way its row is read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import event, select
from sqlalchemy.orm import QueryContext, Session, UOWTransaction
from sqlalchemy.orm.attributes import get_history, set_committed_value

from exchange.errors import StatementInvalid
from exchange.store.tables.instruments import InstrumentCheckRow, InstrumentReferenceRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.sign_in_tables import AuthorisationRow, SessionRow, SignInRow, TokenRow, UserRow
from exchange.store.tables.terms_tables import PolicyInForceRow
from exchange.trust.key_history import pinned_history
from schemas.errors import ContractError

_ACQUISITIONS_A_TIME: Final = 1000
KEY: Final = "seal_key"
"""Under this name a session has its key."""
Sealed = (
    UserRow
    | AuthorisationRow
    | TokenRow
    | SignInRow
    | SessionRow
    | PeerRow
    | PolicyInForceRow
    | AcquisitionRow
    | InstrumentCheckRow
    | InstrumentReferenceRow
)
SEALED_COLUMNS: Final[dict[type[Sealed], tuple[str, ...]]] = {
    UserRow: ("pseudonym", "role", "created_at", "revoked_at", "examiner_since"),
    AuthorisationRow: ("pseudonym", "words", "entered_at"),
    TokenRow: ("sha256", "pseudonym", "name", "scopes", "created_at", "expires_at", "revoked_at"),
    SignInRow: ("pseudonym", "invitation_sha256", "invited_until", "password", "totp"),
    SessionRow: ("token_sha256", "pseudonym", "signed_in", "began_at", "ends_at"),
    PeerRow: (
        *("node_id", "jurisdiction", "url", "card", "key_chain"),
        *("legal_basis", "state", "enrolled_at"),
    ),
    PolicyInForceRow: ("owner", "statement_id"),
    AcquisitionRow: ("statement_id", "position", "sha256", "delivered_at"),
    InstrumentCheckRow: (
        *("instrument", "software", "specimen", "specimen_key", "reference", "at", "outcome"),
        *("document", "sha256"),
    ),
    InstrumentReferenceRow: ("heights",),
}


def derived_key(secret: bytes) -> bytes:
    """A secret of the node's serves one purpose under each label."""
    return hmac.new(secret, b"ffp sealed rows 1", hashlib.sha256).digest()


def seal_of(row: Sealed, key: bytes) -> bytes:
    return _seal_over(type(row), {column: getattr(row, column) for column in SEALED_COLUMNS[type(row)]}, key)


def seal_for(session: Session, table: type[Sealed], columns: Mapping[str, Any]) -> bytes | None:
    """Of a row that is written in bulk; None in a session without a key."""
    key = session.info.get(KEY)
    return None if key is None else _seal_over(table, columns, key)


def _seal_over(table: type[Sealed], columns: Mapping[str, Any], key: bytes) -> bytes:
    sealed = [table.__tablename__, *(_in_json(columns[column]) for column in SEALED_COLUMNS[table])]
    return hmac.new(key, json.dumps(sealed).encode(), hashlib.sha256).digest()


def _in_json(value: str | bytes | int | None) -> str | int | None:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value


def holds(session: Session, row: Sealed) -> bool:
    """Whether the row is as this software wrote it. Always, in a session without a key: a store of no node."""
    key = session.info.get(KEY)
    return key is None or hmac.compare_digest(row.seal or b"", seal_of(row, key))


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """Table and name of each row that is not as this software wrote it."""
    for row in _all(session):
        if not holds(session, row):
            yield row.__tablename__, _name(row)


def _name(row: Sealed) -> str:
    match row:
        case UserRow() | AuthorisationRow() | SignInRow():
            return row.pseudonym
        case SessionRow():
            return f"of {row.pseudonym}, begun {row.began_at}"
        case TokenRow():
            return str(row.token_id)
        case PeerRow():
            return row.node_id
        case PolicyInForceRow():
            return row.owner
        case AcquisitionRow():
            return f"{row.position} of {row.statement_id}"
        case InstrumentCheckRow() | InstrumentReferenceRow():
            return str(row.check_id)


def _all(session: Session) -> Iterator[Sealed]:
    yield from session.scalars(select(UserRow)).all()
    yield from session.scalars(select(AuthorisationRow)).all()
    yield from session.scalars(select(TokenRow)).all()
    yield from session.scalars(select(SignInRow)).all()
    yield from session.scalars(select(SessionRow)).all()
    yield from session.scalars(select(PeerRow)).all()
    yield from session.scalars(select(PolicyInForceRow)).all()
    yield from session.scalars(select(InstrumentCheckRow)).all()
    for check_id in session.scalars(select(InstrumentReferenceRow.check_id)).all():
        yield session.get_one(InstrumentReferenceRow, check_id)  # one at a time: megabytes each
    yield from _acquisitions(session)


def _acquisitions(session: Session) -> Iterator[AcquisitionRow]:
    """There may be many: a few at a time."""
    last = 0
    few = select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id).limit(_ACQUISITIONS_A_TIME)
    while rows := session.scalars(few.where(AcquisitionRow.acquisition_id > last)).all():
        yield from rows
        last = rows[-1].acquisition_id


@event.listens_for(Session, "before_flush")
def _seal(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """What is new, and what was changed in a column that is sealed: a row that is only used stays as it is sealed."""
    key = session.info.get(KEY)
    if key is None:
        return
    for row in (*session.new, *session.dirty):
        if isinstance(row, Sealed) and (row in session.new or _is_changed(row)):
            row.seal = seal_of(row, key)


def _is_changed(row: Sealed) -> bool:
    return any(get_history(row, column).has_changes() for column in SEALED_COLUMNS[type(row)])


@event.listens_for(PeerRow, "load")
def _loaded(row: PeerRow, context: QueryContext) -> None:
    let_in(context.session, row)


@event.listens_for(PeerRow, "refresh")
def _refreshed(row: PeerRow, context: QueryContext, _columns: object) -> None:
    let_in(context.session, row)


def let_in(session: Session, row: PeerRow) -> None:
    """Only what this software wrote of a peer counts, and only where its card and key-events are those of a node, whose
    log is its own. Nothing is written: what stands in the row stays as it was."""
    if session.info.get(KEY) is None:
        return
    if not holds(session, row) or (row.state != PeerState.REVOKED and not _has_keys(row)):
        set_committed_value(row, "state", PeerState.ALTERED)


def _has_keys(row: PeerRow) -> bool:
    try:
        return pinned_history(row.card, row.key_chain).card.issuer == row.node_id
    except (StatementInvalid, ContractError):
        return False
