"""The verifications that count for a conclusion of this node: those of its own examiners, and the first answer of a
partner to a request that is still open. No other statement of a peer counts."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.store.log.statement_rows import statements_about, statements_about_each
from exchange.store.tables.record_tables import StatementRow
from schemas import Pair, Verification, VerificationRequest, open_envelope, parse_statement


def counting_verifications(session: Session, node_id: str, conclusion: str) -> list[StatementRow]:
    """Return the verifications that count for a conclusion of this node, in the order in which they arrived.

    A second answer to the same request does not count: otherwise a node could ask until an answer suits it.
    """
    rows = statements_about(session, conclusion, ["verification"])
    found = [row for row in rows if row.envelope is not None and row.refused_by is None]
    if all(row.issuer == node_id for row in found):
        return found
    asked = requests_for(session, node_id, conclusion)
    ended = statements_about_each(session, set(asked), ["retraction", "verification-declined"])
    counting: dict[str, StatementRow] = {}
    for row in found:
        if row.issuer == node_id:
            counting[row.statement_id] = row
            continue
        name, pair = _answered(row)
        request = asked.get(name)
        over = any(_ends(end, node_id, row) for end in ended.get(name, []))
        if request is not None and (request.to, request.pair) == (row.issuer, pair) and not over:
            counting.setdefault(name, row)
    return list(counting.values())


def requests_for(session: Session, node_id: str, conclusion: str) -> dict[str, VerificationRequest]:
    """Return this node's requests to partners for one of its conclusions, by their ids."""
    rows = statements_about(session, conclusion, ["verification-request"], issuer=node_id)
    said = {row.statement_id: parse_statement(open_envelope(row.envelope or b"").payload) for row in rows}
    return {name: one for name, one in said.items() if isinstance(one, VerificationRequest)}


def _answered(row: StatementRow) -> tuple[str, Pair | None]:
    """Return the id of the request that a verification answers, and the pair that it verifies."""
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    return (said.request or "", said.pair) if isinstance(said, Verification) else ("", None)


def _ends(end: StatementRow, node_id: str, answer: StatementRow) -> bool:
    """Return whether a statement ended the request before this answer: this node took the request back, or the partner
    declined it earlier in the partner's own log."""
    if end.type == "retraction":
        return end.issuer == node_id
    return end.issuer == answer.issuer and end.log_index < answer.log_index
