"""Form 9: items, incidents and firearms of records, a calibre in words, and the firearms that a node holds."""

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
    _add_authorisations()


def _add_authorisations() -> None:
    """What users are authorised for: nobody stated it yet."""
    op.create_table(
        "user_authorisation",
        sa.Column("pseudonym", Words(), sa.ForeignKey("user.pseudonym"), primary_key=True),
        sa.Column("words", Words(), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )


def downgrade() -> None:
    """Firearms are gone with their serial numbers; what records state of them stays in their envelopes."""
    op.drop_table("user_authorisation")
    op.drop_table("firearm")
    op.drop_index("record_by_firearm", "record")
    for name in _STATED:
        op.drop_column("record", name)
