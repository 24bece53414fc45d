"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Packed, WholeNumber, Words

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""
    # the draft of a compendium of law
    op.create_table(
        "law_draft",
        sa.Column("step", WholeNumber, primary_key=True, autoincrement=False),
        sa.Column("act", Words(), nullable=False),
        sa.Column("article_id", Words()),
        sa.Column("articles", Packed(), nullable=False),
        sa.Column("changed_by", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
    )


def downgrade() -> None:
    """Nothing of them is in other tables. A draft of law that was not published is lost; what was published stays in
    the log."""
    op.drop_table("law_draft")
