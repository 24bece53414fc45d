"""An enrolled peer as the flows meet it: where it is reached, and the alarm that its operator's neighbour sees."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.clock import stamp
from exchange.errors import StatementInvalid
from exchange.flows.node.node import Node
from exchange.net.client import PeerAddress
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.trust.card import fingerprint
from exchange.trust.key_history import KeyHistory, pinned_history
from schemas import ContractError, KeyEvent
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
    why = "It was not this node that wrote its row in the database: its card, its keys, its state or its legal basis."
    try:
        peer_keys(peer)
    except ContractError:
        pass  # no envelopes at all: this node never wrote that
    except StatementInvalid as error:
        why = f"Its stored card or key-events break the contract: {error}"
    return (
        f"{why} It is asked nothing and answered nothing. Find out who changed the database and restore a backup; or "
        f"end the exchange with it: ffp peer revoke {peer.node_id}"
    )


def altered_peers(peers: Iterable[PeerRow]) -> list[tuple[str, str]]:
    """Each peer of which that is so, with the words for it."""
    return [(peer.node_id, said) for peer in peers if (said := altered_in_words(peer))]


def peer_card(peer: PeerRow) -> KeyEvent:
    """The pinned card of an enrolled peer."""
    return peer_keys(peer).card


def peer_keys(peer: PeerRow) -> KeyHistory:
    """The keys of an enrolled peer, as far as its key-events are known here."""
    return pinned_history(peer.card, peer.key_chain)
