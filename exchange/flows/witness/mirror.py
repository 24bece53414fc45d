"""A witness keeps the hashes of the logs that it cosigns, and gives back to their owners what it holds of them.

A leaf hash tells nothing of a statement. A node that lost the end of its database gets its log, its statements and its
lanes back from here (`rebuild`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import cache

from sqlalchemy.orm import Session

from exchange.errors import PeerMisbehaved
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.statement.as_signed import is_as_signed
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.peer import address_of, peer_keys
from exchange.log import merkle
from exchange.log.tiles import TILE_WIDTH, Tile
from exchange.net.client import PeerClient
from exchange.store.sync.peer_quota_rows import count_in
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.mirror_rows import (
    extend_mirror,
    held_statements,
    keep_tile,
    last_tile,
    mirrored_leaves,
    mirrored_size,
    missing_tiles,
    received_places,
    tile_tops,
)
from schemas import CONTRACT_VERSION
from schemas.mirror import (
    MAX_LEAVES,
    MAX_PLACES,
    MAX_STATEMENTS,
    MirroredLane,
    MirroredLeaves,
    MirroredStatement,
    MirroredStatements,
    ReceivedPlace,
)

TILES_A_TIME = 64
"""Full tiles fetched in one go: each is a request, and others wait for the same thread."""
MOST_GROWTH = 2**24
"""Leaves by which a log may have grown since it was mirrored last: sixteen million. To sign a head of any size costs a
peer nothing, and the hashes that lead to it stay in the memory until they do."""
MIRROR_PAGE_BYTES = 4 * 1024 * 1024
"""Of envelopes on one page, before Base64."""
_TILE_LEVEL = 8


def mirror_log(node: Node, client: PeerClient, node_id: str) -> bool:
    """Bring the mirror of a peer's log up to the last head that was verified. Returns whether more is missing.

    1. The hashes over its full tiles, from tiles of level 1, and the last tile, which is not full.
    2. Together with those that are here they must have the head's root; else none of them is believed.
    3. The full tiles themselves, each of which must have the hash that step 2 verified.

    Called before the head is cosigned: so a log that loses its end gets back all that its witness bound it to. Who is
    no witness of the log mirrors nothing of it, and keeps what it mirrored before. Tiles count as bytes of the peer's
    share, and the caller stops when it is used up: a log that grows fast would else fill this disk with hashes.
    Raises PeerUnreachable, PeerMisbehaved.
    """
    if not installed_witnesses(node.settings).includes(node.node_id, node_id):
        return False
    with node.store.read() as session:
        peer, tops, last = find_peer(session, node_id), tile_tops(session, node_id), last_tile(session, node_id)
    if peer is None or peer.state != PeerState.ENROLLED or peer.checkpoint is None:
        return False
    known, size = len(tops) * TILE_WIDTH + len(last) // merkle.HASH_BYTES, head_of(peer.checkpoint).size
    if size - known > MOST_GROWTH:
        raise PeerMisbehaved(
            f"{node_id} signed a head of size {size}, and {known} leaves of its log are mirrored here: it is neither "
            f"mirrored nor cosigned, since no log grows by more than {MOST_GROWTH} at once. Telephone its operator."
        )
    if known < size:
        _extend(node, client, peer, tops)
    return _fill(node, client, peer)


def has_its_key_events(session: Session, peer: PeerRow, size: int) -> bool:
    """Return whether the mirrored log of a peer, up to ``size``, has each of its key-events at the index that the event
    states, the card as leaf 0. False while the mirror does not reach that far.

    Without this check a node could show the log of another node as its own. Raises PeerMisbehaved where another leaf
    stands there."""
    for link in peer_keys(peer).links:
        if link.index >= size:
            continue
        leaf = mirrored_leaves(session, peer.node_id, link.index, 1)
        if not leaf:
            return False
        if leaf != merkle.leaf_hash(link.envelope.leaf_data):
            raise PeerMisbehaved(
                f"The log of {peer.node_id} has another leaf at index {link.index} than its key-event: it is not the "
                "log of the node that was enrolled, or this node was shown other key-events than others. Nothing of it "
                f"is cosigned. Telephone its operator; if nothing explains it: ffp peer revoke {peer.node_id}"
            )
    return True


def answer_leaves(node: Node, peer: PeerRow, start: int) -> MirroredLeaves:
    with node.store.read() as session:
        return MirroredLeaves(
            contract=CONTRACT_VERSION,
            log=peer.node_id,
            start=start,
            size=mirrored_size(session, peer.node_id),
            hashes=base64.b64encode(mirrored_leaves(session, peer.node_id, start, MAX_LEAVES)).decode(),
        )


def answer_statements(node: Node, peer: PeerRow, start: int) -> MirroredStatements:
    """The peer's own statements alone, as it signed them."""
    keys = peer_keys(peer)
    with node.store.read() as session:
        rows = held_statements(session, peer.node_id, start, MAX_STATEMENTS)
    items: list[MirroredStatement] = []
    total = read = 0
    for row in rows:
        envelope = row.envelope or b""
        total += len(envelope)
        if total > MIRROR_PAGE_BYTES and read:
            break
        read += 1
        if is_as_signed(row, keys):
            items.append(MirroredStatement(log_index=row.log_index, envelope=base64.b64encode(envelope).decode()))
    more = read < len(rows) or len(rows) == MAX_STATEMENTS
    return MirroredStatements(
        contract=CONTRACT_VERSION,
        log=peer.node_id,
        start=start,
        next=rows[read - 1].log_index + 1 if more else None,
        items=tuple(items),
    )


