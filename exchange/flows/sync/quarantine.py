"""What a peer sent and nobody believes: kept as evidence within bounds, listed, and dropped when it was looked into.

Bytes lie apart from the database (``store/sync/evidence.py``), so many of one peer; beyond that, digests and reasons
are kept, as many again; beyond these, how many there were for each reason. The lane goes on, and its receipts add up.
No backup has the bytes, but for a little of what only a later release may understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.config import Settings
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.sync.verify_lane_page import READ_AGAIN, Poison
from exchange.store.sync.evidence import EvidenceFolder
from exchange.store.sync.peers import (
    all_peers,
    count_beyond,
    count_instead,
    counted_of,
    find_peer,
    items_set_aside,
    quarantine,
    set_aside,
    standing_alarm,
)
from exchange.store.tables.peer_tables import QuarantineCountRow, QuarantineRow

ROWS_FOR_EACH = 2
"""So many digests with reasons are kept of a peer for each item of evidence that may be."""
DETAIL_CHARS, DETAIL_CHARS_ALONE = 1000, 200
"""Of the reason in words: beside evidence, and beside a digest alone."""
BACKED_UP_BYTES = 1024 * 1024
"""Of one peer's evidence that a later release may understand: two hundred statements. A flood fills no backups."""


@dataclass(frozen=True)
class SetAside:
    """What is set aside of one peer. ``evidence``: size of the bytes that are here, by their place."""

    peer: str
    rows: Sequence[QuarantineRow]
    counted: Sequence[QuarantineCountRow]
    evidence: dict[int, int]

    @property
    def to_be_read_again(self) -> int:
        """How many items a later release may understand, as long as their bytes are here."""
        return sum(row.reason in READ_AGAIN and row.position in self.evidence for row in self.rows)


def keep_evidence(session: Session, node: Node, peer: str, poisoned: Sequence[Poison]) -> None:
    """Keep what may be kept of the items of one page. Which bounds are reached counts at the page's beginning: while
    the operator has noted nothing, no item is without its bytes. Needs the write transaction that moves the cursor.

    Raises StoreUnavailable; then the cursor stands.
    """
    if not poisoned:
        return
    keeps_rows = items_set_aside(session, peer) < ROWS_FOR_EACH * node.settings.peer_quarantine_items
    keeps_bytes = keeps_rows and has_room(node, peer)
    for found in poisoned:
        if keeps_bytes and found.envelope:
            node.evidence.keep(peer, found.position, found.envelope)
        if keeps_rows:
            most = DETAIL_CHARS if keeps_bytes else DETAIL_CHARS_ALONE
            quarantine(session, _row(peer, found, most))
        else:
            count_beyond(session, peer, found.reason)


def has_room(node: Node, peer: str) -> bool:
    """Whether more of the peer's bytes may be kept as evidence."""
    held = node.evidence.places(peer)
    settings = node.settings
    return len(held) < settings.peer_quarantine_items and sum(held.values()) < settings.peer_quarantine_bytes


def list_set_aside(node: Node, peer: str | None = None) -> list[SetAside]:
    """What is set aside of one peer, or of each. Raises NotFound."""
    with node.store.read() as session:
        _known(session, peer)
        names = [peer] if peer is not None else [row.node_id for row in all_peers(session)]
        return [
            SetAside(name, set_aside(session, name), counted_of(session, name), node.evidence.places(name))
            for name in names
        ]


def drop(node: Node, peer: str, *, place: int | None = None) -> int:
    """Drop what is set aside of a peer, or what stood at one place: bytes, digests, reasons in words. How many there
    were for each reason stays, so that receipts add up. Returns how many went. Raises NotFound, StoreUnavailable."""
    with node.store.write() as session:
        _known(session, peer)
        rows = [row for row in set_aside(session, peer) if place in (None, row.position)]
        if place is not None and not rows:
            raise NotFound(f"Nothing of {peer} is set aside at place {place}. See: ffp sync quarantine list {peer}")
        left_over = node.evidence.places(peer) if place is None else {}
        for position in {*left_over, *(row.position for row in rows)}:
            node.evidence.erase(peer, position)
        count_instead(session, rows)
        row = find_peer(session, peer)
        if row is not None:
            row.alarm = standing_alarm(session, peer)
    return len(rows)


def to_back_up(session: Session, settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Path in the home and content of what a later release may understand, the first of each peer's."""
    folder = EvidenceFolder(settings.quarantine)
    for peer in all_peers(session):
        size = 0
        for row in set_aside(session, peer.node_id, reasons=READ_AGAIN):
            content = folder.read(peer.node_id, row.position, row.sha256)
            if content is None:
                continue
            size += len(content)
            if size > BACKED_UP_BYTES:
                break
            yield f"{settings.quarantine.name}/{peer.node_id}/{row.position}", content


def _known(session: Session, peer: str | None) -> None:
    if peer is not None and find_peer(session, peer) is None:
        raise NotFound(f"There is no peer {peer}. See: ffp peer list")


def _row(peer: str, found: Poison, most: int) -> QuarantineRow:
    return QuarantineRow(
        peer=peer,
        position=found.position,
        statement_id=found.statement_id,
        log_index=found.log_index,
        sha256=found.sha256,
        size=found.size,
        reason=found.reason,
        detail=found.detail[:most],
        at=stamp(),
    )
