"""Sign the head of the node's own log when it grew."""

from __future__ import annotations

import time

from exchange.flows.node import Node
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.store.statements import add_checkpoint, latest_checkpoint, log_size, node_reader


def sign_head(node: Node) -> bool:
    """Returns whether a new head was signed. Signing happens outside the transaction; heads only ever grow.

    Called by the one sequencer of a node: two would still sign the same heads, since a size has one root.
    """
    with node.store.read() as session:
        size, latest = log_size(session), latest_checkpoint(session)
        if latest is not None and latest.size >= size:
            return False
        root = merkle.root(size, node_reader(session))
    head = Checkpoint(node.settings.log_origin, size, root)
    note = sign_checkpoint(head, node.keys.log.ed25519, node.keys.log.ml_dsa, int(time.time()))
    with node.store.write() as session:
        latest = latest_checkpoint(session)
        if latest is not None and latest.size >= size:
            return False
        add_checkpoint(session, size, root, note)
    return True
