"""Hold the rows that were made of statements against these: a record's, its scans', a hit's, a receipt's.

The statements were verified just before. What a row says beside them, of this node's own work, is no part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from exchange.flows.hits.history import pair_id
from exchange.flows.node.node import Node
from exchange.flows.statement.widening import is_for_the_head
from exchange.log import merkle
from exchange.store.entry.exhibits import exhibit_stated, superseding
from exchange.store.entry.record_details import detail_columns
from exchange.store.entry.record_rows import acquisition_columns, record_columns
from exchange.store.operate.at_rest import held_of, hit_pair_of, rows_named, standing_stones
from exchange.store.review.review_rows import scans_of
from exchange.store.sync.peers import lane_head_at
from exchange.store.tables.columns import Base
from exchange.store.tables.hits import CountersignatureRow, HitRow
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    AudienceRow,
    BreechFaceClassRow,
    RecordDetailRow,
    RecordRow,
    StatementRow,
)
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import VerifiedStatement
from schemas import AnyStatement, ContractError, Hit, Receipt, Record, open_envelope, parse_statement
from schemas.kinds import about

Difference = tuple[str, str]
"""What differs, by table and key, and a sentence for the operator. No value: who may read this may not read all."""
GONE = "The row is gone; it was made of a statement that is still here."
UNBACKED = "No statement that is still here says this."


@dataclass(frozen=True)
class Signed:
    """A statement as its row has it, and as it was verified."""

    row: StatementRow
    verified: VerifiedStatement


def differing(row: Base, key: str, expected: Mapping[str, Any]) -> Iterator[Difference]:
    """Which columns of a row hold something else than was signed."""
    wrong = [column for column, value in expected.items() if getattr(row, column) != _as_stored(value)]
    if wrong:
        yield f"{row.__tablename__} {key}", f"What stands in {', '.join(wrong)} is not what was signed."


def _as_stored(value: Any) -> Any:
    """As ``store.tables.columns.Words`` stores it."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def said_in(row: StatementRow | None) -> AnyStatement | None:
    """What a statement says; None of one that is gone, was erased, or cannot be read."""
    if row is None or row.envelope is None:
        return None
    try:
        return parse_statement(open_envelope(row.envelope).payload)
    except ContractError:
        return None


def check_rows(session: Session, node: Node, keys: KeyHistory, signed: Sequence[Signed]) -> Iterator[Difference]:
    """Compare what was made of some neighbouring statements of one issuer."""
    for item in signed:
        yield from _check_statement(item, keys)
        if isinstance(item.verified.statement, Receipt) and item.row.refused_by is None:
            yield from _check_lane(session, node, item.verified.statement)
    yield from _check_records(session, node, keys.card.issuer, signed)
    yield from _check_hits(session, signed)
    yield from _check_receipts(session, signed)


def _check_statement(item: Signed, keys: KeyHistory) -> Iterator[Difference]:
    said, row = item.verified.statement, item.row
    yield from differing(
        row,
        row.statement_id,
        {
            "type": said.type,
            "about": about(said),
            "leaf": merkle.leaf_hash(item.verified.envelope.leaf_data),
            "refused_by": refused_by(keys, row.log_index) if said.type != "key-event" else None,
        },
    )


def refused_by(keys: KeyHistory, index: int) -> str | None:
    """The first key-event that says of the statement at this index that its key was in wrong hands."""
    for link in keys.links:
        if any(found.role == "statement" and index in found for found in keys.refused_by(link)):
            return link.statement_id
    return None


def _check_lane(session: Session, node: Node, receipt: Receipt) -> Iterator[Difference]:
    """What a peer signed for is what it was given here."""
    if receipt.owner == node.node_id:
        head = lane_head_at(session, receipt.issuer, receipt.count)
        if head is None or head.hex() != receipt.head:
            yield f"lane_item of {receipt.issuer}", f"The first {receipt.count} places are not what it signed for."


