"""Hold what decides who may have what against the statements that say so: grants, holds, decisions, tombstones, groups,
legal bases. Each row must be what its statement says, and must still be in force.

Of signatures nothing is asked here: they were verified, or found wrong, when the statements were read.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from exchange.flows.integrity.signed_rows import GONE, UNBACKED, Difference, differing, said_in
from exchange.flows.node.node import Node
from exchange.store.entry.exhibits import exhibit_of, versions_of_exhibits
from exchange.store.log.statement_rows import find_statement, latest_of
from exchange.store.operate.at_rest import (
    group_owners,
    groups_named,
    lacking,
    later_said,
    pairs_of_no_hit,
    parts_of_no_record,
    rows_backed,
    unbacked_records,
)
from exchange.store.query.queries import find_found
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.tables.hits import CountersignatureRow, HitRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.terms_tables import ApprovalRow, GrantRow, HoldRow, TombstoneRow
from exchange.store.terms.terms_rows import bases_in_rows, legal_basis_rows, policy_in_force
from exchange.store.terms.withdrawals import tombstones_of
from schemas import (
    Acknowledgement,
    Approval,
    Grant,
    Hit,
    Hold,
    Policy,
    Receipt,
    Withdrawal,
)
from schemas.sharing import OfRecord
from schemas.vocabulary import ErasureOutcome, WithdrawalReason

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
    for row, statement in rows_backed(session, HitRow.statement_id):
        if not isinstance(said_in(statement), Hit):
            yield f"hit {row.statement_id}", UNBACKED
    for row, statement in rows_backed(session, CountersignatureRow.statement_id):
        if not isinstance(said_in(statement), Receipt):
            yield f"countersignature {row.statement_id}", UNBACKED


def _check_grants(session: Session) -> Iterator[Difference]:
    for row, statement in rows_backed(session, GrantRow.statement_id):
        key, said = f"{row.record} for {row.jurisdiction}", said_in(statement)
        if not isinstance(said, Grant) or statement is None:
            yield f"grant {key}", UNBACKED
        else:
            expected = _named(statement, said) | {"jurisdiction": said.jurisdiction}
            yield from differing(row, key, expected)
    for statement in lacking(session, "grant", GrantRow, GrantRow.record):
        said, subject = said_in(statement), find_statement(session, statement.about or "")
        another = subject is not None and subject.issuer != statement.issuer
        if isinstance(said, Grant) and not another and not tombstones_of(session, said.record):
            yield f"grant {said.record} for {said.jurisdiction}", GONE


def _check_holds(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, HoldRow.statement_id):
        said = said_in(statement)
        if not isinstance(said, Hold) or statement is None or statement.issuer != node.node_id or not said.placed:
            yield f"hold {row.record}", UNBACKED
            continue
        record = find_statement(session, said.record)
        yield from differing(row, row.record, {"record": said.record, "authority": said.authority})
        if record is not None:
            yield from differing(row, row.record, {"exhibit": exhibit_of(session, record.issuer, said.record)})
        if later_said(session, node.node_id, "hold", said.record, statement.log_index):
            yield f"hold {row.record}", "A later statement says otherwise."
    for statement in lacking(session, "hold", HoldRow, HoldRow.record):
        said = said_in(statement)
        later = later_said(session, node.node_id, "hold", statement.about or "", statement.log_index)
        if isinstance(said, Hold) and said.placed and statement.issuer == node.node_id and not later:
            yield f"hold {said.record}", GONE


def _check_approvals(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, ApprovalRow.statement_id):
        key, said = f"{row.concerns} for {row.jurisdiction}", said_in(statement)
        if row.decision is None and row.statement_id is None and row.decided_at is None:
            continue  # nobody decided yet
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield f"approval {key}", UNBACKED
            continue
        found = find_found(session, said.concerns)
        concerns = row.concerns if found is not None and found.record == row.concerns else said.concerns
        of_record = find_statement(session, row.concerns)
        is_record = of_record is not None and of_record.type == "record"
        yield from differing(
            row,
            key,
            {
                "concerns": concerns,
                "jurisdiction": said.jurisdiction,
                "decision": said.decision,
                "log_index": statement.log_index,
                "exhibit": exhibit_of(session, node.node_id, row.concerns) if is_record else None,
                "number": _number(session, node.node_id, row.concerns, row.number) if is_record else None,
            },
        )
        later = later_said(session, node.node_id, "approval", row.concerns, statement.log_index)
        if any(getattr(said_in(one), "jurisdiction", None) == row.jurisdiction for one in later):
            yield f"approval {key}", "It was decided otherwise later."


def _check_tombstones(session: Session, node: Node) -> Iterator[Difference]:
    for row, statement in rows_backed(session, TombstoneRow.withdrawal):
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
                    "holder": said.holder or "",
                    "issuer": said.issuer,
                    "reason": said.reason,
                }
                | _named(statement, said)
                | {"number": _number(session, said.issuer, said.record, row.number)},
            )
        if row.lifted and not _is_granted_again(session, node, row):
            yield f"tombstone {key}", "It is lifted, and no later grant lets the holder have the record again."
        yield from _check_outcome(session, node, row, key)
    for statement in lacking(session, "withdrawal", TombstoneRow, TombstoneRow.record):
        yield f"tombstone of {statement.about}", GONE


def _is_granted_again(session: Session, node: Node, row: TombstoneRow) -> bool:
    peer = find_peer(session, row.holder)
    jurisdiction = node.settings.jurisdiction if row.holder == node.node_id else peer.jurisdiction if peer else None
    versions = versions_of_exhibits(session, {row.exhibit})
    later = [one for name in versions for one in later_said(session, row.issuer, "grant", name, row.log_index)]
    return any(getattr(said_in(one), "jurisdiction", None) == jurisdiction for one in later)


def _named(statement: StatementRow, said: OfRecord) -> dict[str, str | int]:
    """What a row has of a statement that names a record of its issuer."""
    return {"record": said.record, "exhibit": said.exhibit, "log_index": statement.log_index}


def _number(session: Session, issuer: str, record: str, noted: str | None) -> str | None:
    """That of the record; as it was noted where the record was erased, or never came here."""
    row = session.get(RecordRow, record)
    return row.number if row is not None and row.issuer == issuer else noted


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
            noted = policy_in_force(session, owner)
            if noted is None or noted.statement_id != (row.statement_id if row is not None else None):
                yield f"policy_in_force {owner}", "It is gone, or names another policy than the newest that was signed."
