"""Sign the head of the node's own log when it grew, and show it with what its witnesses added."""

from __future__ import annotations

import time

from exchange.errors import NotFound, StoreUnavailable
from exchange.flows.log_start import may_sign, remember_head, settle_log_start
from exchange.flows.node import Node
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import MAX_WITNESSES, with_lines
from exchange.store.statements import add_checkpoint, latest_checkpoint, log_size, node_reader
from exchange.store.witness import cosignatures


def sign_head(node: Node) -> bool:
    """Returns whether a new head was signed. Signing happens outside the transaction; heads only ever grow.

    Nothing is signed while the node waits for its peers after a start, or contradicts what they hold (`log_start`).
    Called by the one sequencer of a node: two would still sign the same heads, since a size has one root.
    """
    with node.store.read() as session:
        size, latest = log_size(session), latest_checkpoint(session)
        if not may_sign(session) or (latest is not None and latest.size >= size):
            return False
        root = merkle.root(size, node_reader(session))
    head = Checkpoint(node.settings.log_origin, size, root)
    signed = sign_checkpoint(head, node.keys.log.ed25519, node.keys.log.ml_dsa, int(time.time()))
    with node.store.write() as session:
        latest = latest_checkpoint(session)
        if not may_sign(session) or (latest is not None and latest.size >= size):
            return False
        settle_log_start(session)
        add_checkpoint(session, size, root, signed)
    try:
        remember_head(node, head)
    except OSError as error:
        raise StoreUnavailable(
            f"The head was signed and stored, but {node.settings.last_head} could not be written: {error.strerror}."
        ) from error
    return True


def witnessed_head(node: Node) -> bytes:
    """The last signed head, with the cosignatures that came for it. Raises NotFound while there is none."""
    with node.store.read() as session:
        latest = latest_checkpoint(session)
        if latest is None:
            raise NotFound("No head of the log has been signed yet; ask again in a second.")
        held = cosignatures(session, latest.size, limit=MAX_WITNESSES)
    lines = tuple(line for row in held for line in note.parse_note(row.note).signatures)
    return with_lines(latest.note, lines)
