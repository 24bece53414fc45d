"""What is kept of a node's maturity: one snapshot for each half-year."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.store.tables.columns import Base


def find_snapshot(session: Session, half: str) -> MaturitySnapshotRow | None:
    return session.get(MaturitySnapshotRow, half)


def all_snapshots(session: Session) -> Sequence[MaturitySnapshotRow]:
    """The earliest half-year first."""
    return session.scalars(select(MaturitySnapshotRow).order_by(MaturitySnapshotRow.half)).all()


def add_snapshot(session: Session, row: MaturitySnapshotRow) -> None:
    session.add(row)


class MaturitySnapshotRow(Base):
    """What each practice showed after a half-year had ended: these bytes and no others."""

    __tablename__ = "maturity_snapshot"
    half: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[bytes]
    sha256: Mapped[str]
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed statement whose ``concerns`` is the digest."""
    kept_by: Mapped[str]
    kept_at: Mapped[str]
