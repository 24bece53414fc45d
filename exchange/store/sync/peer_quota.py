"""What each peer took on which day, and what it may take, inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.store.sync.peers import counted_of, is_told
from exchange.store.tables.peers import PeerDayRow, PeerQuotaRow, QuarantineCountRow, QuarantineRow


def days_of(session: Session, peer: str) -> list[PeerDayRow]:
    """What the peer took on each day that is remembered, the oldest first."""
    return list(session.scalars(select(PeerDayRow).where(PeerDayRow.peer == peer).order_by(PeerDayRow.day)))


def count_in(session: Session, peer: str, day: str, *, statements: int, size: int, forget_before: str) -> None:
    """Needs a write transaction; what was taken before ``forget_before`` is forgotten."""
    row = session.get(PeerDayRow, (peer, day))
    if row is None:
        row = PeerDayRow(peer=peer, day=day, statements=0, bytes=0)
        session.add(row)
        session.execute(delete(PeerDayRow).where(PeerDayRow.peer == peer, PeerDayRow.day < forget_before))
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
