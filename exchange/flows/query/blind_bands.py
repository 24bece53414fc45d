"""Who is told what a query found, and its bands; whoever is told does not verify those pairs, whatever their role.

That something was found tells a little of the score, and its band tells more. An examiner may be asked to verify a pair
blind. So an examiner is told the answers to own queries alone, and of a peer's query what was found, without its band.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.orm import Session

from exchange.flows.blind.visibility import hidden_pairs
from exchange.flows.node.node import Node
from exchange.store.entry.exhibits import Exhibits, exhibit_name, exhibit_of, exhibits_of
from exchange.store.review.review_rows import exhibits_seen_by, mark_exhibits, rename_seen
from exchange.store.tables.query_tables import FoundRow, QueryRow
from schemas.vocabulary import Role

HANDLE = "handle"
"""In the place of a node's id: no node is called so."""


def told(node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow], found: Sequence[FoundRow]) -> frozenset[str]:
    """The queries of which this person is about to be told what they found. Whoever is told of two exhibits does not
    verify a pair of them, whenever the other one becomes known; nothing is told of what waits for a verification."""
    with node.store.read() as session:
        pairs = _pairs_found(session, _may_be_told(node, role, pseudonym, rows), found)
        waiting = hidden_pairs(session, role, pseudonym).exhibits
        shown = {query: exhibits for query, exhibits in pairs.items() if not exhibits & waiting}
        every = {pair for exhibits in shown.values() for pair in exhibits}
        known = exhibits_seen_by(session, pseudonym, every)
    if fresh := every - known.keys():
        with node.store.write() as session:
            mark_exhibits(session, pseudonym, fresh)
    return frozenset(shown)


def shows_bands(node: Node, role: Role, row: QueryRow) -> bool:
    """Whether somebody who is told what a query found is also shown its bands."""
    return role is not Role.EXAMINER or row.asker == node.node_id


def note_answered(session: Session, query: QueryRow, found: Collection[FoundRow]) -> None:
    """Whoever asked is told, and verifies none of it, even before looking: else a colleague's conclusion, which hides
    what was found, would tell of which pair it was. Needs a write transaction."""
    mark_exhibits(session, query.made_by, _pairs_found(session, {query.statement_id: query}, found)[query.statement_id])


def _may_be_told(node: Node, role: Role, pseudonym: str, rows: Sequence[QueryRow]) -> dict[str, QueryRow]:
    every = role is not Role.EXAMINER
    return {row.statement_id: row for row in rows if every or row.asker != node.node_id or row.made_by == pseudonym}


def _pairs_found(
    session: Session, asked: Mapping[str, QueryRow], found: Collection[FoundRow]
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
    rename_seen(session, exhibit_name(HANDLE, handle), exhibit_of(session, owner, record))
