"""What a peer acknowledged of its lane: its signed request for what follows a place, kept as it was verified."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound, SignatureInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import address_of
from exchange.net.message_signatures import RequestProof
from exchange.store.sync.peers import find_peer, lane_head_at, lane_of
from exchange.store.tables.peer_tables import PeerRow
from schemas import CONTRACT_VERSION


def acknowledge(
    node: Node,
    peer: PeerRow,
    start: int,
    head: bytes,
    proof: RequestProof | None = None,
    reads: str = CONTRACT_VERSION,
) -> None:
    """Note what a peer's signed request for what follows ``start`` says of what came before, and of the peer.

    A request that waits for news is noted before it waits, so that the operator sees at once what has arrived. Raises
    Conflict, code "cursor-from-the-future" or "lane-differs"; SignatureInvalid for a proof that does not prove this.
    """
    with node.store.read() as session:
        lane, expected = lane_of(session, peer.node_id), lane_head_at(session, peer.node_id, start)
    if expected is None:
        raise Conflict(
            f"The lane has {lane.count} items and you ask for what follows {start}: this node may have been "
            "restored from an older backup. Tell its operator.",
            code="cursor-from-the-future",
        )
    if expected != head:
        raise Conflict(
            f"After {start} items the two ends of the lane differ: one of them lost or changed something. "
            "Compare the logs of both nodes before going on.",
            code="lane-differs",
        )
    if start == lane.acknowledged_count and reads == lane.reads:
        return
    kept = None if proof is None else _checked(proof, peer, start, head)
    with node.store.write() as session:
        row = lane_of(session, peer.node_id)
        session.add(row)
        row.reads = reads
        if start > row.acknowledged_count:
            row.acknowledged_count, row.acknowledged_head, row.acknowledged_at = start, head, stamp()
            row.acknowledged_by = kept
        elif start < row.acknowledged_count:
            row.read_again_at = stamp()


def receipt_evidence(node: Node, node_id: str) -> dict[str, object] | None:
    """Return the peer's signed request that acknowledged its lane so far, to be kept or shown; None while there is
    none."""
    with node.store.read() as session:
        if find_peer(session, node_id) is None:
            raise NotFound(f"There is no peer {node_id}. See: ffp peer list")
        lane = lane_of(session, node_id)
        if lane.acknowledged_by is None:
            return None
        return {
            "count": lane.acknowledged_count,
            "head": lane.acknowledged_head.hex(),
            "at": lane.acknowledged_at,
            "request": json.loads(lane.acknowledged_by),
        }


def _checked(proof: RequestProof, peer: PeerRow, start: int, head: bytes) -> str:
    """Return the proof as it is stored, once it is known that it proves to others what is noted beside it."""
    proof.verify(address_of(peer).public_key)
    signed = parse_qs(proof.query)
    if (signed.get("start"), signed.get("head")) != ([str(start)], [head.hex()]):
        raise SignatureInvalid("the signed request acknowledges another place on the lane than is noted")
    return json.dumps(proof.as_json())
