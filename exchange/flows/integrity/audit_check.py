"""Hold the audit rows against the statements of the own log that vouch for them, and name what is not as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp_in
from exchange.errors import CheckpointInvalid, ProofInvalid
from exchange.flows.integrity.report import MAX_FINDINGS
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import open_head
from exchange.log import merkle
from exchange.log.audit_entry import batch_root
from exchange.log.checkpoint import Checkpoint
from exchange.store.log.audit import KeptEntry, audit_state, batches, entries_from
from exchange.store.log.statement_rows import find_node, latest_checkpoint, statements_of_type
from exchange.store.tables.log import AuditBatchRow
from exchange.store.tables.record_tables import StatementRow
from schemas import AuditBatch, ContractError, open_envelope, parse_statement

_NO_HASH = bytes(32)
"""In the place of a hash that is gone: it leads to no root."""


@dataclass
class AuditCheck:
    """What was read, and what was found: (subject, a sentence). ``unproven``: rows that no signed head covers yet."""

    rows: int = 0
    batches: int = 0
    erased: int = 0
    not_stated: int = 0
    unproven: int = 0
    findings: list[tuple[str, str]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.findings

    def found(self, subject: str, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append((subject, what))


@dataclass(frozen=True)
class _Batch:
    """A statement that vouches for rows ``first`` to ``last``."""

    statement_id: str
    log_index: int
    made_at: str
    first: int
    last: int
    root: bytes


def verify_audit(node: Node) -> AuditCheck:
    """Compare the rows with what the log vouches for. Changes nothing; a node may serve meanwhile."""
    with node.store.read() as session:
        check = AuditCheck()
        check_audit(session, node, check)
        return check


def check_audit(session: Session, node: Node, check: AuditCheck) -> None:
    """One pass over statements and rows.

    1. Each audit-batch statement stands in the tree under the last signed head; they follow on each other.
    2. Each row gives the hash that was kept with it, and none is missing: neither within, nor after the last batch.
    3. Each batch's rows give its root.
    4. Rows are missing at the beginning only where their retention was over.
    """
    vouching = _vouching(session, node, check)
    _check_index(batches(session), vouching, check)
    state = audit_state(session)
    rows = _Rows(entries_from(session), check)
    for batch in vouching:
        check.batches += 1
        if batch.last < state.kept_from:
            _check_erased(node, batch, rows, check)
            continue
        leaves = rows.up_to(batch.last, first=batch.first)
        if leaves is not None and batch_root(leaves) != batch.root:
            check.found(
                f"audit rows {batch.first} to {batch.last}",
                f"They are not those that were signed in {batch.statement_id}, though each agrees with the hash beside "
                "it: whoever changed one changed both.",
            )
    begin = max(state.kept_from, vouching[-1].last + 1 if vouching else 1)
    rows.up_to(state.last, first=begin)
    check.unproven += max(0, state.last - begin + 1)
    for kept in rows.rest():
        check.found(f"audit row {kept.entry.number}", "It has a number that this node never gave.")


def _vouching(session: Session, node: Node, check: AuditCheck) -> list[_Batch]:
    head = _last_head(session, node, check)
    found: list[_Batch] = []
    for row in statements_of_type(session, node.node_id, "audit-batch"):
        batch = _opened(row)
        if batch is None:
            check.found(row.statement_id, "The audit-batch statement cannot be read; restore it from a backup.")
            continue
        if found and batch.first != found[-1].last + 1:
            check.found(
                f"audit rows {found[-1].last + 1} to {batch.first - 1}",
                f"No statement vouches for them: one before {batch.statement_id} is gone from the log.",
            )
        if head is not None and batch.log_index < head.size:
            _check_included(session, row, head, check)
        else:
            check.unproven += batch.last - batch.first + 1
        found.append(batch)
    return found


def _opened(row: StatementRow) -> _Batch | None:
    if row.envelope is None:
        return None
    try:
        said = parse_statement(open_envelope(row.envelope).payload)
    except ContractError:
        return None
    if not isinstance(said, AuditBatch):
        return None
    last = said.first + said.count - 1
    return _Batch(row.statement_id, row.log_index, row.received_at, said.first, last, bytes.fromhex(said.root))


def _last_head(session: Session, node: Node, check: AuditCheck) -> Checkpoint | None:
    latest = latest_checkpoint(session)
    if latest is None:
        return None
    try:
        return open_head(latest.note, node.history)
    except CheckpointInvalid as error:
        check.found(f"head of size {latest.size}", str(error))
        return None


def _check_included(session: Session, row: StatementRow, head: Checkpoint, check: AuditCheck) -> None:
    leaf = merkle.leaf_hash(open_envelope(row.envelope or b"").leaf_data)

    def read(level: int, position: int) -> bytes:
        return find_node(session, level, position) or _NO_HASH

    try:
        proof = merkle.inclusion_proof(row.log_index, head.size, read)
        merkle.verify_inclusion(row.log_index, head.size, leaf, proof, head.root)
    except ProofInvalid as error:
        check.found(row.statement_id, f"The audit-batch statement is not in the signed log: {error}.")


def _check_index(kept: Sequence[AuditBatchRow], vouching: list[_Batch], check: AuditCheck) -> None:
    told = {(row.first, row.first + row.count - 1, row.statement_id, row.log_index) for row in kept}
    signed = {(batch.first, batch.last, batch.statement_id, batch.log_index) for batch in vouching}
    for first, last, statement_id, _ in sorted(told ^ signed):
        check.found(f"audit rows {first} to {last}", f"The table of batches does not agree with {statement_id}.")


def _check_erased(node: Node, batch: _Batch, rows: _Rows, check: AuditCheck) -> None:
    check.erased += batch.last - batch.first + 1
    if batch.made_at > stamp_in(-node.settings.audit_retention_days * DAY_S):
        check.found(
            f"audit rows {batch.first} to {batch.last}",
            f"They were erased although they are of {batch.made_at[:10]} and their retention is not over.",
        )
    rows.up_to(batch.last, first=batch.last + 1)


class _Rows:
    """The rows in order, each held against the hash that was kept with it."""

    def __init__(self, kept: Iterator[KeptEntry], check: AuditCheck) -> None:
        self._kept, self._check = kept, check
        self._next: KeptEntry | None = next(kept, None)

    def up_to(self, last: int, *, first: int) -> list[bytes] | None:
        """The hashes of the rows ``first`` to ``last``; None when some are missing, altered or too many, which is a
        finding by itself."""
        leaves, whole, expected = [], True, first
        while self._next is not None and self._next.entry.number <= last:
            kept = self._next
            self._next = next(self._kept, None)
            number, leaf = kept.entry.number, kept.entry.leaf()
            if number < first:
                self._check.found(f"audit row {number}", "It has a number that no batch has, or that was erased.")
                continue
            if number > expected:
                self._missing(expected, number - 1)
                whole = False
            expected = number + 1
            self._check.rows += 1
            self._check.not_stated += kept.entry.kind == "person" and kept.entry.purpose is None
            if leaf != kept.leaf:
                self._check.found(f"audit row {number}", "It is not what was written down: it was altered since.")
                whole = False
            leaves.append(leaf)
        if expected <= last:
            self._missing(expected, last)
            whole = False
        return leaves if whole else None

    def rest(self) -> Iterator[KeptEntry]:
        if self._next is not None:
            yield self._next
            yield from self._kept

    def _missing(self, first: int, last: int) -> None:
        named = f"audit row {first}" if first == last else f"audit rows {first} to {last}"
        self._check.found(named, "Missing: it was written down, and is gone since.")
