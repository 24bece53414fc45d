"""Make again what the database lost of the own log's tree: each hash follows from those below it, a leaf from its
statement. Nothing is stored that does not lead to the last head that this node signed."""

from __future__ import annotations

from itertools import islice

import structlog
from sqlalchemy.orm import Session

from exchange.errors import StoreUnavailable
from exchange.flows.node.node import Node
from exchange.log import merkle
from exchange.store.log.statement_rows import key_events, latest_checkpoint, log_size, node_reader
from exchange.store.operate.at_rest import (
    A_TIME,
    count_nodes,
    last_leaf,
    lost_nodes,
    nodes_of,
    put_log_state,
    put_nodes,
)
from exchange.store.tables.log import LogStateRow
from exchange.store.witness.rebuild_rows import PARKED

log = structlog.get_logger(__name__)


def mend_log(node: Node) -> int:
    """Store the lost hashes of the tree, and the lost row that says how long the log is. Returns how many rows.

    A few at a time, each part in a transaction of its own: a node may serve meanwhile. Raises StoreUnavailable where
    the leaves that are left do not lead to the last signed head, or where a leaf is lost with its statement.
    """
    mended = _mend_state(node)
    with node.store.read() as session:
        if not is_torn(session):
            return mended
    while True:
        with node.store.read() as session:
            size, read = log_size(session), node_reader(session)
            part = [(level, at, read(level, at)) for level, at in islice(lost_nodes(session, size), A_TIME)]
            check_leads_to_signed(session, size)
        if not part:
            return mended
        with node.store.write() as session:
            put_nodes(session, part)
        mended += len(part)
        log.warning("lost hashes of the own log were made again", count=len(part))


def is_torn(session: Session) -> bool:
    """Whether hashes of the own log's tree are lost."""
    return count_nodes(session) < nodes_of(log_size(session))


def check_readable(node: Node) -> None:
    """Whether the own log has a root: what nobody can be answered, and nothing be signed, without. Raises
    StoreUnavailable."""
    with node.store.read() as session:
        merkle.root(log_size(session), node_reader(session))


def _mend_state(node: Node) -> int:
    with node.store.read() as session:
        if session.get(LogStateRow, 1) is not None:
            return 0
        size = last_leaf(session, node.node_id, PARKED) + 1
        since = max((row.log_index for row in key_events(session, node.node_id)), default=0)
        check_leads_to_signed(session, size)
    with node.store.write() as session:
        put_log_state(session, size, since)
    log.warning("the lost row of the own log's size was made again", size=size)
    return 1


def check_leads_to_signed(session: Session, size: int) -> None:
    """Whether the tree goes on from the last head that this node signed. Else the next one would fork the log. Raises
    StoreUnavailable."""
    head = latest_checkpoint(session)
    if head is not None and (head.size > size or merkle.root(head.size, node_reader(session)) != head.root):
        raise StoreUnavailable(
            f"The tree of this node's log does not lead to the head of size {head.size} that was signed: something of "
            "it was altered or lost. Nothing is signed, and nothing was made again. See what it is with: ffp log "
            "check; then restore a backup."
        )
