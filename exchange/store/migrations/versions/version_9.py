"""Form 9: which pairs of calibres were compared with one another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "9"
down_revision = "8"


def upgrade() -> None:
    """Empty: the next start compares anew what the pairs of this release make comparable."""
    op.create_table(
        "compared_calibre_pair",
        sa.Column("one", Words(), primary_key=True),
        sa.Column("other", Words(), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("compared_calibre_pair")
