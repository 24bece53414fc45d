"""What a database states about itself: its schema version, and who serves it."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base

SCHEMA_VERSION = 1
"""The database schema version of this release. It stays 1 until 0.1.0 is released: see `exchange.store.migrations`."""


class SchemaRow(Base):
    """One row: the database schema version, where Alembic looks for it; or what forbids to serve it
    (`exchange.store.database.database_standing`)."""

    __tablename__ = "schema_version"
    version_num: Mapped[str] = mapped_column(String(32))
    __table_args__ = (PrimaryKeyConstraint("version_num", name="schema_version_pkc"),)


class ServingRow(Base):
    """One row, on PostgreSQL alone: which process serves this database. Each that begins to is a new ``generation``;
    whoever writes under an older one is refused. On both engines, of a database that the node left: for which one."""

    __tablename__ = "serving"
    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int]
    place: Mapped[str]
    since: Mapped[str]
