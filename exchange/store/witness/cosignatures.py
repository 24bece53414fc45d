"""What witnesses leave behind, inside the caller's transaction: cosignatures, heads that were told of, disagreements,
and whether the own log may be signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.tables.log import CheckpointRow, CosignatureRow, DisagreementRow, LogStartRow, ToldHeadRow
from exchange.store.tables.peer_tables import PeerRow

MAX_DISAGREEMENTS = 16
"""Of one log and one kind: two heads prove a fork, and who forks could sign any number of them. Counted apart, so that
heads without a proof leave room for those that prove."""


class LogStartState(StrEnum):
    FREE = "free"
    WAITING = "waiting"
    BEHIND = "behind"
    """A peer returned a head that this log signed and does not reach: its hashes must come back first."""
    RECOVERING = "recovering"
    """The hashes are back; peers are asked for the statements."""
    CONFLICT = "conflict"


_LOG_START = select(LogStartRow).where(LogStartRow.id == 1)  # session.get builds its statement anew


def log_start(session: Session) -> LogStartRow | None:
    """Whether the own log may be signed; None when the node was never started with a peer."""
    return session.scalars(_LOG_START).first()


def set_log_start(session: Session, state: LogStartState, *, restored: bool, detail: str | None = None) -> None:
    session.merge(LogStartRow(id=1, state=state, restored=restored, began_at=stamp(), detail=detail))


def forget_returned(session: Session) -> None:
    """At a start nobody has returned anything yet. Needs a write transaction."""
    session.execute(update(PeerRow).values(returned_at=None))


def add_cosignature(session: Session, size: int, peer: str, note: bytes, timestamp: int) -> None:
    """Keep a cosignature with its head; the first that came stays. Needs a write transaction."""
    if session.get(CosignatureRow, (size, peer)) is None:
        session.add(CosignatureRow(size=size, peer=peer, note=note, timestamp=timestamp, received_at=stamp()))


def cosignatures(session: Session, size: int, *, limit: int) -> Sequence[CosignatureRow]:
    """Those of one head, in the order in which they came."""
    query = select(CosignatureRow).where(CosignatureRow.size == size)
    return session.scalars(query.order_by(CosignatureRow.received_at, CosignatureRow.peer).limit(limit)).all()


def cosigned_size(session: Session, peer: str) -> int | None:
    """The size of the largest own head of which this peer's cosignature is held; None when there is none."""
    return session.scalar(select(func.max(CosignatureRow.size)).where(CosignatureRow.peer == peer))


def last_cosigned_at(session: Session, peer: str) -> str | None:
    """When this peer's last cosignature of an own head came."""
    return session.scalar(select(func.max(CosignatureRow.received_at)).where(CosignatureRow.peer == peer))


def cosignature_of(session: Session, size: int, peer: str) -> CosignatureRow | None:
    return session.get(CosignatureRow, (size, peer))


_WITNESSES = (
    select(CosignatureRow.peer, func.max(CosignatureRow.size))
    .group_by(CosignatureRow.peer)
    .order_by(CosignatureRow.peer)
)


def witnesses(session: Session) -> dict[str, int]:
    """For each peer that cosigned the own log, the largest size at which it did."""
    return {row[0]: row[1] for row in session.execute(_WITNESSES)}


def own_checkpoint(session: Session, size: int) -> CheckpointRow | None:
    return session.get(CheckpointRow, size)


def told_head(session: Session, teller: str, log: str) -> ToldHeadRow | None:
    return session.get(ToldHeadRow, (teller, log))


def told_heads(session: Session, log: str, *, unchecked: bool = False) -> Sequence[ToldHeadRow]:
    """What all peers last told of this log, largest first."""
    query = select(ToldHeadRow).where(ToldHeadRow.log == log).order_by(ToldHeadRow.size.desc(), ToldHeadRow.teller)
    if unchecked:
        query = query.where(ToldHeadRow.checked.is_(False))
    return session.scalars(query).all()


def told_by(session: Session, teller: str) -> Sequence[ToldHeadRow]:
    """The last head of each log that this peer cosigned and told of."""
    return session.scalars(select(ToldHeadRow).where(ToldHeadRow.teller == teller).order_by(ToldHeadRow.log)).all()


def keep_told(session: Session, row: ToldHeadRow) -> None:
    session.merge(row)


def mark_checked(session: Session, log: str, size: int, root: bytes) -> None:
    """This head is consistent with the one seen here, whoever told of it. Needs a write transaction."""
    for row in session.scalars(
        select(ToldHeadRow).where(ToldHeadRow.log == log, ToldHeadRow.size == size, ToldHeadRow.root == root)
    ):
        row.checked = True


def keep_disagreement(
    session: Session, log: str, first: bytes, second: bytes, *, texts: tuple[str, str], proven: bool, detail: str
) -> None:
    """Keep two signed heads that do not agree, once. Needs a write transaction."""
    digest = hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
    alike = (
        select(func.count())
        .select_from(DisagreementRow)
        .where(DisagreementRow.log == log, DisagreementRow.proven.is_(proven))
    )
    held = session.scalar(alike) or 0
    if held >= MAX_DISAGREEMENTS or session.get(DisagreementRow, digest) is not None:
        return
    session.add(
        DisagreementRow(
            digest=digest,
            log=log,
            first=first,
            second=second,
            proven=proven,
            detail=detail[:1000],
            found_at=stamp(),
        )
    )
    session.flush()


def disagreements(session: Session, log: str) -> Sequence[DisagreementRow]:
    """The evidence against a log, proven forks first, then the oldest first."""
    query = select(DisagreementRow).where(DisagreementRow.log == log)
    return session.scalars(query.order_by(DisagreementRow.proven.desc(), DisagreementRow.found_at)).all()


def disputed_logs(session: Session) -> Sequence[str]:
    """Those against which there is evidence."""
    return session.scalars(select(DisagreementRow.log).distinct()).all()


def all_disagreements(session: Session) -> Sequence[DisagreementRow]:
    """The evidence against all logs, the node's own included, the oldest first."""
    return session.scalars(select(DisagreementRow).order_by(DisagreementRow.found_at)).all()


def drop_unproven(session: Session, log: str, note: bytes) -> None:
    """The proof came after all: what rested on its absence is evidence no more. Needs a write transaction."""
    for row in session.scalars(
        select(DisagreementRow).where(DisagreementRow.log == log, DisagreementRow.proven.is_(False))
    ):
        if note in (row.first, row.second):
            session.delete(row)
