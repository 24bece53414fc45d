"""After an upgrade: read again what an older release set aside because it did not understand it."""

from __future__ import annotations

from exchange.errors import StatementInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import peer_keys
from exchange.flows.sync.receive import receive_page
from exchange.flows.sync.verify_lane_page import READ_AGAIN, Received
from exchange.store.sync.peers import all_peers, drop_quarantined, find_peer, set_aside, standing_alarm
from exchange.store.tables.peer_tables import PeerRow, PeerState, QuarantineRow
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import verify_statement


def read_again(node: Node) -> int:
    """Take what this release understands, in the order of each lane; returns how much that is.

    Signatures and the log's proof were verified when it was set aside, and the signatures are verified again. What is
    still not understood, or not meant for this node after all, stays where it is, and so does what has no bytes here.
    """
    taken = 0
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        waiting = {peer.node_id: set_aside(session, peer.node_id, reasons=READ_AGAIN) for peer in peers}
    for peer in peers:
        keys = peer_keys(peer)
        for row in waiting[peer.node_id]:
            taken += _take(node, keys, peer, row)
    return taken


def _take(node: Node, keys: KeyHistory, peer: PeerRow, row: QuarantineRow) -> bool:
    envelope = node.evidence.read(peer.node_id, row.position, row.sha256)
    if envelope is None:
        return False
    try:
        verified = verify_statement(envelope, issuer=peer.node_id, key=keys.statement_key(row.log_index))
        item = Received(row.position, verified.statement_id, verified.statement, verified.envelope, row.log_index)
        with node.store.write() as session:
            current = find_peer(session, peer.node_id)
            if current is None:
                return False
            if receive_page(session, node, current, [item]):
                return False  # not for this node after all
            drop_quarantined(session, peer.node_id, row.position)
            current.alarm = standing_alarm(session, peer.node_id)
    except StatementInvalid:
        return False  # it stays set aside, with its reason
    node.evidence.erase(peer.node_id, row.position)
    return True
