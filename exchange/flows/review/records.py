"""Records as people of this node read them: found by what is known of an exhibit, one whole, its envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.flows.keys.suspicion import Suspicion, suspicion_of, suspicions
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import Shared, record_of, sharing_of
from exchange.record_filter import RecordFilter
from exchange.store.entry import records as store
from exchange.store.log.statements import find_statement
from exchange.store.tables.records import AcquisitionRow, RecordRow
from schemas import Record

StoredRecord: TypeAlias = RecordRow
"""A record as its row describes it, without its scans."""


@dataclass(frozen=True)
class FoundRecords:
    """The newest arrival first, and those of them whose key was in wrong hands."""

    rows: Sequence[StoredRecord]
    suspicions: dict[str, Suspicion]


@dataclass(frozen=True)
class ReadRecord:
    """A record as it was signed, its place in its issuer's log, how far its scans are, and of an own one what each
    jurisdiction of its audience gets."""

    row: StoredRecord
    said: Record
    log_index: int
    scans: Sequence[AcquisitionRow]
    shared: list[Shared]
    suspicion: Suspicion | None

    @property
    def pending(self) -> int:
        """How many of its scans are not correlated yet."""
        return sum(scan.state in store.PENDING for scan in self.scans)


def search_records(node: Node, wanted: RecordFilter, *, before: int | None, limit: int) -> FoundRecords:
    """Current records that fit, of those that arrived before this sequence number."""
    with node.store.read() as session:
        rows = store.search_records(session, wanted, before=before, limit=limit)
        return FoundRecords(rows, suspicions(session, node, ((row.statement_id, row.issuer) for row in rows)))


def find_record(node: Node, statement_id: str) -> StoredRecord | None:
    with node.store.read() as session:
        found = store.find_record(session, statement_id)
    return None if found is None else found[0]


def read_record(node: Node, statement_id: str) -> ReadRecord | None:
    with node.store.read() as session:
        found = store.find_record(session, statement_id)
        if found is None:
            return None
        row, statement = found
        said = record_of(session, statement_id)
        own = row.issuer == node.node_id
        return ReadRecord(
            row=row,
            said=said,
            log_index=statement.log_index,
            scans=store.acquisitions_of(session, statement_id),
            shared=sharing_of(session, statement_id, said, owner=node.node_id) if own else [],
            suspicion=suspicion_of(session, node, statement_id, row.issuer),
        )


def read_envelope(node: Node, statement_id: str) -> bytes | None:
    """The signed envelope of a record that may be shown, byte for byte."""
    with node.store.read() as session:
        row, found = find_statement(session, statement_id), store.find_record(session, statement_id)
    return None if row is None or found is None else row.envelope
