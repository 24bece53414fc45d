"""Form 9: items, incidents and firearms of records, a calibre in words, the firearms that a node holds, and the scores
of its own test fires."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "9"
down_revision = "8"

_STATED = ("incident", "item", "firearm", "calibre_words")


def upgrade() -> None:
    """Empty: no record that form 8 could hold states any of it."""
    for name in _STATED:
        op.add_column("record", sa.Column(name, Words()))
    op.create_index("record_by_firearm", "record", ["issuer", "firearm"])
    op.create_table(
        "firearm",
        sa.Column("firearm_id", Words(), primary_key=True),
        sa.Column("stated", Words(), nullable=False),
        sa.Column("serial_number", Words()),
        sa.Column("remark", Words()),
        sa.Column("entered_by", Words(), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
    )
    op.create_index("ix_firearm_changed_at", "firearm", ["changed_at"])
    op.create_table(
        "known_pair",
        sa.Column("acquisition_a", WholeNumber, sa.ForeignKey("acquisition.acquisition_id"), primary_key=True),
        sa.Column("acquisition_b", WholeNumber, sa.ForeignKey("acquisition.acquisition_id"), primary_key=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("parameters", Words(), nullable=False),
        sa.Column("matcher_version", Words(), nullable=False),
        sa.Column("made_at", Words(), nullable=False),
    )
    op.create_index("known_pair_by_other", "known_pair", ["acquisition_b"])


def downgrade() -> None:
    """Firearms are gone with their serial numbers; what records state of them stays in their envelopes. Scores of
    test fires are made anew after the way up."""
    op.execute("DELETE FROM job WHERE kind = 'known-pairs'")
    op.drop_table("known_pair")
    op.drop_table("firearm")
    op.drop_index("record_by_firearm", "record")
    for name in _STATED:
        op.drop_column("record", name)
