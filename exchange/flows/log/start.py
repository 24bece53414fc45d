"""After a start: append, but sign no head before peers have returned the last heads of this log that they cosigned.

Whoever restores an old backup and signs on forks the log without knowing it. The peers know how far it was, and so does
the file ``last-head`` beside the database. Where that file names a head which the database does not have, or cannot be
read, nothing is signed before the database has that head again, or the operator decides (`accept_database`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput
from exchange.flows.node.last_head import (
    UnreadableHead,
    is_restored,
    last_head_fault,
    remembered_head,
    state_no_head,
)
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.log.checkpoint import Checkpoint
from exchange.store.log.statement_rows import latest_checkpoint, log_size
from exchange.store.operate.at_rest import count_nodes, nodes_of
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import LogStartRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import LogStartState, disagreements, forget_returned, log_start, set_log_start
from exchange.store.witness.rebuild_rows import ask_witnesses_again, keep_returned, lost_leaves, rebuild_sources
from exchange.trust.witness_choice import majority

MAX_RANGES = 50
"""More are not read by anybody; `lost` has them all."""


def begin_log_start(node: Node) -> None:
    """Before anything is signed: whether this node must wait for its peers, and for how many of them.

    A node that never signed a head, or has no peer, waits for nobody. A node that found itself in conflict stays so:
    that its operator starts it again mends nothing. One that was being rebuilt goes on with that.
    """
    remembered = remembered_head(node.settings)
    with node.store.write() as session:
        latest, before = latest_checkpoint(session), log_start(session)
        forget_returned(session)
        match before.state if before is not None else LogStartState.FREE:
            case LogStartState.CONFLICT | LogStartState.BEHIND:
                return
            case LogStartState.RECOVERING:
                ask_witnesses_again(session)
                return
            case _:
                pass
        signed_before = latest is not None or remembered is not None
        state = LogStartState.WAITING if signed_before and _awaited(node, session) else LogStartState.FREE
        restored = is_restored(latest, remembered)
        set_log_start(session, state, restored=restored)
        session.flush()
        session.get_one(LogStartRow, 1).sets_aside |= restored


def was_set_back(node: Node, session: Session) -> bool:
    """Whether the database was put back to an earlier state while this node ran: a server of PostgreSQL can be restored
    without it. Looked at before each signature, as at a start; not before the first one after a restore."""
    start = log_start(session)
    if start is None or start.state != LogStartState.FREE or start.restored:
        return False
    return is_restored(latest_checkpoint(session), remembered_head(node.settings))


def may_sign(node: Node, session: Session) -> bool:
    """Whether heads may be signed, the own log's or, as a witness, another's."""
    if last_head_fault(node.settings, session) is not None:
        return False
    start = log_start(session)
    if start is None or start.state == LogStartState.FREE:
        return True
    return start.state == LogStartState.WAITING and enough_returned(node, session, start)


def is_unsettled(node: Node) -> bool:
    """Whether this log contradicts what a peer holds; or was restored, and has not met enough peers since."""
    with node.store.read() as session:
        start, latest = log_start(session), latest_checkpoint(session)
    if start is not None and start.state == LogStartState.CONFLICT:
        return True
    settled = start is not None and start.restored and start.state == LogStartState.FREE
    return is_restored(latest, remembered_head(node.settings)) and not settled


def settle_log_start(node: Node, session: Session) -> None:
    """Once enough peers have returned their heads the start is over. Needs a write transaction."""
    start = log_start(session)
    if start is not None and start.state == LogStartState.WAITING and may_sign(node, session):
        start.state = LogStartState.FREE


def note_signed(session: Session) -> None:
    """A head was signed: the database is again the one that signed last. Needs a write transaction."""
    start = log_start(session)
    if start is not None:
        start.restored = False


def accept_database(node: Node, size: int) -> Path | None:
    """Continue the log from the last head in the database, although ``last-head`` names a later head or cannot be read.

    ``size`` is the size of the last head in the database; the operator enters it as a confirmation. Statements that the
    node signed after that head are lost. A peer that has them will report a forked log. Enrolled peers are asked for
    their last heads first, as after a restore.

    Return the new path of the file ``last-head``, which is kept as evidence; None if there was no file. Raises
    InvalidInput, Conflict.
    """
    with node.store.read() as session:
        fault, signed = last_head_fault(node.settings, session), _signed_size(session)
    if fault is None:
        raise Conflict("The file last-head and the database agree: there is nothing to decide.", code="heads-agree")
    if size != signed:
        raise InvalidInput(f"The last head in the database has size {signed}, not {size}. Nothing was changed.")
    file, aside = node.settings.last_head, None
    if os.path.lexists(file):
        aside = file.rename(file.with_name(f"last-head.{stamp().replace(':', '')}"))
    state_no_head(file)
    begin_log_start(node)
    return aside


def sets_aside(node: Node, session: Session) -> bool:
    """Return whether a file that no row names is set aside rather than erased: its row may be one that this database
    lost when it was set back or restored."""
    start = log_start(session)
    if start is not None and start.sets_aside:
        return True
    return is_restored(latest_checkpoint(session), remembered_head(node.settings))


def note_set_aside(session: Session) -> None:
    """What no row names was set aside. Needs a write transaction."""
    start = log_start(session)
    if start is not None:
        start.sets_aside = False


def enough_returned(node: Node, session: Session, start: LogStartRow) -> bool:
    awaited = _awaited(node, session)
    return len(_returned(awaited)) >= _needed(awaited, start)


def fall_behind(session: Session, peer: str, head: Checkpoint, note: bytes) -> None:
    """A peer holds a head that this node signed and that its database does not reach: it was set back. Nothing is
    signed before the log is that of the head again (`rebuild`). Needs a write transaction."""
    keep_returned(session, peer, head.size, head.root, note)
    detail = (
        f"{peer} holds a head of this node's log that this node signed, size {head.size}, root "
        f"{head.root.hex()[:16]}..., but the database here signed none beyond size {_signed_size(session)}. It was "
        "restored from an older backup."
    )
    set_log_start(session, LogStartState.BEHIND, restored=True, detail=detail)


def loss_alarms(session: Session) -> list[str]:
    """What of the own log is lost, in words, with the next step."""
    return [*_losses(session), *_torn(session)]


def signing_alarms(node: Node, session: Session) -> list[str]:
    """What keeps this node from signing; empty while it signs."""
    start = log_start(session)
    fault = last_head_fault(node.settings, session)
    blocked = [] if fault is None else [fault.in_words]
    is_unreadable = isinstance(remembered_head(node.settings), UnreadableHead)  # then no peer's answer ends the wait
    if start is not None and not is_unreadable and _is_blocked(node, session, start):
        blocked.append(f"{start.began_at} {_why(node, session, start)}")
    return blocked


def _is_blocked(node: Node, session: Session, start: LogStartRow) -> bool:
    match LogStartState(start.state):
        case LogStartState.FREE:
            return False
        case LogStartState.WAITING:
            return not enough_returned(node, session, start)
        case LogStartState.CONFLICT | LogStartState.BEHIND | LogStartState.RECOVERING:
            return True


def _torn(session: Session) -> list[str]:
    lost = nodes_of(log_size(session)) - count_nodes(session)
    if lost <= 0:
        return []
    return [
        f"The database has lost {lost} hashes of the tree of this node's log. They are made again by themselves within "
        "a minute, or at once by `ffp log mend`; `ffp log check` names them. Look after the disk."
    ]


def _why(node: Node, session: Session, start: LogStartRow) -> str:
    silent = "This node signs no head of its log, and no new record leaves it."
    match LogStartState(start.state):
        case LogStartState.CONFLICT:
            kept = len(disagreements(session, node.node_id))
            return f"{start.detail} Kept as evidence, shown by `ffp log evidence`: {kept}."
        case LogStartState.BEHIND:
            return (
                f"{silent} {start.detail} It fetches the hashes of its log back by itself. "
                f"{_progress(node, session, start)} If this lasts, no peer that is reached has them: see `ffp peer "
                "list`. A newer backup, one that holds that head, mends it too."
            )
        case LogStartState.RECOVERING:
            waiting = ", ".join(row.peer for row in rebuild_sources(session) if not row.tried)
            return (
                f"{silent} {start.detail} The hashes of its log are back; its statements are fetched from its peers: "
                f"{waiting or 'all were asked'}."
            )
        case LogStartState.WAITING | LogStartState.FREE:
            why = (
                "The database is not the one that last signed here: it was restored from a backup, or came without the "
                "file last-head."
                if start.restored
                else "It was started."
            )
            return (
                f"{silent} {why} {_progress(node, session, start)} It asks them again by itself. If this "
                "lasts, see with `ffp peer list` why it does not reach them, or telephone them."
            )


def _progress(node: Node, session: Session, start: LogStartRow) -> str:
    awaited = _awaited(node, session)
    missing = ", ".join(peer.node_id for peer in awaited if peer.returned_at is None)
    whose = "peers" if awaited == _enrolled(session) else "witnesses"
    return (
        f"It needs the last head of its log that they cosigned from {_needed(awaited, start)} of its "
        f"{len(awaited)} {whose}. Returned by: {len(_returned(awaited))}. No answer yet from: {missing or 'none'}."
    )


def _losses(session: Session) -> list[str]:
    lost = lost_leaves(session)
    if not lost:
        return []
    asked = ", ".join(row.peer for row in rebuild_sources(session))
    rest = f"Not asked to the end yet: {asked}." if asked else "No peer holds them."
    return [
        f"{lost[0].found_at} Lost since this node was restored: {len(lost)} of the statements of its log, at the log "
        f"indices {_ranges([row.log_index for row in lost])}. {rest} Their hashes stay in the log. Find out from the "
        "laboratory's own files which they were, and submit them again."
    ]


def _ranges(indices: list[int]) -> str:
    """4-6, 9; bounded, since an alarm is read by a person."""
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:MAX_RANGES]]
    return ", ".join(shown) + (f" and {len(found) - MAX_RANGES} more ranges" if len(found) > MAX_RANGES else "")


def _signed_size(session: Session) -> int:
    latest = latest_checkpoint(session)
    return latest.size if latest else 0


def _enrolled(session: Session) -> list[PeerRow]:
    return [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]


def _awaited(node: Node, session: Session) -> list[PeerRow]:
    """Of whom a start waits for some: the enrolled ones among the log's witnesses. Where these are no majority of the
    chosen, all peers, who return at least the head that they were shown."""
    enrolled = _enrolled(session)
    chosen = installed_witnesses(node.settings).of(node.node_id)
    if chosen is None:
        return enrolled
    witnesses = [peer for peer in enrolled if peer.node_id in chosen]
    return witnesses if len(witnesses) >= majority(chosen) else enrolled


def _returned(awaited: Sequence[PeerRow]) -> list[PeerRow]:
    return [peer for peer in awaited if peer.returned_at is not None]


def _needed(awaited: Sequence[PeerRow], start: LogStartRow) -> int:
    return min(len(awaited), len(awaited) // 2 + 1 if start.restored else 1)
