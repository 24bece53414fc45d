"""The first database schema version.

Until 0.1.0 is released this is whatever `exchange.store.tables` declares: tables are changed there, in place. The
release freezes the file: ``python -m tests.exchange.store.freeze_baseline`` writes the tables out as they are then.
"""

from __future__ import annotations

from alembic import op

from exchange.store.tables.columns import Base

revision = "1"
down_revision = None


def upgrade() -> None:
    Base.metadata.create_all(op.get_bind())
