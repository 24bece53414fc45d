"""Nodes of different releases: what waits between them until one of the two is upgraded, and the words for it.

With each request a peer states up to which contract version it reads. A lane is given as far as the peer reads it; what
it cannot read yet waits there, in its order, and goes on by itself once the peer states a later version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.orm import Session

from exchange.store.sync.peers import lane_items, lane_of, node_older
from exchange.store.tables.peer_tables import LaneItemRow, PeerRow, PeerState
from exchange.store.tables.record_tables import StatementRow
from schemas import CONTRACT_VERSION, ContractError, open_envelope
from schemas.versions import is_newer, stated_version

PlaceOnLane: TypeAlias = tuple[LaneItemRow, StatementRow | None]
"""A place on a lane, with its statement where that is not lost."""


@dataclass(frozen=True)
class Behind:
    """A peer reads the contract up to version ``reads``, and the first of ``waiting`` statements needs ``needs``."""

    reads: str
    needs: str
    waiting: int


def readable(
    items: Sequence[PlaceOnLane], given: Collection[str], reads: str
) -> tuple[Sequence[PlaceOnLane], str | None]:
    """The places before the first statement that is given and that a peer is too old to read, and which version that
    statement needs; all places and None where the peer reads them all."""
    for number, (item, statement) in enumerate(items):
        if statement is not None and item.statement_id in given and (needs := _too_new(statement, reads)):
            return items[:number], needs
    return items, None


def peer_behind(session: Session, peer: str) -> Behind | None:
    """What waits on a peer's lane until the peer is upgraded; None while it can read on."""
    lane = lane_of(session, peer)
    for item, statement in lane_items(session, peer, start=lane.acknowledged_count, limit=1):
        if lane.reads and statement is not None and (needs := _too_new(statement, lane.reads)):
            return Behind(lane.reads, needs, lane.count - item.position)
    return None


def peer_older(found: Behind) -> str:
    """What the operator must know of a peer that cannot read on."""
    return (
        f"Peer older: upgrade. {found.waiting} of this node's statements wait on its lane, in their order: the first "
        f"needs version {found.needs} of the contract, and it reads {found.reads}. Nothing is lost. Ask its operator "
        "to upgrade it; the lane then goes on by itself."
    )


def skew_alarms(session: Session, known: Iterable[PeerRow]) -> list[str]:
    """One sentence for each enrolled peer that is older than what waits for it, or newer than this node can read."""
    peers = [peer for peer in known if peer.state == PeerState.ENROLLED]
    older = [f"{peer.node_id}: {peer_older(found)}" for peer in peers if (found := peer_behind(session, peer.node_id))]
    return older + [said for peer in peers if (said := node_older(peer))]


def _too_new(statement: StatementRow, reads: str) -> str | None:
    """The version that a peer lacks to read a statement. Of one whose bytes are gone nothing is read; one whose bytes
    were damaged here keeps nobody waiting: the peer sets it aside."""
    if statement.envelope is None:
        return None
    try:
        needs = stated_version(open_envelope(statement.envelope).payload) or CONTRACT_VERSION
    except ContractError:
        return None
    return needs if is_newer(needs, reads) else None
