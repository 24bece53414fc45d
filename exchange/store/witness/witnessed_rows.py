"""How far the logs of peers are witnessed, inside the caller's transaction; and the words for one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.clock import hours_after
from exchange.store.tables.log import WitnessedLogRow

LATE_H: Final = 24


def witnessed_log(session: Session, log: str) -> WitnessedLogRow | None:
    """None of a log that was never asked about."""
    return session.get(WitnessedLogRow, log)


_ALL = select(WitnessedLogRow).order_by(WitnessedLogRow.log)


def witnessed_logs(session: Session) -> Sequence[WitnessedLogRow]:
    return session.scalars(_ALL).all()


def keep_witnessed(session: Session, row: WitnessedLogRow) -> None:
    """Needs a write transaction."""
    session.merge(row)
    session.flush()


def unwitnessed(row: WitnessedLogRow) -> str | None:
    """What the operator must know of a log whose head was shown here, and to too few of its witnesses a day later; else
    None. A node that is away is asked when it comes back, before anything is said against it."""
    if row.waiting_since is None or row.asked_at is None:
        return None
    if row.asked_at < hours_after(row.waiting_since, LATE_H):
        return None
    by = f"as round {row.round} of the trust root chooses them there" if row.round else "and it names no round"
    return (
        f"{row.asked_at} The log of {row.log} showed here a head of size {row.waiting_size}, first seen "
        f"{row.waiting_since}; of its dozen witnesses {row.waiting_cosigned} are known to have cosigned it or a later "
        f"one, {by}. A majority is known up to size {row.size}. Either its witnesses do not reach it, or it shows "
        "others another log. Telephone its operator, and those of its witnesses."
    )
