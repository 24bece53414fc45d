"""Hold what decides who may have what against the statements that say so: grants, holds, decisions, tombstones, groups,
legal bases, queries and what they found. Each row must be what its statement says, and must still be in force.

Of signatures nothing is asked here: they were verified, or found wrong, when the statements were read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.flows.blind import blind_to
from exchange.flows.node import Node
from exchange.flows.signed_rows import GONE, UNBACKED, Difference, differing
from exchange.store.at_rest import (
    all_found,
    group_owners,
    groups_named,
    lacking,
    later_said,
    pairs_of_no_hit,
    parts_of_no_record,
    rows_backed,
    scan_of,
    unbacked_records,
)
from exchange.store.hit_tables import CountersignatureRow, HitRow
from exchange.store.monitoring_tables import MonitoringReportRow
from exchange.store.peers import all_peers, find_peer
from exchange.store.queries import FoundState, QueryState, find_found
from exchange.store.review_tables import VerificationTaskRow
from exchange.store.statements import find_statement, latest_of
from exchange.store.tables import (
    ApprovalRow,
    FoundRow,
    GrantRow,
    HoldRow,
    QueryRow,
    RecordRow,
    StatementRow,
    TombstoneRow,
)
from exchange.store.terms import bases_in_rows, legal_basis_rows
from exchange.store.withdrawals import tombstones_of
from schemas import (
    Acknowledgement,
    Answer,
    AnyStatement,
    Approval,
    Conclusion,
    ContractError,
    Grant,
    Hit,
    Hold,
    Pair,
    Policy,
    Query,
    Receipt,
    ReleaseRequest,
    Verification,
    Withdrawal,
    open_envelope,
    parse_statement,
)
from schemas.vocabulary import Decision, ErasureOutcome, WithdrawalReason

_UNSAID = frozenset({WithdrawalReason.RETENTION_OVER, WithdrawalReason.EXPELLED})
"""For these alone a record is buried without a statement of its owner."""


def check_terms(session: Session, node: Node) -> Iterator[Difference]:
    """One pass over each table, a few rows at a time."""
    for record in unbacked_records(session):
        yield f"record {record}", UNBACKED
    for table, record in parts_of_no_record(session):
        yield f"{table} {record}", UNBACKED
    for pair in pairs_of_no_hit(session):
        yield f"hit_pair {pair}", UNBACKED
    yield from _check_grants(session)
    yield from _check_holds(session, node)
    yield from _check_approvals(session, node)
    yield from _check_tombstones(session, node)
    yield from _check_policies(session, node)
    yield from _check_queries(session, node)
    yield from _check_found(session, node)
    yield from _check_tasks(session)
    yield from _check_reports(session, node)
    for row, statement in rows_backed(session, HitRow):
        if not isinstance(said_in(statement), Hit):
            yield f"hit {row.statement_id}", UNBACKED
    for row, statement in rows_backed(session, CountersignatureRow):
        if not isinstance(said_in(statement), Receipt):
            yield f"countersignature {row.statement_id}", UNBACKED


def said_in(row: StatementRow | None) -> AnyStatement | None:
    """What a statement says; None of one that is gone, was erased, or cannot be read."""
    if row is None or row.envelope is None:
        return None
    try:
        return parse_statement(open_envelope(row.envelope).payload)
    except ContractError:
        return None


def _check_grants(session: Session) -> Iterator[Difference]:
    for row, statement in rows_backed(session, GrantRow):
        key, said = f"{row.record} for {row.jurisdiction}", said_in(statement)
        if not isinstance(said, Grant):
            yield f"grant {key}", UNBACKED
        else:
            yield from differing(row, key, {"record": said.record, "jurisdiction": said.jurisdiction})
    for statement in lacking(session, "grant", GrantRow, GrantRow.record):
        said, subject = said_in(statement), find_statement(session, statement.about or "")
        another = subject is not None and subject.issuer != statement.issuer
        if isinstance(said, Grant) and not another and not tombstones_of(session, said.record):
            yield f"grant {said.record} for {said.jurisdiction}", GONE


def _check_holds(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, HoldRow):
        said = said_in(statement)
        if not isinstance(said, Hold) or statement is None or statement.issuer != node.node_id or not said.placed:
            yield f"hold {row.record}", UNBACKED
            continue
        yield from differing(row, row.record, {"record": said.record, "authority": said.authority})
        if later_said(session, node.node_id, "hold", said.record, statement.log_index):
            yield f"hold {row.record}", "A later statement says otherwise."
    for statement in lacking(session, "hold", HoldRow, HoldRow.record):
        said = said_in(statement)
        later = later_said(session, node.node_id, "hold", statement.about or "", statement.log_index)
        if isinstance(said, Hold) and said.placed and statement.issuer == node.node_id and not later:
            yield f"hold {said.record}", GONE


def _check_approvals(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, ApprovalRow):
        key, said = f"{row.concerns} for {row.jurisdiction}", said_in(statement)
        if row.decision is None and row.statement_id is None and row.decided_at is None:
            continue  # nobody decided yet
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield f"approval {key}", UNBACKED
            continue
        found = find_found(session, said.concerns)
        concerns = row.concerns if found is not None and found.record == row.concerns else said.concerns
        yield from differing(
            row, key, {"concerns": concerns, "jurisdiction": said.jurisdiction, "decision": said.decision}
        )
        later = later_said(session, node.node_id, "approval", row.concerns, statement.log_index)
        if any(getattr(said_in(one), "jurisdiction", None) == row.jurisdiction for one in later):
            yield f"approval {key}", "It was decided otherwise later."


def _check_tombstones(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, TombstoneRow):
        key = f"{row.tombstone_id} of {row.record}"
        said = said_in(statement)
        if row.withdrawal is None:
            yield from differing(row, key, {"holder": "", "log_index": 0})
            if row.reason not in _UNSAID:
                yield f"tombstone {key}", UNBACKED
        elif not isinstance(said, Withdrawal) or statement is None:
            yield f"tombstone {key}", UNBACKED
        else:
            yield from differing(
                row,
                key,
                {
                    "record": said.record,
                    "holder": said.holder or "",
                    "issuer": said.issuer,
                    "reason": said.reason,
                    "log_index": statement.log_index,
                },
            )
        if row.lifted and not _is_granted_again(session, node, row):
            yield f"tombstone {key}", "It is lifted, and no later grant lets the holder have the record again."
        yield from _check_outcome(session, node, row, key)
    for statement in lacking(session, "withdrawal", TombstoneRow, TombstoneRow.record):
        yield f"tombstone of {statement.about}", GONE


def _is_granted_again(session: Session, node: Node, row: TombstoneRow) -> bool:
    peer = find_peer(session, row.holder)
    jurisdiction = node.settings.jurisdiction if row.holder == node.node_id else peer.jurisdiction if peer else None
    later = later_said(session, row.issuer, "grant", row.record, row.log_index)
    return any(getattr(said_in(one), "jurisdiction", None) == jurisdiction for one in later)


def _check_outcome(session: Session, node: Node, row: TombstoneRow, key: str) -> Iterator[Difference]:
    """What became of the record here: as this node acknowledged it to the owner."""
    if row.outcome is None:
        return
    if row.outcome not in list(ErasureOutcome):
        yield f"tombstone {key}", "What stands in outcome is none."
    elif row.withdrawal is not None and row.issuer != node.node_id:
        told = later_said(session, node.node_id, "acknowledgement", row.withdrawal, -1)
        last = said_in(told[-1]) if told else None
        yield from differing(row, key, {"outcome": last.outcome if isinstance(last, Acknowledgement) else None})
    elif row.outcome != ErasureOutcome.RESTRICTED and not row.lifted and _is_here(session, row):
        yield f"tombstone {key}", "What stands in outcome is not so: the record is here."


def _is_here(session: Session, stone: TombstoneRow) -> bool:
    record = session.get(RecordRow, stone.record)
    return record is not None and record.issuer == stone.issuer and stone.holder == ""


def _check_policies(session: Session, node: Node) -> Iterator[Difference]:
    issuers = {node.node_id, *(peer.node_id for peer in all_peers(session))}
    for owner in sorted(issuers | group_owners(session)):
        row = latest_of(session, owner, "policy")
        said = said_in(row)
        policy = said if isinstance(said, Policy) else None
        members = {(group.name, str(one)) for group in policy.groups for one in group.members} if policy else set()
        for name, jurisdiction in sorted(groups_named(session, owner) ^ members):
            yield f"group_member {owner} {name} {jurisdiction}", "The policy in force was signed otherwise."
        if owner == node.node_id:
            signed = {tuple(columns.values()) for columns in legal_basis_rows(policy)} if policy else set()
            for basis in sorted(bases_in_rows(session) ^ signed):
                yield f"legal_basis {basis[0]} {basis[1]}", "The policy in force was signed otherwise."


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


def _check_tasks(session: Session) -> Iterator[Difference]:
    """What was sent to be verified blind. Of a control no statement tells the pair: its columns must agree."""
    for row, statement in rows_backed(session, VerificationTaskRow):
        said = said_in(statement)
        made = said_in(find_statement(session, row.said)) if row.said is not None else None
        pair = said.pair if isinstance(said, Conclusion) else _pair_in(row.pair)
        if pair is None or (row.conclusion is not None and not isinstance(said, Conclusion)):
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
        }
        if isinstance(said, Conclusion):
            expected |= {"concluded_by": said.made_by.pseudonym, "basis": said.basis}
        if row.said is not None and not isinstance(made, Conclusion | Verification):
            expected["said"] = None
        yield from differing(row, row.task_id, expected)


def _pair_in(text: str) -> Pair | None:
    try:
        return Pair.model_validate_json(text)
    except ValidationError:
        return None


def _check_reports(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, MonitoringReportRow):
        said = said_in(statement)
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield f"monitoring_report {row.half}", UNBACKED
            continue
        yield from differing(row, row.half, {"sha256": said.concerns, "approved_by": said.made_by.pseudonym})
        if hashlib.sha256(row.document).hexdigest() != said.concerns:
            yield f"monitoring_report {row.half}", "What stands in document is not what was signed."
