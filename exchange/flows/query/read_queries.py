"""Queries, own and received, as far as one person is told what they found; and what a new one may be about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.clock import stamp
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of
from exchange.flows.node.validated_scores import why_not_validated
from exchange.flows.query.blind_bands import shows_bands, told
from exchange.flows.query.start_search import triggers_named
from exchange.search_triggers import SearchTrigger
from exchange.store.entry.record_rows import acquisitions_of, find_record
from exchange.store.long_lists import MOST_SORTED as MOST_SORTED
from exchange.store.query.queries import LAST_ASKED_FIRST as LAST_ASKED_FIRST
from exchange.store.query.queries import (
    OPEN,
    FoundState,
    QueryOrder,
    count_queries,
    find_found,
    found_by,
    list_queries,
    query_values,
)
from exchange.store.query.queries import QueryColumn as QueryColumn
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Role


@dataclass(frozen=True)
class ToldFound:
    """What a query found, as far as one person is told. ``band``: None for somebody who is shown none;
    ``not_validated``: why the scores that it stands for are not; ``overdue``: the owner's head should have decided."""

    handle: str
    band: str | None
    not_validated: str | None
    state: str
    record: str | None
    due_at: str | None
    overdue: bool


@dataclass(frozen=True)
class ReadQuery:
    """``told``: whether this person is told what it found, else ``found`` is empty."""

    row: QueryRow
    told: bool
    found: Sequence[ToldFound]

    @property
    def overdue(self) -> bool:
        return self.row.state in OPEN and self.row.due_at < stamp()

    @property
    def result(self) -> str | None:
        return self.row.result if self.told else None

    @property
    def started_by(self) -> tuple[SearchTrigger, ...]:
        """The rules that started an automatic search. Empty if a person started it."""
        return triggers_named(self.row.triggers)


@dataclass(frozen=True)
class ReadQueries:
    """In ``order``. ``following``: what the last one says in the column that sorts, and its number, if there is a next
    page. ``count``: how many there are, no further than one above ``MOST_SORTED``; nobody is told fewer of them than
    another, only less of what they found."""

    items: list[ReadQuery]
    order: QueryOrder
    following: tuple[tuple[str, ...], int] | None
    count: int


@dataclass(frozen=True)
class Askable:
    """An own record that peers may be asked about: its scans of which one may travel, and the peers."""

    record: RecordRow
    scans: list[AcquisitionRow]
    peers: list[PeerRow]


def read_queries(
    node: Node,
    role: Role,
    pseudonym: str,
    *,
    own: bool,
    before: int | None,
    limit: int,
    order: QueryOrder = LAST_ASKED_FIRST,
) -> ReadQueries:
    """A page of own queries, or of those that peers sent, for somebody who is thereby told what they found. Where there
    are too many to be sorted, the newest are first, from the beginning."""
    with node.store.read() as session:
        count = count_queries(session, node.node_id, own=own, most=MOST_SORTED + 1)
        if count > MOST_SORTED and order.column is not QueryColumn.ASKED:
            order, before = LAST_ASKED_FIRST, None
        rows = list_queries(session, node.node_id, own=own, before=before, limit=limit + 1, order=order)
        shown = rows[:limit]
        found = found_by(session, [row.statement_id for row in shown])
    open_to = told(node, role, pseudonym, shown, found)
    items = [
        ReadQuery(
            row,
            row.statement_id in open_to,
            [
                _told_found(item, row.roi, banded=shows_bands(node, role, row))
                for item in found
                if item.query == row.statement_id and item.query in open_to
            ],
        )
        for row in shown
    ]
    following = (query_values(shown[-1], order.column), shown[-1].number) if len(rows) > limit else None
    return ReadQueries(items, order, following, count)


def _told_found(found: FoundRow, roi: str, *, banded: bool) -> ToldFound:
    return ToldFound(
        handle=found.handle,
        band=found.band if banded else None,
        not_validated=why_not_validated(roi, None, None) if banded and found.band else None,
        state=found.state,
        record=found.record,
        due_at=found.due_at,
        overdue=found.state == FoundState.REQUESTED and found.due_at is not None and found.due_at < stamp(),
    )


def names_found(node: Node, query: str, handle: str) -> bool:
    """Whether the answer to a query names something by this handle."""
    with node.store.read() as session:
        found = find_found(session, handle)
    return found is not None and found.query == query


def askable_record(node: Node, statement_id: str) -> Askable | None:
    """None: there is no such current record of this node's own."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None or found[0].issuer != node.node_id or found[0].superseded_by is not None:
            return None
        scans = [item for item in acquisitions_of(session, statement_id) if roles_of(item)]
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
    return Askable(found[0], scans, peers)
