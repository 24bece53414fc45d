"""The snapshots of maturity that are kept, one for each half-year."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.coordination.maturity.snapshot_tables import MaturitySnapshotRow


def find_snapshot(session: Session, half: str) -> MaturitySnapshotRow | None:
    return session.get(MaturitySnapshotRow, half)


def all_snapshots(session: Session) -> Sequence[MaturitySnapshotRow]:
    """The earliest half-year first."""
    return session.scalars(select(MaturitySnapshotRow).order_by(MaturitySnapshotRow.half)).all()


def add_snapshot(session: Session, row: MaturitySnapshotRow) -> None:
    session.add(row)
