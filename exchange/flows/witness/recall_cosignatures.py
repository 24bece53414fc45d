"""A witness that was set back has forgotten what it cosigned. Those whom it told remind it, in its own signed words.

So it never cosigns a smaller head of a log, or one of another history, than it did before. What it signed itself it had
verified; nobody else's word is taken.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid
from exchange.flows.log.head_gossip import disagree
from exchange.flows.log.signed_checkpoint import head_cosigned_by
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of, open_cosigned
from exchange.flows.statement.peer import peer_keys
from exchange.log import note
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import told_by
from schemas.witness import MAX_HEADS, SeenHead, WitnessReport


def reminders(session: Session, owner: str, peer: PeerRow, report: WitnessReport) -> tuple[SeenHead, ...]:
    """The heads that a peer cosigned, this node's and others', where its report tells of a smaller one or of none."""
    told = {item.log: _size(item.note) for item in report.seen}
    told[owner] = _size(report.cosigned)
    held = {row.log: (row.size, row.note) for row in told_by(session, peer.node_id)}
    own = head_cosigned_by(session, peer.node_id)
    if own is not None:
        held[owner] = own
    return tuple(
        SeenHead(log=log, note=base64.b64encode(raw).decode())
        for log, (size, raw) in held.items()
        if size > told.get(log, 0)
    )[:MAX_HEADS]


def remember(node: Node, teller: str, yours: Sequence[SeenHead]) -> list[str]:
    """Take back what this node cosigned and no longer knows of. Returns the contradictions in what the peer reported.

    1. The log's keys signed it, and this node's own witness keys: else it is not believed.
    2. It is larger than the last one that this node knows to have cosigned, and not smaller than the head that it
       verified since: the two are not known to be of one history.
    3. It is the last head that was verified, and the last one that was cosigned.
    """
    complaints = []
    for item in yours:
        with node.store.read() as session:
            peer = find_peer(session, item.log)
        if peer is None or peer.state != PeerState.ENROLLED:
            continue
        raw = base64.b64decode(item.note)
        try:
            head, cosignature = open_cosigned(raw, peer_keys(peer), node.history)
        except CheckpointInvalid as error:
            complaints.append(f"{teller} returned a head of {item.log} as cosigned here that is not: {error}.")
            continue
        known = head_of(peer.checkpoint) if peer.checkpoint is not None else None
        if head.size <= peer.cosigned_size or (known is not None and head.size < known.size):
            continue
        if known is not None and peer.checkpoint is not None and known.size == head.size and known.root != head.root:
            disagree(node, item.log, (node.node_id, known, peer.checkpoint), (node.node_id, head, raw))
            continue
        signed = note.parse_note(raw)
        own = note.Note(signed.text, tuple(line for line in signed.signatures if line not in cosignature.lines))
        with node.store.write() as session:
            row = find_peer(session, item.log)
            if row is not None and row.checkpoint == peer.checkpoint and row.cosigned_size == peer.cosigned_size:
                row.cosigned, row.cosigned_size = raw, head.size
                row.checkpoint = own.encoded()
    return complaints


def _size(encoded: str | None) -> int:
    """What a note states, believed or not: it only says of what to remind."""
    if encoded is None:
        return 0
    try:
        return head_of(base64.b64decode(encoded)).size
    except CheckpointInvalid:
        return 0