def _check_records(session: Session, node: Node, issuer: str, signed: Sequence[Signed]) -> Iterator[Difference]:
    signed_in = {item.row.statement_id: item.row for item in signed}
    said = {item.row.statement_id: item.verified.statement for item in signed}
    records = {name: record for name, record in said.items() if isinstance(record, Record)}
    if not records:
        return
    rows = rows_named(session, RecordRow, RecordRow.statement_id, records)
    details = rows_named(session, RecordDetailRow, RecordDetailRow.statement_id, records)
    stones, held = standing_stones(session, records, node.node_id), held_of(session, records)
    newer = superseding(session, {row.exhibit for some in rows.values() for row in some})
    for name, record in records.items():
        if name not in rows:
            yield f"record {name}", GONE
            continue
        [row] = rows[name]
        own = issuer == node.node_id
        expected = record_columns(record) | {
            "exhibit": exhibit_stated(name, record),
            "submitted_by": record.made_by.pseudonym if own else None,
            "restricted": name in held and (row.restricted or name in stones),
            "superseded_by": signed_in[name].refused_by or newer.get(name),
        }
        if own:  # a row that keeps more from others than was signed releases nothing
            for_head = is_for_the_head(session, node.history, record, signed_in[name].log_index)
            expected["widened"] = row.widened or bool(for_head)
        yield from differing(row, name, expected)
        if name not in details:
            yield f"record_detail {name}", GONE
        for detail in details.get(name, []):
            yield from differing(detail, name, detail_columns(record) | {"sequence": row.sequence})
        if name in stones and not row.restricted:
            yield f"record {name}", "It was withdrawn, and no court holds it: its row should be gone."
    yield from _check_parts(session, records)


def _check_parts(session: Session, records: Mapping[str, Record]) -> Iterator[Difference]:
    audience = rows_named(session, AudienceRow, AudienceRow.statement_id, records)
    classes = rows_named(session, BreechFaceClassRow, BreechFaceClassRow.statement_id, records)
    scans = rows_named(session, AcquisitionRow, AcquisitionRow.statement_id, records)
    for name, record in records.items():
        if {row.name for row in audience.get(name, [])} != set(record.audience):
            yield f"record_audience {name}", "The record was signed for another audience."
        if {row.breech_face_class for row in classes.get(name, [])} != set(record.exhibit.classes.breech_face):
            yield f"record_breech_face_class {name}", "The record was signed with other classes."
        expected = {columns["position"]: columns for columns in acquisition_columns(name, record)}
        there = {row.position: row for row in scans.get(name, [])}
        if there.keys() != expected.keys():
            yield f"acquisition of {name}", "The record was signed with scans at other positions."
        for position in there.keys() & expected.keys():
            yield from differing(there[position], f"{position} of {name}", expected[position])


def _check_hits(session: Session, signed: Sequence[Signed]) -> Iterator[Difference]:
    believed = {item.row.statement_id: item.verified.statement for item in signed if item.row.refused_by is None}
    hits = {name: said for name, said in believed.items() if isinstance(said, Hit)}
    rows = rows_named(session, HitRow, HitRow.statement_id, hits) if hits else {}
    for name, hit in hits.items():
        if name not in rows:
            yield f"hit {name}", GONE
            continue
        pair = pair_id(hit.pair)
        yield from differing(rows[name][0], name, {"pair": pair})
        known = hit_pair_of(session, pair)
        if known is None:
            yield f"hit_pair {pair}", GONE
            continue
        low, high = scans_of(hit.pair.a.scan, hit.pair.b.scan)
        one, other = hit.pair.a, hit.pair.b
        sides = {"record_a": one.record, "record_b": other.record, "scan_low": low, "scan_high": high}
        sides |= {"exhibit_a": one.exhibit, "exhibit_b": other.exhibit}
        yield from differing(known, pair, sides)


def _check_receipts(session: Session, signed: Sequence[Signed]) -> Iterator[Difference]:
    said = {item.row.statement_id: item.verified.statement for item in signed}
    timed = {name: one for name, one in said.items() if isinstance(one, Receipt) and one.stated_at is not None}
    rows = rows_named(session, CountersignatureRow, CountersignatureRow.statement_id, timed) if timed else {}
    for name, receipt in timed.items():
        if name not in rows:
            yield f"countersignature {name}", GONE
            continue
        expected = {"reader": receipt.issuer, "owner": receipt.owner, "count": receipt.count, "at": receipt.stated_at}
        yield from differing(rows[name][0], name, expected)


@dataclass(frozen=True)
class IntegrityPart:
    """How the rows of an extension are held against their statements."""

    check: Callable[[Session, Node], Iterator[Difference]]
