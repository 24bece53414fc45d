"""An enrolled peer as the flows meet it: where it is reached, and the alarm that its operator's neighbour sees."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.enrol import peer_card, peer_keys
from exchange.flows.node import Node
from exchange.net.client import PeerAddress
from exchange.store.peers import PeerState, all_peers, find_peer
from exchange.store.tables import PeerRow
from exchange.trust.card import fingerprint
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


def fingerprint_of(peer: PeerRow) -> str:
    """Of the identity that two people compared; of a row that somebody else wrote there is none to be shown."""
    return "" if peer.state == PeerState.ALTERED else fingerprint(peer_card(peer).identity)


def altered_in_words(peer: PeerRow) -> str | None:
    """What the operator must know of a peer whose row somebody else changed; else None."""
    if peer.state != PeerState.ALTERED:
        return None
    return (
        "It was not this node that wrote its row in the database: its card, its keys, its state or its legal basis. It "
        "is asked nothing and answered nothing. Find out who changed the database and restore a backup; or end the "
        f"exchange with it: ffp peer revoke {peer.node_id}"
    )


def altered_peers(session: Session) -> list[tuple[str, str]]:
    """Each peer of which that is so, with the words for it."""
    return [(peer.node_id, said) for peer in all_peers(session) if (said := altered_in_words(peer))]
