"""Form 7: with which instrument each topography was measured, and what came of trying it mirrored and inverted; and
whether the cells of a pair were looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Empty: of the scans that are here already no instrument is known, until they are correlated anew."""
    op.create_table(
        "scan_instrument",
        sa.Column("acquisition_id", WholeNumber, sa.ForeignKey("acquisition.acquisition_id"), primary_key=True),
        sa.Column("instrument", Words(), nullable=False),
        sa.Column("turned", WholeNumber),
        sa.Column("other", WholeNumber),
        sa.Column("agreement", sa.Double()),
        sa.Column("as_it_is", sa.Double()),
    )
    op.create_index("scan_instrument_by_words", "scan_instrument", ["instrument", "acquisition_id"])
    op.create_index("scan_instrument_by_other", "scan_instrument", ["other"])
    op.add_column("candidate", sa.Column("cells_found", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Probes that wait are of no kind that form 6 knows. Pairs whose cells nobody looked for show 0 of 0, until the
    older matcher compares them anew."""
    op.execute("DELETE FROM job WHERE kind = 'probe'")
    op.drop_table("scan_instrument")
    op.drop_column("candidate", "cells_found")
