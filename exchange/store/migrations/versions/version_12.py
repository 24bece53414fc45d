"""Form 12: what a node gives to a meeting pack, as its head approved it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "12"
down_revision = "11"


def upgrade() -> None:
    """An empty table."""
    op.create_table(
        "pack_inputs",
        sa.Column("half", Words(), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("approval", Words(), sa.ForeignKey("statement.statement_id"), nullable=False),
        sa.Column("approved_by", Words(), nullable=False),
        sa.Column("approved_at", Words(), nullable=False),
    )


def downgrade() -> None:
    """Their signed approvals stay in the log."""
    op.drop_table("pack_inputs")
