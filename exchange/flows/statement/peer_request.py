"""The signed request of a peer: whose key signed it, and that it is answered once."""

from __future__ import annotations

import time
from typing import TypeAlias

from exchange.flows.node.node import Node
from exchange.flows.statement.peer import peer_keys
from exchange.net.message_signatures import VerifiedRequest
from exchange.store.sync import nonces
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.trust.keys import requester_id

KnownPeer: TypeAlias = PeerRow
"""A peer as its row stood when its request came."""


def requesting_peer(node: Node, keyid: str, *, expelled_too: bool = False) -> KnownPeer | None:
    """Return the enrolled peer that signs with this ``keyid`` today; ``expelled_too``: also one that was expelled.

    Node id and key count together (``requester_id``): a key that two nodes name is looked up for neither of them by the
    key alone."""
    answered = (PeerState.ENROLLED, PeerState.EXPELLED) if expelled_too else (PeerState.ENROLLED,)
    with node.store.read() as session:
        peer = find_peer(session, keyid.partition(":")[0])
    if peer is None or peer.state not in answered:
        return None
    return peer if requester_id(peer.node_id, peer_keys(peer).in_force.transport) == keyid else None


def check_nonce(node: Node, request: VerifiedRequest) -> None:
    """Raises RequestReplayed for a request that was answered; that it was not is certain only once it is
    remembered."""
    with node.store.read() as session:
        nonces.check_nonce(session, request.key_id, request.nonce, expires=request.expires)


def remember_nonce(node: Node, request: VerifiedRequest) -> None:
    """Remember a request as long as its signature may be used. Raises RequestReplayed where it was remembered
    before."""
    with node.store.write() as session:
        nonces.remember_nonce(
            session,
            request.key_id,
            request.nonce,
            expires=request.expires,
            now=int(time.time()),
            skew_s=int(node.settings.request_skew_s),
        )
