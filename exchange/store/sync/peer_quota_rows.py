"""What each peer took on which day, and what it may take, inside the caller's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.clock import today
from exchange.store.sync.peers import counted_of, is_told
from exchange.store.tables.peer_tables import PeerDayRow, PeerQuotaRow, QuarantineCountRow, QuarantineRow

REMEMBERED_DAYS: Final = 60
"""Longer than anything is kept for. Whoever used up its share that long ago has it back since."""


def days_of(session: Session, peer: str) -> list[PeerDayRow]:
    """What the peer took on each day that is remembered, the oldest first."""
    return list(session.scalars(select(PeerDayRow).where(PeerDayRow.peer == peer).order_by(PeerDayRow.day)))


def count_in(session: Session, peer: str, *, statements: int, size: int) -> None:
    """Count what was taken of a peer today. Needs a write transaction."""
    day = today()
    row = session.get(PeerDayRow, (peer, day.isoformat()))
    if row is None:
        row = PeerDayRow(peer=peer, day=day.isoformat(), statements=0, bytes=0)
        session.add(row)
        forgotten = PeerDayRow.day < (day - timedelta(days=REMEMBERED_DAYS)).isoformat()
        session.execute(delete(PeerDayRow).where(PeerDayRow.peer == peer, forgotten))
    row.statements += statements
    row.bytes += size


def quota_of(session: Session, peer: str) -> PeerQuotaRow | None:
    """None for a peer for which nothing was set and that was never stopped."""
    return session.get(PeerQuotaRow, peer)


def changed_quota(session: Session, peer: str) -> PeerQuotaRow:
    """The row to be changed. Needs a write transaction."""
    row = session.get(PeerQuotaRow, peer)
    if row is None:
        row = PeerQuotaRow(peer=peer)
        session.add(row)
    return row


def quarantine_unnoted(session: Session, peer: str) -> tuple[int, int]:
    """How many items of the peer's are set aside without the operator having taken note, and how many bytes. Not those
    of which the peer may notice nothing: its lane would stand still for them."""
    kept = select(func.count(), func.coalesce(func.sum(QuarantineRow.size), 0))
    found = session.execute(kept.where(QuarantineRow.peer == peer, QuarantineRow.seen_at.is_(None), is_told())).one()
    counted = sum(row.unnoted for row in counted_of(session, peer, is_told(QuarantineCountRow)))
    return found[0] + counted, int(found[1])
