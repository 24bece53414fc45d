"""A band is a coarse score: examiners, who may be asked to verify the pair blind, see those that they asked for, and do
not verify those pairs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from exchange.flows.node import Node
from exchange.store.exhibits import exhibit_name, exhibit_of, exhibits_of, join_exhibits
from exchange.store.reviews import exhibits_seen_by, mark_exhibits
from exchange.store.tables import FoundRow, QueryRow
from schemas.vocabulary import Role

HANDLE = "handle"
"""In the place of a node's id: no node is called so."""


def banded(
    node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]
) -> frozenset[str]:
    """The queries whose bands this person is about to be shown. Whoever is shown the band of two exhibits does not
    verify a pair of them, whenever the other one becomes known."""
    if role is not Role.EXAMINER:
        return frozenset(row.statement_id for row in rows)
    own = [row for row in rows if row.asker == node.node_id and row.made_by == pseudonym]
    _note(node, pseudonym, own, found)
    return frozenset(row.statement_id for row in own)


def _note(node: Node, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]) -> None:
    """Of what was not released yet nobody knows the record: the mark names its handle until then."""
    asked = {row.statement_id: row.record for row in rows if row.record is not None}
    shown = [item for item in found if item.query in asked]
    if not shown:
        return
    with node.store.read() as session:
        own = {query: exhibit_of(session, node.node_id, record) for query, record in asked.items()}
        owners = {row.statement_id: row.asked for row in rows}
        pairs = {exhibits_of(own[item.query], found_exhibit(session, item, owners[item.query])) for item in shown}
        known = exhibits_seen_by(session, pseudonym, pairs)
    if fresh := pairs - known.keys():
        with node.store.write() as session:
            mark_exhibits(session, pseudonym, fresh)


def found_exhibit(session: Session, found: FoundRow, owner: str) -> str:
    """The exhibit that an answer names by a handle; the handle, until the record is known."""
    return exhibit_name(HANDLE, found.handle) if found.record is None else exhibit_of(session, owner, found.record)


def note_released(session: Session, handle: str, owner: str, record: str) -> None:
    """Whoever was shown the band of this handle was shown it of this record's exhibit. Needs a write transaction."""
    join_exhibits(session, exhibit_name(HANDLE, handle), exhibit_of(session, owner, record))
