"""What is kept of a node's maturity: one snapshot for each half-year."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


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
