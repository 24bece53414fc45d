"""Nodes of different releases: what waits between them until one of the two is upgraded, and the words for it.

With each request a peer says up to which version of the contract it reads. A lane is given as far
as the peer reads it; what it cannot read yet waits there, in its order, and goes on by itself once the peer says more.
A peer that says nothing, as the first release does, is given everything, and sets aside what it does not understand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, get_args

from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.store.sync.peers import all_peers, lane_items, lane_of, node_older
from exchange.store.tables.peers import LaneItemRow, PeerRow, PeerState
from exchange.store.tables.records import StatementRow
from schemas import CONTRACT_VERSION, ContractError, open_envelope
from schemas.statement_base import Statement
from schemas.versions import ADDED, is_newer, stated_version

PlaceOnLane: TypeAlias = tuple[LaneItemRow, StatementRow | None]
"""A place on a lane, with its statement where that is not lost."""


@dataclass(frozen=True)
class Behind:
    """A peer reads the contract up to version ``reads``, and the first of ``waiting`` statements needs ``needs``."""

    reads: str
    needs: str
    waiting: int


def readable(
    items: Sequence[PlaceOnLane], given: Collection[str], reads: str | None
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


def older_readers_of(node: Node, kind: type[Statement]) -> tuple[str, ...]:
    """The enrolled peers that have not said that they read statements of this kind: what follows on their lane waits
    behind one until they are upgraded. Whoever signs one is told of them before."""
    (word,) = get_args(kind.model_fields["type"].annotation)
    needs = ADDED.get(f"{kind.__name__}.type={word}", CONTRACT_VERSION)
    with node.store.read() as session:
        enrolled = [peer.node_id for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        reads = {peer: lane_of(session, peer).reads for peer in enrolled}
    return tuple(sorted(peer for peer, version in reads.items() if version is None or is_newer(needs, version)))


def older_readers_told(nodes: Collection[str]) -> str:
    """The same for whoever signs by command."""
    waits = "What follows on their lane waits behind this statement until they are upgraded."
    return f"These nodes have not said that they read it: {', '.join(nodes)}. {waits}"


def skew_alarms(session: Session, known: Iterable[PeerRow]) -> list[str]:
    """One sentence for each enrolled peer that is older than what waits for it, or newer than this node can read."""
    peers = [peer for peer in known if peer.state == PeerState.ENROLLED]
    older = [f"{peer.node_id}: {peer_older(found)}" for peer in peers if (found := peer_behind(session, peer.node_id))]
    return older + [said for peer in peers if (said := node_older(peer))]


def _too_new(statement: StatementRow, reads: str | None) -> str | None:
    """The version that a peer lacks to read a statement. Of one whose bytes are gone nothing is read; one whose bytes
    were damaged here keeps nobody waiting: the peer sets it aside."""
    if reads is None or statement.envelope is None:
        return None
    try:
        needs = stated_version(open_envelope(statement.envelope).payload) or CONTRACT_VERSION
    except ContractError:
        return None
    return needs if is_newer(needs, reads) else None
