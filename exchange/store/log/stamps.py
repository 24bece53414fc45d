"""Time stamps of the own log's heads, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.log.timestamp import TimeStamp
from exchange.store.tables.log import CheckpointRow, StampFailureRow, StampRow


def find_stamp(session: Session, size: int) -> StampRow | None:
    return session.get(StampRow, size)


_LATEST = select(StampRow).order_by(StampRow.size.desc()).limit(1)


def latest_stamp(session: Session) -> StampRow | None:
    """That of the largest head."""
    return session.scalars(_LATEST).first()


def next_stamped_size(session: Session, size: int) -> int | None:
    """The smallest stamped head that covers what a head of this size covers."""
    return session.scalar(select(StampRow.size).where(StampRow.size >= size).order_by(StampRow.size).limit(1))


def stamped_heads(session: Session) -> Iterator[tuple[CheckpointRow, StampRow]]:
    """Each stamp with the head that it is of; a few at a time."""
    query = select(CheckpointRow, StampRow).join(StampRow, StampRow.size == CheckpointRow.size)
    rows = session.execute(query.order_by(StampRow.size).execution_options(yield_per=256))
    yield from ((head, found) for head, found in rows)


def add_stamp(session: Session, size: int, found: TimeStamp) -> None:
    """Keep a stamp; the first of a head stays. What went wrong before is over. Needs a write transaction."""
    session.execute(delete(StampFailureRow))
    if session.get(StampRow, size) is None:
        session.add(
            StampRow(size=size, token=found.reply, at=stamp(found.at), authority=found.authority, received_at=stamp())
        )


def stamp_failure(session: Session) -> StampFailureRow | None:
    return session.get(StampFailureRow, 1)


def keep_stamp_failure(session: Session, detail: str) -> None:
    """What went wrong last; since when, the first of a row says. Needs a write transaction."""
    before, now = stamp_failure(session), stamp()
    session.merge(StampFailureRow(id=1, since=before.since if before else now, last=now, detail=detail))
