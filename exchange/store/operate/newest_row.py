"""The newest moment that this node itself wrote down: no clock that is right shows an earlier one."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.store.tables.log import CheckpointRow, LogCheckRow
from exchange.store.tables.peer_tables import RequesterRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.work_tables import WorkerRow

_STAMPED = (
    StatementRow.received_at,
    CheckpointRow.signed_at,
    LogCheckRow.checked_at,
    WorkerRow.seen_at,
    RequesterRow.answered_at,
)
"""Each is stamped with this machine's clock as it is written, and lies in the future of no right clock."""


def newest_row(session: Session) -> str | None:
    """None of an empty database."""
    return max((found for column in _STAMPED if (found := session.scalar(select(func.max(column))))), default=None)


_FIRST = select(func.min(StatementRow.received_at))


def first_row(session: Session) -> str | None:
    """When the first statement came, which is the node's own card; None of an empty database."""
    return session.scalar(_FIRST)
