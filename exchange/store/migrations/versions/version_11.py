"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""
    # the snapshots of maturity
    op.create_table(
        "maturity_snapshot",
        sa.Column("half", Words(), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("approval", Words(), sa.ForeignKey("statement.statement_id"), nullable=False),
        sa.Column("kept_by", Words(), nullable=False),
        sa.Column("kept_at", Words(), nullable=False),
    )


def downgrade() -> None:
    """Nothing of them is in other tables."""
    # the snapshots of maturity: their signed digests stay in the log
    op.drop_table("maturity_snapshot")
