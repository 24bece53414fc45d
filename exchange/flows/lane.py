"""Answer a peer that reads its lane: the next statements, each with the proof that the log holds it."""

from __future__ import annotations

import base64

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound
from exchange.flows.node import Node
from exchange.flows.sharing import decide, record_in, record_of
from exchange.log import merkle
from exchange.store.peers import find_peer, is_on_lane, lane_head_at, lane_items, lane_of
from exchange.store.records import records_naming
from exchange.store.statements import latest_checkpoint, node_reader
from exchange.store.tables import CheckpointRow, LaneItemRow, PeerRow, StatementRow
from schemas import CONTRACT_VERSION
from schemas.lane import MAX_PAGE_ITEMS, LaneItem, LanePage

PAGE_BYTES = 4 * 1024 * 1024  # half of what a peer accepts: Base64 and proofs come on top


def read_lane(node: Node, peer: PeerRow, *, start: int, head: bytes, known_size: int) -> LanePage:
    """One page of the peer's lane from ``start`` on.

    1. The peer's running head must be ours at that place; else one of us lost something, and both must know.
    2. Its signed request for what follows acknowledges what came before: note it.
    3. Give only what the last signed head covers, with inclusion and consistency proofs.

    Raises Conflict, code "cursor-from-the-future" or "lane-differs".
    """
    _acknowledge(node, peer.node_id, start, head)
    with node.store.read() as session:
        lane, signed = lane_of(session, peer.node_id), latest_checkpoint(session)
        if signed is None or known_size > signed.size:
            items = []
        else:
            items = lane_items(session, peer.node_id, start=start, below_log_index=signed.size, limit=MAX_PAGE_ITEMS)
        items = _bounded(items)
        read = node_reader(session)
        return LanePage(
            contract=CONTRACT_VERSION,
            lane=peer.node_id,
            start=start,
            count=lane.count,
            head=(items[-1][0].head if items else head).hex(),
            checkpoint=base64.b64encode(signed.note).decode() if signed else None,
            consistency=_consistency(read, signed, known_size),
            items=tuple(_item(node, read, signed, peer, *pair) for pair in items) if signed else (),
        )


def may_fetch(node: Node, peer: PeerRow, sha256: str) -> None:
    """A digest is no key: the peer may have a scan only through an own record on its lane that it may still see.

    Raises NotFound, the same whether the scan is unknown or withheld.
    """
    with node.store.read() as session:
        current = find_peer(session, peer.node_id)
        for acquisition, statement in records_naming(session, sha256):
            on_lane = is_on_lane(session, peer.node_id, acquisition.statement_id)
            if current is None or not on_lane or statement.issuer != node.node_id:
                continue
            if decide(record_of(session, acquisition.statement_id), current, owner=node.node_id) is None:
                return
    raise NotFound(f"The scan {sha256} is not on this node.")


def _acknowledge(node: Node, peer: str, start: int, head: bytes) -> None:
    with node.store.read() as session:
        lane, expected = lane_of(session, peer), lane_head_at(session, peer, start)
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
    if start > lane.acknowledged_count:
        with node.store.write() as session:
            row = lane_of(session, peer)
            row.acknowledged_count, row.acknowledged_head, row.acknowledged_at = start, head, stamp()


def _bounded(items: list[tuple[LaneItemRow, StatementRow]]) -> list[tuple[LaneItemRow, StatementRow]]:
    total = 0
    for place, (_, statement) in enumerate(items):
        total += len(statement.envelope)
        if total > PAGE_BYTES and place:
            return items[:place]
    return items


def _consistency(read: merkle.Read, signed: CheckpointRow | None, known_size: int) -> tuple[str, ...]:
    if signed is None or not 0 < known_size < signed.size:
        return ()
    return tuple(node.hex() for node in merkle.consistency_proof(known_size, signed.size, read))


def _item(
    node: Node, read: merkle.Read, signed: CheckpointRow, peer: PeerRow, item: LaneItemRow, statement: StatementRow
) -> LaneItem:
    """What was entitled when it came on the lane may not be any more: policy is asked again at every reading."""
    entitled = decide(record_in(statement), peer, owner=node.node_id) is None
    proof = merkle.inclusion_proof(statement.log_index, signed.size, read) if entitled else []
    return LaneItem(
        position=item.position,
        statement_id=statement.statement_id,
        log_index=statement.log_index,
        envelope=base64.b64encode(statement.envelope).decode() if entitled else None,
        inclusion=tuple(step.hex() for step in proof),
    )
