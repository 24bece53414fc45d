"""Who does the node's work: each worker shows itself again and again, and one of them leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.store.tables.work_tables import WorkerRow

_KEPT_S = 7 * 86_400
"""So long a worker that ended is remembered."""


@dataclass(frozen=True)
class WorkerIdentity:
    """What a worker says of itself."""

    worker_id: str
    place: str
    machine: str
    home: str
    since: str


def show_worker(session: Session, me: WorkerIdentity, *, lease_s: float) -> None:
    """This worker lives. Needs a write transaction, as all that changes something here."""
    row = session.get(WorkerRow, me.worker_id)
    if row is None:  # the first time, or the database was set back
        row = WorkerRow(**vars(me), leads=False)
        session.add(row)
    row.seen_at, row.alive_until = stamp(), stamp_in(lease_s)
    session.execute(
        delete(WorkerRow).where(WorkerRow.alive_until < stamp_in(-_KEPT_S), WorkerRow.worker_id != me.worker_id)
    )


def lead(session: Session, worker_id: str) -> bool:
    """Lead from now on, where no other worker that is alive does. Returns whether this one leads."""
    if any(row.leads for row in alive(session) if row.worker_id != worker_id):
        session.get_one(WorkerRow, worker_id).leads = False
        return False
    session.execute(update(WorkerRow).values(leads=WorkerRow.worker_id == worker_id))
    return True


def leader(session: Session) -> str | None:
    """Who leads, alive or not."""
    return session.scalar(select(WorkerRow.worker_id).where(WorkerRow.leads))


def end_worker(session: Session, worker_id: str) -> None:
    """It ended: nobody need wait until it would no more have counted as alive."""
    session.execute(
        update(WorkerRow).where(WorkerRow.worker_id == worker_id).values(alive_until=stamp_in(-1), leads=False)
    )


def forget_all(session: Session) -> None:
    """The database was put elsewhere: whoever worked on it there does not work here."""
    session.execute(delete(WorkerRow))


def alive(session: Session) -> Sequence[WorkerRow]:
    return session.scalars(
        select(WorkerRow).where(WorkerRow.alive_until >= stamp()).order_by(WorkerRow.since, WorkerRow.worker_id)
    ).all()


def last_seen(session: Session) -> str | None:
    """When any worker last showed itself; None when none ever did."""
    return session.scalar(select(func.max(WorkerRow.seen_at)))
