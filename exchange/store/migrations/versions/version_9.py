"""Form 9: items, incidents and firearms of records, a calibre in words, the firearms that a node holds, and what was
decided of records that peers hold under an earlier policy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

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
        sa.Column("words", Words(), nullable=False),
        sa.Column("serial_number", Words()),
        sa.Column("remark", Words()),
        sa.Column("entered_by", Words(), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
    )
    op.create_index("ix_firearm_changed_at", "firearm", ["changed_at"])
    op.create_table(
        "held_decision",
        sa.Column("record", Words(), primary_key=True),
        sa.Column("holder", Words(), primary_key=True),
        sa.Column("decision", Words(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("because", Words(), nullable=False),
        sa.Column("decided_by", Words(), nullable=False),
        sa.Column("decided_at", Words(), nullable=False),
    )


def downgrade() -> None:
    """Firearms are gone with their serial numbers; what records state of them stays in their envelopes. Gone too is why
    a record was left with a holder, and that it was: it is listed again after an upgrade."""
    op.drop_table("held_decision")
    op.drop_table("firearm")
    op.drop_index("record_by_firearm", "record")
    for name in _STATED:
        op.drop_column("record", name)
