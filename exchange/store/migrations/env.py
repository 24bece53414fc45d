"""Run by Alembic, on the connection that `exchange.store.migrations` gives it and within its transaction."""

from __future__ import annotations

from alembic import context

from exchange.store.tables.columns import Base
from exchange.store.tables.schema_version import SchemaRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=SchemaRow.__tablename__,
    render_as_batch=True,  # SQLite changes a column by making the table anew
)
with context.begin_transaction():
    context.run_migrations()
