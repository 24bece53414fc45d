"""Which scans an object store keeps."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.base import Base


class ObjectRow(Base):
    """A scan that is in the object store, or is still to come there. It stays until its object is known to be gone."""

    __tablename__ = "stored_object"
    object_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    stored_at: Mapped[str | None]
    """When the store had confirmed it; before that the scan does not leave the disk."""
    altered_at: Mapped[str | None]
    """When other bytes than the scan's were found in its place."""
    __table_args__ = (
        Index("stored_object_by_time", "stored_at"),
        {"sqlite_autoincrement": True},  # a number is never given again: work may still be promised on it
    )
