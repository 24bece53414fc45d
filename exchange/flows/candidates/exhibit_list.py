"""The exhibits of this node, as a list of which nothing depends on scores: not what is in it, nor the order, nor any
number. An examiner who reads it can verify as much as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.flows.node.node import Node
from exchange.record_filter import RecordFilter
from exchange.store.entry.record_rows import PENDING
from exchange.store.entry.search import search_records
from exchange.store.review.open_list_rows import open_exhibits_of
from exchange.store.scan.listed import scans_listed
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import RegionOfInterest


@dataclass(frozen=True)
class UnscoredExhibit:
    """``is_open``: this examiner may look at its scored list; ``compared`` of its ``scans`` are done."""

    record: RecordRow
    is_open: bool
    scans: int
    compared: int


@dataclass(frozen=True)
class ExhibitList:
    """The newest first; ``following``: before which number the next page begins, if there is one."""

    items: Sequence[UnscoredExhibit]
    following: int | None


def list_exhibits(
    node: Node, pseudonym: str, *, roi: RegionOfInterest | None, before: int | None, limit: int
) -> ExhibitList:
    """``roi``: those with a scan of this region."""
    wanted = RecordFilter(issuer=node.node_id, roi=roi)
    with node.store.read() as session:
        rows = search_records(session, wanted, before=before, limit=limit + 1)
        shown = rows[:limit]
        scans = scans_listed(session, {row.statement_id for row in shown})
        own = open_exhibits_of(session, pseudonym)
    every = Counter(scan.statement_id for scan in scans)
    done = Counter(scan.statement_id for scan in scans if scan.state not in PENDING)
    return ExhibitList(
        [UnscoredExhibit(row, row.exhibit in own, every[row.statement_id], done[row.statement_id]) for row in shown],
        shown[-1].sequence if len(rows) > limit else None,
    )
