"""The scans of all records of a list, in one statement, without what makes their rows long; and all scans in turn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.long_lists import AT_ONCE
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow


class ListedRow(NamedTuple):
    """One scan of a record; ``parameters`` are None until it was prepared."""

    statement_id: str
    position: int
    roi: str
    sha256: str
    state: str
    delivered_at: str | None
    parameters: str | None


def scans_listed(session: Session, statement_ids: Collection[str]) -> list[ListedRow]:
    """By record, then by position; nothing of what a court holds."""
    names, columns = sorted(statement_ids), [getattr(AcquisitionRow, name) for name in ListedRow._fields]
    found: list[ListedRow] = []
    for start in range(0, len(names), AT_ONCE):
        rows = session.execute(
            select(*columns)
            .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
            .where(AcquisitionRow.statement_id.in_(names[start : start + AT_ONCE]), RecordRow.restricted.is_(False))
            .order_by(AcquisitionRow.statement_id, AcquisitionRow.position)
        )
        found += [ListedRow(*row) for row in rows]
    return found


def delivered_after(session: Session, after: int, limit: int) -> Sequence[AcquisitionRow]:
    """The next scans by their number that were delivered, but for what a court holds."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(
            AcquisitionRow.acquisition_id > after,
            AcquisitionRow.delivered_at.is_not(None),
            RecordRow.restricted.is_(False),
        )
        .order_by(AcquisitionRow.acquisition_id)
        .limit(limit)
    ).all()
