"""Form 9: scans that came by a watched folder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "9"
down_revision = "8"


def upgrade() -> None:
    """Empty: no folder was watched before."""
    op.create_table(
        "watched_scan",
        sa.Column("sha256", Words(), primary_key=True),
        sa.Column("stated", Words(), nullable=False),
        sa.Column("statement_id", Words(), nullable=False),
        sa.Column("folder", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("exhibit", Words()),
        sa.Column("sidecar", Words()),
        sa.Column("taken_at", Words(), nullable=False),
    )
    op.create_index("watched_scan_by_name", "watched_scan", ["folder", "name"])
    op.create_index("watched_scan_by_exhibit", "watched_scan", ["exhibit"])
    op.create_index("watched_scan_by_record", "watched_scan", ["statement_id"])


def downgrade() -> None:
    """By what name and in which folder a scan came is forgotten; the records stay, and tell of the same scan again."""
    op.drop_table("watched_scan")
