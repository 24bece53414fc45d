"""The signed request of a peer: whose key signed it, and that it is answered once."""

from __future__ import annotations

import time
from typing import TypeAlias

from exchange.flows.node.node import Node
from exchange.store.sync import peers as store
from exchange.store.tables.peers import PeerRow, PeerState

KnownPeer: TypeAlias = PeerRow
"""A peer as its row stood when its request came."""


def peer_with_key(node: Node, key_id: str, *, expelled_too: bool = False) -> KnownPeer | None:
    """The enrolled peer with this transport key; ``expelled_too``: also one that was expelled."""
    answered = (PeerState.ENROLLED, PeerState.EXPELLED) if expelled_too else (PeerState.ENROLLED,)
    with node.store.read() as session:
        peer = store.peer_by_key(session, key_id)
    return peer if peer is not None and peer.state in answered else None


def check_nonce(node: Node, key_id: str, nonce: str) -> None:
    """Raises RequestReplayed for a request that was answered; that it was not is certain only once it is
    remembered."""
    with node.store.read() as session:
        store.check_nonce(session, key_id, nonce)


def remember_nonce(node: Node, key_id: str, nonce: str, until: int) -> None:
    """Remember a request until it expires. Raises RequestReplayed where it was remembered before."""
    with node.store.write() as session:
        store.remember_nonce(session, key_id, nonce, until, int(time.time()))
