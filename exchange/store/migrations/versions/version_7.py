"""Form 7: with which instrument each topography was measured, and what came of trying it mirrored and inverted; how
much of its mark each scan shows; and whether the cells of a pair were looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "7"
down_revision = "6"

MARKS = ("mark_mm2", "mark_one_sidedness", "mark_directedness")


def upgrade() -> None:
    """Empty: of the scans that are here already no instrument or mark is known, until they are correlated anew."""
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
    for name in MARKS:
        op.add_column("acquisition", sa.Column(name, sa.Double()))
    op.add_column("candidate", sa.Column("cells_found", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Probes that wait are of no kind that form 6 knows. Pairs whose cells nobody looked for show 0 of 0, until the
    older matcher compares them anew."""
    op.execute("DELETE FROM job WHERE kind = 'probe'")
    op.drop_table("scan_instrument")
    for name in MARKS:
        op.drop_column("acquisition", name)
    op.drop_column("candidate", "cells_found")
