"""A proven fork is passed on: two heads of one size that a log signed convince whoever knows its keys."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid
from exchange.flows.log.head_gossip import disagree, standing_disagreements
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of, open_head, own_lines
from exchange.flows.statement.peer import peer_keys
from exchange.log import note
from exchange.log.checkpoint import Checkpoint
from exchange.store.sync.peers import find_peer, peers_among
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import disputed_logs
from exchange.trust.key_history import KeyHistory
from schemas.witness import MAX_FORKS, ForkedLog


def known_forks(session: Session, *, about: str) -> tuple[ForkedLog, ...]:
    """One proof for each enrolled peer whose log is known to be forked, but for that of ``about``, who is told."""
    found = []
    for peer in peers_among(session, disputed_logs(session)):
        if peer.state != PeerState.ENROLLED or peer.node_id == about:
            continue
        proven = next((row for row in standing_disagreements(session, peer.node_id) if row.proven), None)
        if proven is not None:
            keys = peer_keys(peer)
            first, second = (_own_lines_alone(raw, keys) for raw in (proven.first, proven.second))
            found.append(ForkedLog(log=peer.node_id, first=first, second=second))
    return tuple(found[:MAX_FORKS])


def hear_forks(node: Node, teller: PeerRow, forked: Sequence[ForkedLog]) -> list[str]:
    """Keep what a peer proves of third logs, as if it had been found here.

    Returns a sentence for each report that proves no fork. Logs of nodes that are no peers here, and those that are
    known to be forked, are passed over.
    """
    complaints = []
    for item in forked:
        with node.store.read() as session:
            peer = find_peer(session, item.log)
            known = any(row.proven for row in standing_disagreements(session, item.log))
        if peer is None or peer.state != PeerState.ENROLLED or item.log == teller.node_id or known:
            continue
        try:
            first, second = _contradiction(item, peer_keys(peer))
        except CheckpointInvalid as error:
            complaints.append(f"{teller.node_id} tells of a fork of {item.log} that is not believed: {error}.")
            continue
        one, other = base64.b64decode(item.first), base64.b64decode(item.second)
        disagree(node, item.log, (teller.node_id, first, one), (teller.node_id, second, other))
    return complaints


def _contradiction(item: ForkedLog, keys: KeyHistory) -> tuple[Checkpoint, Checkpoint]:
    first, second = _head(item.first, keys), _head(item.second, keys)
    if first.size != second.size or first.root == second.root:
        raise CheckpointInvalid("the two heads do not contradict each other")
    return first, second


def _head(text: str, keys: KeyHistory) -> Checkpoint:
    raw = base64.b64decode(text)
    head = open_head(raw, keys)
    if len(note.parse_note(raw).signatures) != own_lines(keys, head):
        raise CheckpointInvalid("a head that proves a fork has the lines of its log alone")
    if keys.is_refused("log", max(head.size - 1, 0)):
        raise CheckpointInvalid("its key was in wrong hands by then, so it proves nothing")
    return head


def _own_lines_alone(raw: bytes, keys: KeyHistory) -> str:
    signed = note.parse_note(raw)
    own = note.Note(signed.text, signed.signatures[: own_lines(keys, head_of(raw))])
    return base64.b64encode(own.encoded()).decode()