def answer_lane(node: Node, peer: PeerRow, start: int) -> MirroredLane:
    with node.store.read() as session:
        row = session.get_one(PeerRow, peer.node_id)
        places = received_places(session, peer.node_id, start, MAX_PLACES)
    return MirroredLane(
        contract=CONTRACT_VERSION,
        reader=node.node_id,
        start=start,
        count=row.cursor_count,
        head=row.cursor_head.hex(),
        items=tuple(
            ReceivedPlace(statement_id=place.statement_id, log_index=place.log_index, withheld=place.withheld)
            for place in places
        ),
    )


def _extend(node: Node, client: PeerClient, peer: PeerRow, known: Sequence[bytes]) -> None:
    head = head_of(peer.checkpoint or b"")
    full, width = divmod(head.size, TILE_WIDTH)
    tops = list(known)
    for place in range(len(known) // TILE_WIDTH, -(-full // TILE_WIDTH)):
        if len(tops) < full:
            tile = Tile(1, place, min(TILE_WIDTH, full - place * TILE_WIDTH))
            tops += _hashes(_fetch(client, peer, tile))[len(tops) - place * TILE_WIDTH :]
    last = _fetch(client, peer, Tile(0, full, width)) if width else b""
    if merkle.root(head.size, tree_reader(tops, last)) != head.root:
        raise PeerMisbehaved(
            f"{peer.node_id} gave hashes of its log that do not lead to the head of size {head.size} that it signed."
        )
    with node.store.write() as session:
        extend_mirror(session, peer.node_id, len(known), tops[len(known) :], last)


def _fill(node: Node, client: PeerClient, peer: PeerRow) -> bool:
    with node.store.read() as session:
        missing = missing_tiles(session, peer.node_id, limit=TILES_A_TIME + 1)
    for row in missing[:TILES_A_TIME]:
        hashes = _fetch(client, peer, Tile(0, row.position))
        if tree_reader([], hashes)(_TILE_LEVEL, 0) != row.top:
            raise PeerMisbehaved(f"{peer.node_id} gave tile {row.position} of its log with other hashes than it has.")
        with node.store.write() as session:
            keep_tile(session, peer.node_id, row.position, hashes)
            count_in(session, peer.node_id, statements=0, size=len(hashes))
    return len(missing) > TILES_A_TIME


def _fetch(client: PeerClient, peer: PeerRow, tile: Tile) -> bytes:
    found = client.fetch_tile(address_of(peer), tile.path)
    if len(found) != tile.width * merkle.HASH_BYTES:
        raise PeerMisbehaved(f"{peer.node_id} gave {len(found)} bytes for a tile of {tile.width} hashes.")
    return found


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[at : at + merkle.HASH_BYTES] for at in range(0, len(tile), merkle.HASH_BYTES)]


def tree_reader(tops: Sequence[bytes], last: bytes) -> Callable[[int, int], bytes]:
    """How the Merkle functions read a tree of which the full tiles are known by their hash, and the leaves of the one
    that follows them."""
    leaves, first = _hashes(last), len(tops) * TILE_WIDTH

    @cache
    def read(level: int, index: int) -> bytes:
        if level == _TILE_LEVEL and index < len(tops):
            return tops[index]
        if level == 0:
            return leaves[index - first]
        return merkle.node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read
