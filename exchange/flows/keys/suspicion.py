"""Whether the key that signed a statement was in wrong hands, as its issuer's key-events say, and since when that is
known here.

What it signed from the stated place of the log on is not believed; what stands before that place is. Of both the reader
is told: the key is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.flows.statement.peer import peer_keys
from exchange.store.log.statement_rows import KEY_EVENT
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.key_history import KeyHistory, VerifiedKeyEvent


@dataclass(frozen=True)
class Suspicion:
    """``key_event`` says it of the key, from ``place`` in the log of ``issuer`` on; ``since`` this node knows it, None
    as long as the event itself has not come. ``believed``: the statement stands before that place."""

    issuer: str
    key_event: str
    since: str | None
    place: int
    believed: bool

    @property
    def in_words(self) -> str:
        since = self.since or "a time not known here"
        said = f"is under suspicion since {since}, from place {self.place} of the log of {self.issuer} on."
        if self.believed:
            return f"The key that signed this {said} This stands before that place: it is believed."
        return f"Not believed: the key that signed this {said}"


class ShownRecord(Protocol):
    """A record as a page, a table or an answer shows it."""

    @property
    def statement_id(self) -> str: ...
    @property
    def issuer(self) -> str: ...


def suspicions_of(node: Node, *shown: Iterable[ShownRecord | None]) -> dict[str, Suspicion]:
    """Of all these records, some of which may be gone, those whose key was in wrong hands."""
    names = {(record.statement_id, record.issuer) for records in shown for record in records if record is not None}
    with node.store.read() as session:
        return suspicions(session, node, names)


def suspicions(session: Session, node: Node, statements: Iterable[tuple[str, str]]) -> dict[str, Suspicion]:
    """Of these statements, each with its issuer, those whose key was in wrong hands."""
    by_issuer: dict[str, list[str]] = {}
    for statement_id, issuer in statements:
        by_issuer.setdefault(issuer, []).append(statement_id)
    found: dict[str, Suspicion] = {}
    for issuer, names in by_issuer.items():
        keys = _keys_of(session, node, issuer)
        told = [] if keys is None else [link for link in keys.links if _is_of_statements(link)]
        if keys is None or not told:
            continue
        since = _received_at(session, [link.statement_id for link in told])
        rows = select(StatementRow).where(StatementRow.statement_id.in_(names), StatementRow.type != KEY_EVENT)
        for row in session.scalars(rows):
            link = _first_of_its_key(keys, told, row.log_index)
            if link is not None and link.event.compromised is not None:
                believed = not keys.is_refused("statement", row.log_index)
                place = link.event.compromised.from_index
                found[row.statement_id] = Suspicion(
                    issuer, link.statement_id, since.get(link.statement_id), place, believed
                )
    return found


def suspicion_of(session: Session, node: Node, statement_id: str, issuer: str) -> Suspicion | None:
    """As ``suspicions``, of one."""
    return suspicions(session, node, [(statement_id, issuer)]).get(statement_id)


def _keys_of(session: Session, node: Node, issuer: str) -> KeyHistory | None:
    if issuer == node.node_id:
        return node.history
    peer = find_peer(session, issuer)
    return None if peer is None else peer_keys(peer)


def _is_of_statements(link: VerifiedKeyEvent) -> bool:
    return link.event.compromised is not None and "statement" in link.event.compromised.roles


def _first_of_its_key(keys: KeyHistory, told: list[VerifiedKeyEvent], index: int) -> VerifiedKeyEvent | None:
    """The first key-event that calls the key compromised which signed at this index."""
    key = keys.at(index).event.delegation.statement
    return next((link for link in told if keys.meant_by(link).event.delegation.statement == key), None)


def _received_at(session: Session, names: list[str]) -> dict[str, str]:
    rows = select(StatementRow.statement_id, StatementRow.received_at).where(StatementRow.statement_id.in_(names))
    return {row.statement_id: row.received_at for row in session.execute(rows)}
