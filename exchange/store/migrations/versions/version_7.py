"""Form 7: with which instrument each topography was measured, and what came of trying it mirrored and inverted; how
much of its mark each scan shows; whether the cells of a pair were looked for; checks of instruments on reference
specimens; and how long scans waited for their candidates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "7"
down_revision = "6"

_MARKS = ("mark_mm2", "mark_one_sidedness", "mark_directedness")


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
    for name in _MARKS:
        op.add_column("acquisition", sa.Column(name, sa.Double()))
    op.create_table(
        "instrument_check",
        sa.Column("check_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("instrument", Words(), nullable=False),
        sa.Column("software", Words(), nullable=False),
        sa.Column("specimen", Words(), nullable=False),
        sa.Column("specimen_key", Words(), nullable=False),
        sa.Column("reference", WholeNumber),
        sa.Column("at", Words(), nullable=False),
        sa.Column("outcome", Words(), nullable=False),
        sa.Column("document", Words(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("seal", sa.LargeBinary()),
        sqlite_autoincrement=True,
    )
    op.create_index("instrument_check_by_instrument", "instrument_check", ["instrument", "specimen_key"])
    op.create_table(
        "instrument_reference",
        sa.Column("check_id", WholeNumber, sa.ForeignKey("instrument_check.check_id"), primary_key=True),
        sa.Column("heights", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )
    op.create_table(
        "candidate_delay",
        sa.Column("origin", Words(), primary_key=True),
        sa.Column("up_to_s", WholeNumber, primary_key=True, autoincrement=False),
        sa.Column("count", WholeNumber, nullable=False),
    )
    op.add_column("candidate", sa.Column("cells_found", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Probes that wait are of no kind that form 6 knows, and checks of instruments have no place in it. Pairs whose
    cells nobody looked for show 0 of 0, until the older matcher compares them anew."""
    op.execute("DELETE FROM job WHERE kind = 'probe'")
    op.drop_table("scan_instrument")
    for name in _MARKS:
        op.drop_column("acquisition", name)
    op.drop_table("instrument_reference")
    op.drop_table("instrument_check")
    op.drop_table("candidate_delay")
    op.drop_column("candidate", "cells_found")
