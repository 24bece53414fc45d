"""Hold queries and what they found, and pairs that were sent to be verified, against their statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.flows.blind.visibility import blind_to
from exchange.flows.integrity.signed_rows import UNBACKED, Difference, differing, said_in
from exchange.flows.node.node import Node
from exchange.store.log.statement_rows import find_statement
from exchange.store.operate.at_rest import all_found, rows_backed, scan_of
from exchange.store.query.queries import FoundState, QueryState
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.review_tables import VerificationTaskRow
from schemas import (
    Answer,
    AnyStatement,
    Approval,
    Conclusion,
    Grant,
    Pair,
    Query,
    ReleaseRequest,
    Verification,
    VerificationDeclined,
    VerificationRequest,
)
from schemas.vocabulary import Decision


def check_dealings(session: Session, node: Node) -> Iterator[Difference]:
    """One pass over each table, a few rows at a time."""
    yield from _check_queries(session, node)
    yield from _check_found(session, node)
    yield from _check_tasks(session, node)


def _check_queries(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, QueryRow.statement_id):
        said = said_in(statement)
        if not isinstance(said, Query):
            yield f"query {row.statement_id}", UNBACKED
            continue
        expected: dict[str, Any] = {
            "asker": said.issuer,
            "asked": said.to,
            "roi": said.acquisition.roi,
            "calibre": said.calibre,
            "case_reference": said.case_reference,
            "purpose": said.purpose,
            "legal_basis": said.legal_basis,
            "made_by": said.made_by.pseudonym,
        }
        if said.issuer != node.node_id:
            expected |= {"record": None, "position": None}
        yield from differing(row, row.statement_id, expected | _answer_of(session, row))
        if said.issuer == node.node_id:
            yield from _check_subject(session, node, row, said)


def _answer_of(session: Session, row: QueryRow) -> dict[str, Any]:
    answer = find_statement(session, row.answer) if row.answer is not None else None
    said = said_in(answer)
    if isinstance(said, Answer) and (said.query, said.issuer) == (row.statement_id, row.asked):
        columns = {"result": said.result, "detail": said.because, "state": QueryState.ANSWERED}
    else:
        unanswered = [state for state in QueryState if state is not QueryState.ANSWERED]
        state = row.state if row.state in unanswered else unanswered[0]
        columns = {"answer": None, "result": None, "answered_at": None, "state": state}
    return columns


def _check_subject(session: Session, node: Node, row: QueryRow, said: Query) -> Iterator[Difference]:
    """The scan that travelled is that of the record that the row names, as long as that is here."""
    subject = find_statement(session, row.record or "")
    scan = scan_of(session, row.record or "", -1 if row.position is None else row.position)
    erased = subject is not None and subject.issuer == node.node_id and subject.envelope is None
    if scan != said.acquisition.blob.sha256 and not erased:
        yield f"query {row.statement_id}", "What stands in record, position is not whose scan was signed."


def _check_found(session: Session, node: Node) -> Iterator[Difference]:
    for row, query, answer, decision in all_found(session):
        told, said = said_in(answer), said_in(decision)
        found = {one.handle: one for one in told.found} if isinstance(told, Answer) else {}
        if query is None or row.handle not in found:
            yield f"query_found {row.handle}", UNBACKED
            continue
        expected: dict[str, Any] = {"band": found[row.handle].band}
        if not _is_requested(session, row):
            expected["request"] = None
        expected |= _decided(row, said)
        if query.asked == node.node_id and row.record is not None:
            subject = find_statement(session, row.record)
            if subject is None or subject.issuer != node.node_id or subject.type != "record":
                expected["record"] = None
        yield from differing(row, row.handle, expected)


def _is_requested(session: Session, row: FoundRow) -> bool:
    request = said_in(find_statement(session, row.request)) if row.request is not None else None
    return isinstance(request, ReleaseRequest) and request.handle == row.handle


def _decided(row: FoundRow, said: AnyStatement | None) -> dict[str, Any]:
    """What follows from the statement that decided on it; it may have been asked for anew, or taken back, since."""
    match said:
        case Grant() if said.handle == row.handle:
            withdrawn = row.state == FoundState.WITHDRAWN
            return {
                "state": row.state if withdrawn else FoundState.GRANTED,
                "record": None if withdrawn else said.record,
            }
        case Approval() if (said.concerns, said.decision) == (row.handle, Decision.REFUSED):
            possible = [FoundState.REFUSED, FoundState.REQUESTED, FoundState.WITHDRAWN]
            return {"state": row.state if row.state in possible else possible[0]}
        case _:
            possible = [FoundState.REQUESTED if row.request else FoundState.FOUND, FoundState.WITHDRAWN]
            return {"decision": None, "state": row.state if row.state in possible else possible[0]}


def _check_tasks(session: Session, node: Node) -> Iterator[Difference]:
    """What was sent to be verified blind. Of a control no statement tells the pair: its columns must agree."""
    for row, statement in rows_backed(session, VerificationTaskRow.conclusion):
        said = said_in(statement)
        made = said_in(find_statement(session, row.said)) if row.said is not None else None
        request = said_in(find_statement(session, row.request)) if row.request is not None else None
        asked = request if isinstance(request, VerificationRequest) else None
        pair = said.pair if isinstance(said, Conclusion) else asked.pair if asked is not None else _pair_in(row.pair)
        concluded_here = row.conclusion is not None and row.asked_by is None
        if pair is None or (concluded_here and not isinstance(said, Conclusion)) or (row.request and asked is None):
            yield f"verification_task {row.task_id}", UNBACKED
            continue
        (exhibit_low, exhibit_high), (low, high) = blind_to(pair)
        expected: dict[str, Any] = {
            "scan_low": low,
            "scan_high": high,
            "exhibit_low": exhibit_low,
            "exhibit_high": exhibit_high,
            "statement_a": pair.a.record,
            "statement_b": pair.b.record,
            "pair": pair.model_dump_json(),
            "concluded_by": None,
            "partner": None,
            "asked_by": None,
            "asked_conclusion": None,
        }
        if isinstance(said, Conclusion):
            expected |= {"concluded_by": said.made_by.pseudonym, "basis": said.result.basis}
        if asked is not None and asked.issuer == node.node_id:
            expected["partner"] = asked.to
        elif asked is not None:
            expected |= {"asked_by": asked.issuer, "asked_conclusion": asked.conclusion}
        if row.said is not None and not isinstance(made, Conclusion | Verification | VerificationDeclined):
            expected["said"] = None
        yield from differing(row, row.task_id, expected)


def _pair_in(text: str) -> Pair | None:
    try:
        return Pair.model_validate_json(text)
    except ValidationError:
        return None
