"""A band is a coarse score: examiners, who may be asked to verify the pair blind, see those that they asked for.
Whoever saw one, in whatever role, does not verify those pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from exchange.flows.blind import hidden_pairs
from exchange.flows.node import Node
from exchange.store.exhibits import Exhibits, exhibit_name, exhibit_of, exhibits_of, join_exhibits
from exchange.store.reviews import exhibits_seen_by, mark_exhibits
from exchange.store.tables import FoundRow, QueryRow
from schemas.vocabulary import Role

HANDLE = "handle"
"""In the place of a node's id: no node is called so."""


def banded(
    node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]
) -> frozenset[str]:
    """The queries whose bands this person is about to be shown. Whoever is shown the band of two exhibits does not
    verify a pair of them, whenever the other one becomes known; no band is shown of what waits for a verification."""
    with node.store.read() as session:
        pairs = _pairs_found(session, _may_be_shown(node, role, pseudonym, rows), found)
        waiting = hidden_pairs(session, role, pseudonym).exhibits
        shown = {query: exhibits for query, exhibits in pairs.items() if not exhibits & waiting}
        every = {pair for exhibits in shown.values() for pair in exhibits}
        known = exhibits_seen_by(session, pseudonym, every)
    if fresh := every - known.keys():
        with node.store.write() as session:
            mark_exhibits(session, pseudonym, fresh)
    return frozenset(shown)


def _may_be_shown(node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow]) -> dict[str, QueryRow]:
    every = role is not Role.EXAMINER
    return {row.statement_id: row for row in rows if every or (row.made_by == pseudonym and row.asker == node.node_id)}


def _pairs_found(
    session: Session, asked: Mapping[str, QueryRow], found: Sequence[FoundRow]
) -> dict[str, set[Exhibits]]:
    """By query, the exhibits that its answer says something of. Of what was not released yet nobody knows the record:
    its handle stands for it until then."""
    pairs: dict[str, set[Exhibits]] = {query: set() for query in asked}
    for item in found:
        row = asked.get(item.query)
        if row is not None and row.record is not None:
            asked_about = exhibit_of(session, row.asker, row.record)
            pairs[item.query].add(exhibits_of(asked_about, found_exhibit(session, item, row.asked)))
    return pairs


def found_exhibit(session: Session, found: FoundRow, owner: str) -> str:
    """The exhibit that an answer names by a handle; the handle, until the record is known."""
    return exhibit_name(HANDLE, found.handle) if found.record is None else exhibit_of(session, owner, found.record)


def note_released(session: Session, handle: str, owner: str, record: str) -> None:
    """Whoever was shown the band of this handle was shown it of this record's exhibit. Needs a write transaction."""
    join_exhibits(session, exhibit_name(HANDLE, handle), exhibit_of(session, owner, record))
