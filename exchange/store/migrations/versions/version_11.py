"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""
    # Meetings and trainings that were held.
    op.create_table(
        "meeting",
        sa.Column("meeting_id", WholeNumber, primary_key=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("held_on", Words(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("entered_by", Words(), sa.ForeignKey("user.pseudonym"), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
        sa.Column("taken_back_at", Words()),
    )
    op.create_index("ix_meeting_held_on", "meeting", ["held_on"])
    op.create_table(
        "meeting_attendance",
        sa.Column(
            "meeting_id",
            WholeNumber,
            sa.ForeignKey("meeting.meeting_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("institution", Words(), primary_key=True),
        sa.Column("role", Words(), primary_key=True),
        sa.Column("sex", Words(), primary_key=True),
        sa.Column("count", WholeNumber, nullable=False),
    )


def downgrade() -> None:
    """Nothing of them is in other tables."""
    # Meetings and trainings that were held.
    op.drop_table("meeting_attendance")
    op.drop_table("meeting")
