"""A node whose database was set back gets the hashes of its log back from its witnesses, and goes on from there.

What peers return is believed when it leads to a head that this node's own keys signed. Its statements and lanes come
back after that (`recover`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.errors import PeerMisbehaved, PeerUnreachable
from exchange.flows.log.start import enough_returned
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.statement.heads import head_of, open_cosigned
from exchange.flows.statement.peer import address_of, note_alarm, peer_keys
from exchange.log import merkle, note
from exchange.log.cosignature import LINES_A_SIGNER
from exchange.net.client import PeerClient
from exchange.store.log.statement_rows import add_checkpoint, latest_checkpoint, log_size, node_reader
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.mirror_tables import ReturnedHeadRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import (
    LogStartState,
    add_cosignature,
    keep_disagreement,
    log_start,
    own_checkpoint,
    set_log_start,
    witnesses,
)
from exchange.store.witness.rebuild_rows import add_sources, mark_lost, own_leaves, park, replace_end, returned_heads
from schemas import ContractError
from schemas.mirror import MirroredLeaves, parse_mirror


@dataclass(frozen=True)
class _Own:
    """The log as it is here: its leaves, and how many of them a head covers that this database holds."""

    leaves: Sequence[bytes]
    signed: CheckpointRow | None

    @property
    def signed_size(self) -> int:
        return self.signed.size if self.signed else 0


def rebuild(node: Node, client: PeerClient) -> bool:
    """Put the hashes of the log back that peers hold and this database lost. Returns whether that was done.

    1. Only when more than half of the enrolled witnesses have returned the last head that they cosigned.
    2. All leaf hashes up to the largest of these heads, from a peer that mirrored them. They must have its root, which
       this node's own keys signed, and the roots of the other heads that were returned.
    3. What was signed here must be a beginning of that log. Else two histories were signed, and nothing is rebuilt.
    4. In one transaction: the tree, the heads with their cosignatures, each index without a statement as lost. What was
       appended since the restore, and no head ever covered, is taken off its indices; it is appended anew at the end.

    An alarm of a peer says when it gave hashes that are not believed. Raises PeerUnreachable when no peer has them.
    """
    # 1.
    with node.store.read() as session:
        start, heads, peers = log_start(session), returned_heads(session), all_peers(session)
        if start is None or start.state != LogStartState.BEHIND or not heads:
            return False
        if not enough_returned(node, session, start):
            return False
        own = _Own(own_leaves(session), latest_checkpoint(session))

    # 2.
    enrolled = {peer.node_id: peer for peer in peers if peer.state == PeerState.ENROLLED}
    leaves, roots = _fetch(node, client, enrolled, heads)
    for row in heads:
        if roots[row.size] != row.root:
            _stop(node, heads[0].note, row.note, f"{heads[0].peer} and {row.peer} hold heads that this node signed and")
            return False

    # 3.
    common = _common(own.leaves, leaves)
    if common < own.signed_size and own.signed is not None:
        _stop(node, own.signed.note, heads[0].note, f"its database and {heads[0].peer} hold heads that it signed and")
        return False

    # 4.
    return _install(node, own, leaves, common, enrolled, heads)


def _fetch(
    node: Node, client: PeerClient, enrolled: dict[str, PeerRow], heads: Sequence[ReturnedHeadRow]
) -> tuple[list[bytes], dict[int, bytes]]:
    """The leaf hashes under the largest head, and the roots at the sizes of all heads. Asked are those who returned
    one, then the witnesses, and then who was one before, as the cosignatures that are held say."""
    sizes, largest = {row.size for row in heads}, heads[0]
    short: list[str] = []
    chosen = installed_witnesses(node.settings).of(node.node_id)
    with node.store.read() as session:
        former = witnesses(session)
    asked = [*(row.peer for row in heads), *(sorted(chosen) if chosen is not None else enrolled), *former]
    for peer in [enrolled[name] for name in dict.fromkeys(asked) if name in enrolled]:
        try:
            leaves = _leaves_of(client, peer, largest.size)
        except PeerUnreachable as error:
            short.append(f"{peer.node_id} is not reached ({error})")
            continue
        except PeerMisbehaved as error:
            note_alarm(node, peer.node_id, str(error))
            continue
        if len(leaves) < largest.size:
            short.append(f"{peer.node_id} mirrored {len(leaves)}")
            continue
        roots = _roots(leaves, sizes)
        if roots[largest.size] == largest.root:
            return leaves, roots
        note_alarm(
            node,
            peer.node_id,
            f"{peer.node_id} gave leaf hashes of this node's log that do not lead to the head of size {largest.size}, "
            "which this node signed. Nothing of them was taken.",
        )
    raise PeerUnreachable(
        f"No peer gives the {largest.size} leaf hashes back that the log had: "
        f"{'; '.join(short) or 'see `ffp peer list`'}."
    )


def _leaves_of(client: PeerClient, peer: PeerRow, wanted: int) -> list[bytes]:
    found = b""
    while len(found) < wanted * merkle.HASH_BYTES:
        start = len(found) // merkle.HASH_BYTES
        try:
            page = parse_mirror(MirroredLeaves, client.fetch_mirror(address_of(peer), "leaves", start=start))
        except ContractError as error:
            raise PeerMisbehaved(
                f"{peer.node_id} gave leaf hashes in a form that breaks the contract: {error}"
            ) from error
        hashes = base64.b64decode(page.hashes)
        if page.start != start or len(hashes) % merkle.HASH_BYTES:
            raise PeerMisbehaved(f"{peer.node_id} gave other leaf hashes than were asked for.")
        if not hashes:
            break
        found += hashes
    return [found[at : at + merkle.HASH_BYTES] for at in range(0, len(found), merkle.HASH_BYTES)][:wanted]


def _roots(leaves: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    tree, found = merkle.Growing(), {}
    for index, leaf in enumerate(leaves):
        tree.append(index, leaf)
        if index + 1 in sizes:
            found[index + 1] = tree.root(index + 1)
    return found


def _common(own: Sequence[bytes], leaves: Sequence[bytes]) -> int:
    """How many leaves the two begin with alike."""
    for index, (mine, theirs) in enumerate(zip(own, leaves, strict=False)):
        if mine != theirs:
            return index
    return min(len(own), len(leaves))


def _install(
    node: Node,
    own: _Own,
    leaves: Sequence[bytes],
    common: int,
    enrolled: dict[str, PeerRow],
    heads: Sequence[ReturnedHeadRow],
) -> bool:
    with node.store.read() as session:
        nodes = _nodes_after(leaves, common, node_reader(session))
    witnessed = [
        (row, note.parse_note(row.note), peer_keys(enrolled[row.peer])) for row in heads if row.peer in enrolled
    ]
    cosigned = [
        (row.peer, *open_cosigned(row.note, node.history, keys))
        for row, signed, keys in witnessed
        if len(signed.signatures) > LINES_A_SIGNER
    ]
    with node.store.write() as session:
        start, latest = log_start(session), latest_checkpoint(session)
        unchanged = log_size(session) == len(own.leaves) and (latest.size if latest else 0) == own.signed_size
        if start is None or start.state != LogStartState.BEHIND or not unchanged:
            return False  # grown meanwhile, or done by somebody else: the next time
        replace_end(session, common, len(leaves), nodes)
        places = {leaves[index]: index for index in range(common, len(leaves))}
        there = park(session, node.node_id, common, places)
        mark_lost(session, ((at, leaves[at]) for at in range(common, len(leaves)) if at not in there))
        for row in heads:
            if own_checkpoint(session, row.size) is None:
                add_checkpoint(session, row.size, row.root, _own_lines(row.note))
                session.flush()
        for peer, head, cosignature in cosigned:
            lines = note.Note(head.text, cosignature.lines).encoded()
            add_cosignature(session, head.size, peer, lines, cosignature.timestamp)
        add_sources(session, enrolled)
        start.state = LogStartState.RECOVERING
    return True


def _own_lines(cosigned: bytes) -> bytes:
    """The note with the lines of the log alone, which come first (`cosign`)."""
    signed = note.parse_note(cosigned)
    return note.Note(signed.text, signed.signatures[:LINES_A_SIGNER]).encoded()


def _nodes_after(leaves: Sequence[bytes], common: int, read: merkle.Read) -> list[tuple[int, int, bytes]]:
    """The complete subtrees that the leaves from ``common`` on complete."""
    added: dict[tuple[int, int], bytes] = {}

    def both(level: int, position: int) -> bytes:
        return added[level, position] if (level, position) in added else read(level, position)

    for index in range(common, len(leaves)):
        added.update({(level, at): value for level, at, value in merkle.appended(index, leaves[index], both)})
    return [(level, at, value) for (level, at), value in added.items()]


def _stop(node: Node, first: bytes, second: bytes, who: str) -> None:
    """Two histories of the own log were signed: keep both heads, and sign nothing more."""
    one, other = head_of(first), head_of(second)
    detail = (
        f"This node signs no head of its log, and no new record leaves it: {who} that are not of one history, size "
        f"{one.size}, root {one.root.hex()[:16]}..., and size {other.size}, root {other.root.hex()[:16]}.... A log "
        "that was forked is not rebuilt. Stop the node, find out who else signs with its keys, then make a new "
        "node under another id and have every peer revoke this one."
    )
    with node.store.write() as session:
        keep_disagreement(
            session,
            node.node_id,
            first,
            second,
            texts=(one.text, other.text),
            proven=one.size == other.size,
            detail=detail,
        )
        set_log_start(session, LogStartState.CONFLICT, restored=True, detail=detail)
