"""Find the same statement by the same person from the last minute, so that a form that is sent twice is signed once."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from exchange.clock import stamp_in
from exchange.store.log.statement_rows import statements_about
from exchange.store.tables.record_tables import StatementRow
from schemas import AnyStatement, about, open_envelope, parse_statement

SAME_S: Final = 60
"""Whoever says the same again later means it."""
_OF_EACH: Final = {"nonce", "stated_at", "answers"}
"""What differs in two statements that say the same."""


def signed_before(session: Session, said: AnyStatement) -> StatementRow | None:
    """The statement of the same words by the same person that was signed a moment ago and not taken back."""
    subject = about(said)
    if subject is None:
        return None
    for row in statements_about(session, subject, [said.type]):
        if row.issuer != said.issuer or row.envelope is None or row.received_at < stamp_in(-SAME_S):
            continue
        is_same = _words(parse_statement(open_envelope(row.envelope).payload)) == _words(said)
        if is_same and not statements_about(session, row.statement_id, ["retraction"], issuer=row.issuer):
            return row
    return None


def _words(said: AnyStatement) -> dict[str, Any]:
    return said.model_dump(exclude=_OF_EACH)
