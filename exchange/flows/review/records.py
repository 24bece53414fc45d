"""Records as people of this node read them: found by what is known of an exhibit, one whole, its envelope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy.orm import Session

from exchange.calibre_pairs import OwnCalibrePair
from exchange.flows.blind.open_lists import is_list_open
from exchange.flows.blind.visibility import hidden_pairs, note_pairs
from exchange.flows.keys.suspicion import Suspicion, suspicion_of, suspicions
from exchange.flows.node.node import Node
from exchange.flows.query.start_search import StartedSearch, started_search
from exchange.flows.scan.instrument_probe import Mirrored, mirrored_scans
from exchange.flows.statement.sharing import Shared, record_of, sharing_of
from exchange.record_filter import CONDITIONS, RecordFilter, YesOrNo
from exchange.store.entry import record_rows as store
from exchange.store.entry import search
from exchange.store.entry.exhibits import Exhibits, exhibits_of
from exchange.store.entry.record_details import stated_values, value_in_words
from exchange.store.entry.search import MOST_COUNTED as MOST_COUNTED
from exchange.store.entry.search import NEWEST_FIRST as NEWEST_FIRST
from exchange.store.entry.search import RecordColumn as RecordColumn
from exchange.store.entry.search import RecordOrder as RecordOrder
from exchange.store.entry.search import RecordTally
from exchange.store.entry.search import sorted_values as sorted_values
from exchange.store.log.statement_rows import find_statement
from exchange.store.review.review_rows import Scans, scans_of
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas import Record
from schemas.vocabulary import Role

StoredRecord: TypeAlias = RecordRow
"""A record as its row describes it, without its scans."""
StoredAcquisition: TypeAlias = AcquisitionRow


MOST_HELD: Final = 10_000
"""So many of all records that are here are counted, and no more: it is said that there are more."""


@dataclass(frozen=True)
class RecordCount:
    """How many records fit, no further than one above ``MOST_COUNTED``, and of how many that are here, no further than
    one above ``MOST_HELD``. Where nothing is asked all fit. What a court holds and what was superseded counts in
    neither, as it is shown in no list."""

    fit: int
    held: int

    @property
    def few(self) -> bool:
        """Whether so few fit that they can be sorted by what no index serves."""
        return self.fit <= MOST_COUNTED


@dataclass(frozen=True)
class FoundRecords:
    """In ``order``, and those of them whose key was in wrong hands; how many fit and, on the first page, what they are,
    where that was asked."""

    rows: Sequence[StoredRecord]
    suspicions: dict[str, Suspicion]
    order: RecordOrder = NEWEST_FIRST
    count: RecordCount | None = None
    tally: RecordTally | None = None


@dataclass(frozen=True)
class ReadRecord:
    """A record as it was signed, its place in its issuer's log, how far its scans are, and of an own one what each
    jurisdiction of its audience gets. ``mirrored``: by acquisition, that a scan agrees with another when turned
    over. ``started``: why this node asked its peers about it by itself."""

    row: StoredRecord
    said: Record
    log_index: int
    scans: Sequence[StoredAcquisition]
    shared: list[Shared]
    suspicion: Suspicion | None
    mirrored: Mapping[int, str]
    started: StartedSearch | None

    @property
    def superseded_by(self) -> str | None:
        """What is not believed was superseded by no newer version, but by a key-event."""
        not_believed = self.suspicion is not None and not self.suspicion.believed
        return None if not_believed else self.row.superseded_by

    @property
    def pending(self) -> int:
        """How many of its scans are not correlated yet."""
        return sum(scan.state in store.PENDING for scan in self.scans)


def search_records(
    node: Node,
    wanted: RecordFilter,
    *,
    before: int | None,
    limit: int,
    counted: bool = False,
    order: RecordOrder = NEWEST_FIRST,
) -> FoundRecords:
    """Current records that fit, those that follow the one of the number ``before`` in this order. By the day on which
    they occurred too many are not sorted, nor uncounted ones: they are the newest first, from the beginning."""
    with node.store.read() as session:
        pairs = node.settings.calibre_pairs
        count = _count(session, wanted, pairs) if counted else None
        if order.column is RecordColumn.OCCURRED and (count is None or not count.few):
            order, before = NEWEST_FIRST, None
        rows = search.search_records(session, wanted, before=before, limit=limit, own_pairs=pairs, order=order)
        doubted = suspicions(session, node, ((row.statement_id, row.issuer) for row in rows))
        tally = search.tally_records(session, wanted, pairs) if counted and before is None else None
        return FoundRecords(rows, doubted, order, count, tally)


def _count(session: Session, wanted: RecordFilter, pairs: Sequence[OwnCalibrePair]) -> RecordCount:
    held = search.count_fitting(session, RecordFilter(), most=MOST_HELD + 1)
    if not wanted.asked():
        return RecordCount(held, held)
    return RecordCount(search.count_fitting(session, wanted, most=MOST_COUNTED + 1, own_pairs=pairs), held)


def rows_in_order(rows: Iterable[StoredRecord], order: RecordOrder) -> list[StoredRecord]:
    """A few records, as a search in this order would give them."""
    return sorted(rows, key=lambda row: (sorted_values(row, order.column), row.sequence), reverse=order.descending)


def stated_of(node: Node, rows: Sequence[StoredRecord]) -> dict[str, Mapping[str, str]]:
    """Of each record what it states, by condition of the search, as it was signed; of several values each once."""
    found = dict[str, Mapping[str, str]]()
    with node.store.read() as session:
        for row in rows:
            try:
                found[row.statement_id] = _stated(record_of(session, row.statement_id))
            except LookupError:  # erased since it was found
                continue
    return found


def _stated(record: Record) -> dict[str, str]:
    values = {name: map(value_in_words, stated_values(record, condition)) for name, condition in CONDITIONS.items()}
    mended = any(scan.region_mask is not None for scan in record.acquisitions)
    return {name: " | ".join(dict.fromkeys(said)) for name, said in values.items()} | {
        "region_mask": YesOrNo.YES if mended else YesOrNo.NO
    }


def find_record(node: Node, statement_id: str) -> StoredRecord | None:
    with node.store.read() as session:
        found = store.find_record(session, statement_id)
    return None if found is None else found[0]


def read_record(node: Node, role: Role, pseudonym: str, statement_id: str) -> ReadRecord | None:
    """What a person is about to be told of pairs with other scans is noted, and left out where they may be asked to
    judge the pair blind."""
    with node.store.read() as session:
        found = store.find_record(session, statement_id)
        if found is None:
            return None
        row, statement = found
        said = record_of(session, statement_id)
        own = row.issuer == node.node_id
        hidden = hidden_pairs(session, role, pseudonym)
        shown = is_list_open(session, role, pseudonym, row.exhibit)  # what agrees, turned over, tells of a score
        mirrored = [
            one for one in mirrored_scans(session, statement_id) if shown and not hidden.covers(*_pair(row, one))
        ]
        read = ReadRecord(
            row=row,
            said=said,
            log_index=statement.log_index,
            scans=store.acquisitions_of(session, statement_id),
            shared=sharing_of(session, statement_id, said, history=node.history) if own else [],
            suspicion=suspicion_of(session, node, statement_id, row.issuer),
            mirrored={one.acquisition.acquisition_id: one.in_words for one in mirrored},
            started=started_search(session, statement_id) if own else None,
        )
    note_pairs(node, role, pseudonym, {scans: exhibits for exhibits, scans in (_pair(row, one) for one in mirrored)})
    return read


def _pair(row: RecordRow, found: Mirrored) -> tuple[Exhibits, Scans]:
    """Both exhibits, and both scans."""
    scans = scans_of(found.acquisition.sha256, found.other.sha256)
    return exhibits_of(row.exhibit, found.other_record.exhibit), scans


def read_envelope(node: Node, statement_id: str) -> bytes | None:
    """The signed envelope of a record that may be shown, byte for byte."""
    with node.store.read() as session:
        row, found = find_statement(session, statement_id), store.find_record(session, statement_id)
    return None if row is None or found is None else row.envelope
