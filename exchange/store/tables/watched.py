"""Scans that came by a watched folder, and are in a record: so that none is taken twice, or as another."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class WatchedScanRow(Base):
    """One scan that was taken, stored in the transaction that stored its record, and gone when that is erased."""

    __tablename__ = "watched_scan"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    stated: Mapped[str]
    """SHA-256 of what its name and its sidecar say of it."""
    statement_id: Mapped[str]
    folder: Mapped[str]
    name: Mapped[str]
    exhibit: Mapped[str | None]
    """SHA-256 of case and exhibit as stated; None of a scan that is a record by itself."""
    sidecar: Mapped[str | None]
    """SHA-256 of the bytes of its sidecar."""
    taken_at: Mapped[str]
    __table_args__ = (
        Index("watched_scan_by_name", "folder", "name"),
        Index("watched_scan_by_exhibit", "exhibit"),
        Index("watched_scan_by_record", "statement_id"),
    )
