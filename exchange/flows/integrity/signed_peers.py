"""Hold what is kept of each peer against its card, its signed heads and the running heads of both lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid, StatementInvalid
from exchange.flows.integrity.signed_rows import UNBACKED, Difference, differing
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of, open_cosigned, witness_of
from exchange.flows.statement.peer import peer_keys
from exchange.flows.witness.mirror import tree_reader
from exchange.log import merkle, note
from exchange.log.cosignature import Cosignature, verify_cosignature
from exchange.log.tiles import TILE_WIDTH
from exchange.store.operate.at_rest import (
    all_cosignatures,
    count_places,
    lane_in_order,
    mirror_tiles,
    parts_of_no_peer,
    places_in_order,
)
from exchange.store.sync.peers import find_lane, find_peer
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.witness.cosignatures import own_checkpoint
from exchange.trust.key_history import KeyHistory
from schemas.errors import ContractError
from schemas.lane import EMPTY_HEAD, next_head

_TILE_LEVEL = 8


def keys_of(peer: PeerRow) -> KeyHistory | None:
    """None where card or key-events at rest are none of this peer."""
    try:
        keys = peer_keys(peer)
    except (ContractError, StatementInvalid):
        return None
    return keys if keys.card.issuer == peer.node_id else None


def check_peer(session: Session, node: Node, peer: PeerRow, keys: KeyHistory) -> Iterator[Difference]:
    """Its own row, its lane here, the lane that was read of it, and the mirror of its log."""
    yield from differing(peer, peer.node_id, {"jurisdiction": keys.card.jurisdiction})
    if peer.url not in {link.event.url for link in keys.links}:
        yield from differing(peer, peer.node_id, {"url": keys.last.event.url})
    if peer.cosigned is not None:
        try:
            head, _ = open_cosigned(peer.cosigned, keys, node.history)
        except (ContractError, CheckpointInvalid) as error:
            yield f"peer {peer.node_id}", f"What stands in cosigned is not what this node cosigned: {error}"
        else:
            yield from differing(peer, peer.node_id, {"cosigned_size": head.size})
    yield from _check_lane(session, peer.node_id)
    yield from _check_places(session, peer)
    yield from _check_mirror(session, peer)


def check_orphans(session: Session, peers: list[str]) -> Iterator[Difference]:
    for table, peer in parts_of_no_peer(session, peers):
        yield f"{table} of {peer}", UNBACKED


def _check_lane(session: Session, peer: str) -> Iterator[Difference]:
    lane, head, count = find_lane(session, peer), EMPTY_HEAD, 0
    if lane is None:
        yield f"lane {peer}", "The row is gone: the peer can be given nothing."
        return
    acknowledged = EMPTY_HEAD if lane.acknowledged_count == 0 else None
    for item in lane_in_order(session, peer):
        try:
            head = next_head(head, item.statement_id)
        except ValueError:
            head = b""
        if (item.position, item.head) != (count, head):
            yield f"lane_item {count} of {peer}", "What stands in position, statement_id, head does not add up."
            return
        count += 1
        if count == lane.acknowledged_count:
            acknowledged = head
    yield from differing(lane, peer, {"count": count, "head": head, "acknowledged_head": acknowledged})


def _check_places(session: Session, peer: PeerRow) -> Iterator[Difference]:
    """Of places that were read before a release remembered them there is none; what follows on these does not add
    up."""
    head, count = EMPTY_HEAD, 0
    whole = count_places(session, peer.node_id) == peer.cursor_count
    for place, log_index in places_in_order(session, peer.node_id):
        if place.position != 0 and count == 0 and not whole:
            return
        count += 1
        try:
            head = next_head(head, place.statement_id)
        except ValueError:
            head = b""
        if place.position != count - 1 or log_index not in (None, place.log_index):
            yield f"received_place {count - 1} of {peer.node_id}", "It is not the place of that statement."
            return
    if count and (count, head) != (peer.cursor_count, peer.cursor_head):
        yield f"received_place of {peer.node_id}", "They do not lead to the peer's cursor_count, cursor_head."


def _check_mirror(session: Session, peer: PeerRow) -> Iterator[Difference]:
    """Each tile has its hash; all of them lead to the head that was verified, where they reach as far."""
    tops: list[bytes] = []
    last = b""
    for place, tile in enumerate(mirror_tiles(session, peer.node_id)):
        whole = tile.top is None or tile.hashes is None or _top_of(tile.hashes) == tile.top
        if tile.position != place or not whole or (tile.top is None and tile.hashes is None):
            yield f"mirror_tile {place} of {peer.node_id}", "Its hashes do not lead to the one over them."
            return
        if tile.top is not None:
            tops.append(tile.top)
        else:
            last = tile.hashes or b""
    size = len(tops) * TILE_WIDTH + len(last) // merkle.HASH_BYTES
    for raw in (peer.checkpoint, peer.cosigned):
        if raw is not None:
            try:
                head = head_of(raw)
            except CheckpointInvalid:
                continue  # named by itself
            if head.size == size and merkle.root(size, tree_reader(tops, last)) != head.root:
                yield f"mirror_tile of {peer.node_id}", f"The hashes do not lead to its head of size {size}."
                return


def _top_of(hashes: bytes) -> bytes:
    if len(hashes) != TILE_WIDTH * merkle.HASH_BYTES:
        return b""
    top: bytes = tree_reader([], hashes)(_TILE_LEVEL, 0)
    return top


def leaves_of_mirror(session: Session, log: str) -> Callable[[int], bytes | None]:
    """The leaf that a peer's log has at an index, as far as it was mirrored; asked for in the order of the log."""
    tiles = mirror_tiles(session, log)
    held: dict[int, bytes] = {}

    def leaf(index: int) -> bytes | None:
        place, at = divmod(index, TILE_WIDTH)
        while place not in held and (tile := next(tiles, None)) is not None:
            held.clear()
            held[tile.position] = tile.hashes or b""
        found = held.get(place, b"")[at * merkle.HASH_BYTES : (at + 1) * merkle.HASH_BYTES]
        return found or None

    return leaf


def check_cosignatures(session: Session) -> Iterator[Difference]:
    """Each is a peer's, of the head that was signed at its size."""
    for row in all_cosignatures(session):
        peer, head, key = find_peer(session, row.peer), own_checkpoint(session, row.size), f"{row.size} of {row.peer}"
        keys = keys_of(peer) if peer is not None else None
        if keys is None or head is None:
            yield f"cosignature {key}", UNBACKED
            continue
        signed = _cosigned(row.note, keys)
        if signed is None or (head_of(row.note).size, head_of(row.note).root) != (head.size, head.root):
            yield f"cosignature {key}", "What stands in note is no cosignature of this head by this peer."
        else:
            yield from differing(row, key, {"timestamp": signed.timestamp})


def _cosigned(raw: bytes, keys: KeyHistory) -> Cosignature | None:
    """With the witness keys of today, or with former ones: it was verified when it came."""
    for count in range(len(keys.links), 0, -1):
        try:
            return verify_cosignature(note.parse_note(raw), witness_of(KeyHistory(keys.links[:count])))
        except CheckpointInvalid:
            continue
    return None
