"""An enrolled peer as the flows meet it: where it is reached, and the alarm that its operator's neighbour sees."""

from __future__ import annotations

from exchange.clock import stamp
from exchange.flows.enrol import peer_keys
from exchange.flows.node import Node
from exchange.net.client import PeerAddress
from exchange.store.peers import find_peer
from exchange.store.tables import PeerRow
from schemas.errors import shown


def address_of(peer: PeerRow) -> PeerAddress:
    """Where an enrolled peer is reached, and whose answers are believed."""
    return PeerAddress(peer.node_id, peer.url, peer_keys(peer).in_force.transport)


def note_alarm(node: Node, node_id: str, message: str) -> None:
    """Show the operator why a peer's lane stands still."""
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is not None:
            peer.alarm = f"{stamp()} {shown(message, 900)}"
