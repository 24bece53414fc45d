"""Form 8: how far the log of each peer is witnessed of which this node is no witness."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "8"
down_revision = "7"


def upgrade() -> None:
    """Empty: each log is asked about within an hour."""
    op.create_table(
        "witnessed_log",
        sa.Column("log", Words(), sa.ForeignKey("peer.node_id"), primary_key=True),
        sa.Column("size", WholeNumber, nullable=False),
        sa.Column("waiting_size", WholeNumber),
        sa.Column("waiting_since", Words()),
        sa.Column("waiting_cosigned", WholeNumber, nullable=False),
        sa.Column("asked_at", Words()),
        sa.Column("answered_at", Words()),
        sa.Column("round", WholeNumber),
    )


def downgrade() -> None:
    """A log that waits for its witnesses is forgotten, and asked about anew after the way up."""
    op.drop_table("witnessed_log")
