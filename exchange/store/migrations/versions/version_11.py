"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""
    _monitoring_editions()


def downgrade() -> None:
    """Nothing of them is in other tables."""
    _drop_monitoring_editions()


def _monitoring_editions() -> None:
    """The two editions of a half-year's report; reports that were approved before have one, and stay as they are."""
    op.create_table(
        "monitoring_edition",
        sa.Column("period", Words(), sa.ForeignKey("monitoring_report.half"), primary_key=True),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("restricted", sa.LargeBinary(), nullable=False),
    )


def _drop_monitoring_editions() -> None:
    """Reports in two editions go: the release before cannot read them. Their signed approvals stay in the log."""
    op.execute("DELETE FROM monitoring_report WHERE half IN (SELECT period FROM monitoring_edition)")
    op.drop_table("monitoring_edition")
