"""After a start: append, but sign no head before peers have returned the last heads of this log that they cosigned.

Whoever restores an old backup and signs on forks the log without knowing it. The peers know how far it was.
"""

from __future__ import annotations

import os

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid
from exchange.flows.node import Node
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.peers import PeerState, all_peers
from exchange.store.statements import latest_checkpoint
from exchange.store.tables import CheckpointRow, LogStartRow, PeerRow
from exchange.store.witness import LogStartState, disagreements, forget_returned, log_start, set_log_start


def begin_log_start(node: Node) -> None:
    """Before anything is signed: whether this node must wait for its peers, and for how many of them.

    A node that never signed a head, or has no peer, waits for nobody. A node that found itself in conflict stays so:
    that its operator starts it again mends nothing.
    """
    remembered = _remembered(node)
    with node.store.write() as session:
        latest, before = latest_checkpoint(session), log_start(session)
        forget_returned(session)
        if before is not None and before.state == LogStartState.CONFLICT:
            return
        signed_before = latest is not None or remembered is not None
        state = LogStartState.WAITING if signed_before and _enrolled(session) else LogStartState.FREE
        set_log_start(session, state, restored=_is_restored(latest, remembered))


def may_sign(session: Session) -> bool:
    """Whether heads may be signed, the own log's or, as a witness, another's."""
    start = log_start(session)
    if start is None or start.state == LogStartState.FREE:
        return True
    return start.state == LogStartState.WAITING and len(_returned(session)) >= _needed(session, start)


def settle_log_start(session: Session) -> None:
    """Once enough peers have returned their heads the start is over. Needs a write transaction."""
    start = log_start(session)
    if start is not None and start.state == LogStartState.WAITING and may_sign(session):
        start.state = LogStartState.FREE


def log_alarms(session: Session, node_id: str) -> list[str]:
    """What keeps this node from signing its log, in words, with the next step; empty when nothing does."""
    start = log_start(session)
    if start is None or may_sign(session):
        return []
    if start.state == LogStartState.CONFLICT:
        kept = len(disagreements(session, node_id))
        return [f"{start.began_at} {start.detail} Kept as evidence, shown by `ffp log evidence`: {kept}."]
    missing = ", ".join(peer.node_id for peer in _enrolled(session) if peer.returned_at is None)
    why = (
        "The database is not the one that last signed here: it was restored from a backup, or came without the file "
        "last-head."
        if start.restored
        else "It was started."
    )
    return [
        f"{start.began_at} This node signs no head of its log, and no new record leaves it. {why} It waits until "
        f"{_needed(session, start)} of its peers have returned the last head of its log that they cosigned; "
        f"{len(_returned(session))} did. It asks again by itself. If this lasts, see with `ffp peer list` why it does "
        f"not reach them, or telephone them: {missing}."
    ]


def remember_head(node: Node, head: Checkpoint) -> None:
    """Write the signed head down beside the database. Raises OSError when the disk does not take it."""
    path = node.settings.last_head
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(head.text)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave an empty file, which looks like a restore
    part.replace(path)


def _remembered(node: Node) -> Checkpoint | None:
    """The last head that was signed in this home. None when nothing tells of one: absent and unreadable are the same
    here, since either way the database may be older than what was signed."""
    try:
        return parse_text(node.settings.last_head.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CheckpointInvalid):
        return None


def _is_restored(latest: CheckpointRow | None, remembered: Checkpoint | None) -> bool:
    if latest is None or remembered is None:
        return (latest is None) != (remembered is None)
    return remembered.size > latest.size or (remembered.size == latest.size and remembered.root != latest.root)


def _enrolled(session: Session) -> list[PeerRow]:
    return [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]


def _returned(session: Session) -> list[PeerRow]:
    return [peer for peer in _enrolled(session) if peer.returned_at is not None]


def _needed(session: Session, start: LogStartRow) -> int:
    peers = len(_enrolled(session))
    return min(peers, peers // 2 + 1 if start.restored else 1)
