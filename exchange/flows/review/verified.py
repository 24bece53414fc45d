"""Which verifications of this node's own conclusions count: those of its own examiners, and those of a partner that it
asked. A peer may sign as many others: they verify nothing here."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.store.log.statements import statements_about
from exchange.store.tables.records import StatementRow
from schemas import Verification, VerificationRequest, open_envelope, parse_statement


def verifications_of(session: Session, node_id: str, conclusion: str) -> list[StatementRow]:
    """Of a conclusion of this node, in the order in which they came."""
    found = [row for row in statements_about(session, conclusion, ["verification"]) if row.envelope is not None]
    if all(row.issuer == node_id for row in found):
        return found
    asked = requests_for(session, node_id, conclusion)
    return [row for row in found if row.issuer == node_id or _answers(row, asked)]


def requests_for(session: Session, node_id: str, conclusion: str) -> dict[str, VerificationRequest]:
    """What this node asked partners of a conclusion of its own, by the requests' ids."""
    rows = statements_about(session, conclusion, ["verification-request"], issuer=node_id)
    said = {row.statement_id: parse_statement(open_envelope(row.envelope or b"").payload) for row in rows}
    return {name: one for name, one in said.items() if isinstance(one, VerificationRequest)}


def _answers(row: StatementRow, asked: dict[str, VerificationRequest]) -> bool:
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    request = asked.get(said.request or "") if isinstance(said, Verification) else None
    return request is not None and (request.to, request.pair) == (row.issuer, getattr(said, "pair", None))
