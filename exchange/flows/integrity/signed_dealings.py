"""Hold queries and what they found, pairs that were sent to be verified, approved reports and incident annexes,
against their statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.coordination.half_year.counted import editions_of
from exchange.coordination.half_year.editions import read_report_manifest
from exchange.coordination.incidents.incident_document import read_annex_manifest
from exchange.coordination.incidents.incident_tables import IncidentAnnexRow
from exchange.coordination.maturity.snapshot_tables import MaturitySnapshotRow
from exchange.coordination.meetings.meeting_tables import PackInputsRow
from exchange.flows.blind.visibility import blind_to
from exchange.flows.integrity.signed_rows import UNBACKED, Difference, differing, said_in
from exchange.flows.node.node import Node
from exchange.flows.statement.approved_document import digest_of
from exchange.store.log.statements import find_statement
from exchange.store.operate.at_rest import all_found, rows_backed, scan_of
from exchange.store.query.queries import FoundState, QueryState
from exchange.store.tables.columns import Base
from exchange.store.tables.monitoring import MonitoringReportRow
from exchange.store.tables.queries import FoundRow, QueryRow
from exchange.store.tables.reviews import VerificationTaskRow
from schemas import (
    Answer,
    AnyStatement,
    Approval,
    Conclusion,
    ContractError,
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
    for table, kept in _APPROVED.items():
        yield from _check_approved(session, node, table, kept)


def _check_queries(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, QueryRow):
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
    for row, statement in rows_backed(session, VerificationTaskRow):
        said = said_in(statement)
        made = said_in(find_statement(session, row.said)) if row.said is not None else None
        request = said_in(find_statement(session, row.request)) if row.request is not None else None
        asked = request if isinstance(request, VerificationRequest) else None
        pair = said.pair if isinstance(said, Conclusion) else asked.pair if asked is not None else _pair_in(row.pair)
        concluded_here = row.conclusion is not None and row.asked_by is None
        if pair is None or (concluded_here and not isinstance(said, Conclusion)) or (row.request and asked is None):
            yield f"verification_task {row.task_id}", UNBACKED
            continue
        (exhibit_low, exhibit_high), (low, high) = blind_to(session, pair)
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
        }
        if isinstance(said, Conclusion):
            expected |= {"concluded_by": said.made_by.pseudonym, "basis": said.result.basis}
        if asked is not None:
            expected |= {"partner": asked.to} if asked.issuer == node.node_id else {"asked_by": asked.issuer}
        if row.said is not None and not isinstance(made, Conclusion | Verification | VerificationDeclined):
            expected["said"] = None
        yield from differing(row, row.task_id, expected)


def _pair_in(text: str) -> Pair | None:
    try:
        return Pair.model_validate_json(text)
    except ValidationError:
        return None


@dataclass(frozen=True)
class _Kept:
    """How a table keeps what was approved: the column of the document, that of who approved it, and, where the document
    is a manifest, the parts that it names: where each lies, its content, the digest that is named, and its name."""

    document: str
    by: str = "approved_by"
    parts: Callable[[Session, Any], Iterable[tuple[str, bytes, str, str]]] = lambda _session, _row: ()


def _check_approved(session: Session, node: Node, table: type[Base], kept: _Kept) -> Iterator[Difference]:
    """The approval concerns the document, and a manifest each part."""
    for row, statement in rows_backed(session, table):
        said, where = said_in(statement), f"{table.__tablename__} {row.half}"
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield where, UNBACKED
            continue
        yield from differing(row, row.half, {"sha256": said.concerns, kept.by: said.made_by.pseudonym})
        if digest_of(getattr(row, kept.document)) != said.concerns:
            yield where, f"What stands in {kept.document} is not what was signed."
            continue
        try:
            parts = list(kept.parts(session, row))
        except ContractError:
            yield where, "What was signed is no manifest of editions."
            continue
        for place, content, sha256, name in parts:
            if digest_of(content) != sha256:
                yield place, f"The {name} edition is not the one whose digest was signed."


def _editions_of_report(session: Session, row: MonitoringReportRow) -> Iterator[tuple[str, bytes, str, str]]:
    manifest, where = read_report_manifest(row.document), f"monitoring_edition {row.half}"
    both = editions_of(session, row.half)
    yield where, b"" if both is None else both.public, manifest.public, "public"
    yield where, b"" if both is None else both.restricted, manifest.restricted, "restricted"


def _editions_of_annex(_session: Session, row: IncidentAnnexRow) -> Iterator[tuple[str, bytes, str, str]]:
    named, where = read_annex_manifest(row.manifest).editions, f"incident_annex {row.half}"
    yield where, row.exact, named.exact, "exact"
    yield where, row.told, named.public, "public"


_APPROVED: Final[Mapping[type[Base], _Kept]] = {
    MonitoringReportRow: _Kept("document", parts=_editions_of_report),
    IncidentAnnexRow: _Kept("manifest", parts=_editions_of_annex),
    MaturitySnapshotRow: _Kept("document", "kept_by"),
    PackInputsRow: _Kept("document"),
}
