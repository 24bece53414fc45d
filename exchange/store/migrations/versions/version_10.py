"""Form 10: who works on what, and the pairs that examiners set aside in their own lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "10"
down_revision = "9"


def upgrade() -> None:
    """Empty: nobody took anything, and nobody set a pair aside."""
    op.create_table(
        "taken_work",
        sa.Column("kind", Words(), primary_key=True),
        sa.Column("subject", Words(), primary_key=True),
        sa.Column("taken_by", Words(), sa.ForeignKey("user.pseudonym"), nullable=False),
        sa.Column("taken_at", Words(), nullable=False),
        sa.Column("given_by", Words()),
    )
    op.create_index("ix_taken_work_taken_by", "taken_work", ["taken_by"])
    op.create_table(
        "pair_set_aside",
        sa.Column("pseudonym", Words(), sa.ForeignKey("user.pseudonym"), primary_key=True),
        sa.Column("exhibit_low", Words(), primary_key=True),
        sa.Column("exhibit_high", Words(), primary_key=True),
        sa.Column("highest", sa.Double(), nullable=False),
        sa.Column("validated", sa.Double()),
        sa.Column("set_aside_at", Words(), nullable=False),
    )
    op.create_index("pair_set_aside_by_exhibits", "pair_set_aside", ["exhibit_low", "exhibit_high"])
    op.create_index("pair_set_aside_by_second_exhibit", "pair_set_aside", ["exhibit_high"])


def downgrade() -> None:
    """Who took what stays in the audit log. Pairs that were set aside stand in their lists again."""
    op.drop_table("pair_set_aside")
    op.drop_table("taken_work")
