"""A band is a coarse score: examiners, who may be asked to verify the pair blind, see those that they asked for, and do
not verify those pairs."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.flows.node import Node
from exchange.store.records import acquisitions_of
from exchange.store.reviews import mark_seen, scans_of, seen_by
from exchange.store.tables import FoundRow, QueryRow
from schemas.vocabulary import Role


def banded(
    node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]
) -> frozenset[str]:
    """The queries whose bands this person is about to be shown. Whoever is shown the band of a pair that is known by
    now does not verify it."""
    if role is not Role.EXAMINER:
        return frozenset(row.statement_id for row in rows)
    own = [row for row in rows if row.asker == node.node_id and row.made_by == pseudonym]
    _note(node, pseudonym, own, found)
    return frozenset(row.statement_id for row in own)


def _note(node: Node, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]) -> None:
    records = [(item.query, item.record) for item in found if item.record is not None]
    with node.store.read() as session:
        pairs = [
            scans_of(mine.sha256, other.sha256)
            for row in rows
            if row.record is not None
            for mine in acquisitions_of(session, row.record)
            if mine.position == row.position
            for query, record in records
            if query == row.statement_id
            for other in acquisitions_of(session, record)
        ]
        known = seen_by(session, pseudonym, pairs)
    fresh = [pair for pair in pairs if pair not in known]
    if fresh:
        with node.store.write() as session:
            mark_seen(session, pseudonym, fresh, opened=False)
