"""What a row holds of a statement, held against its issuer's signatures before anybody is given it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.errors import StatementInvalid, StatementTooNew
from exchange.store.log.statement_rows import find_statement
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import VerifiedStatement, verify_statement
from schemas import AnyStatement, ContractError, KeyEvent, Record, open_envelope, parse_statement
from schemas.statements import statement_id as id_of


def said_as_signed(row: StatementRow, history: KeyHistory) -> AnyStatement | None:
    """Also of a key that was called compromised later: what is in force by such a statement is for the owner to end."""
    try:
        verified = _verified(row, history)
    except (StatementInvalid, StatementTooNew):
        return None
    return verified.statement if verified.statement_id == row.statement_id else None


def is_as_signed(row: StatementRow, history: KeyHistory) -> bool:
    """Of what only a later release reads the signatures alone are known."""
    try:
        return _verified(row, history).statement_id == row.statement_id
    except StatementTooNew:
        return True
    except StatementInvalid:
        return _is_key_event(row)


def signed_record(session: Session, statement_id: str, history: KeyHistory) -> Record | None:
    """The record as the node of this history signed it; None where something else stands there, or nothing."""
    row = find_statement(session, statement_id)
    if row is None or row.envelope is None:
        return None
    try:
        key = history.statement_key(row.log_index)
        verified = verify_statement(row.envelope, issuer=history.card.issuer, key=key)
    except (StatementInvalid, StatementTooNew):
        return None
    record = verified.statement
    return record if isinstance(record, Record) and verified.statement_id == statement_id else None


def _is_key_event(row: StatementRow) -> bool:
    """Those are signed with other keys, and hold nothing that is meant for somebody."""
    try:
        payload = open_envelope(row.envelope or b"").payload
        return id_of(payload) == row.statement_id and isinstance(parse_statement(payload), KeyEvent)
    except ContractError:
        return False


def _verified(row: StatementRow, history: KeyHistory) -> VerifiedStatement:
    key = history.at(row.log_index).event.delegation.statement
    return verify_statement(row.envelope or b"", issuer=history.card.issuer, key=key)
