"""Form 9: items, incidents and firearms of records, a calibre in words, the firearms that a node holds, what records
are only searched by, and the searches that people keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.migrations.record_details import add_record_details, drop_record_details
from exchange.store.tables.columns import WholeNumber, Words

revision = "9"
down_revision = "8"

_STATED = ("incident", "item", "firearm", "calibre_words")


def upgrade() -> None:
    """Empty, but for what records are searched by: no record that form 8 could hold states any of the rest."""
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
    add_record_details()
    op.create_table(
        "kept_search",
        sa.Column("search_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("pseudonym", Words(), sa.ForeignKey("user.pseudonym"), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("conditions", Words(), nullable=False),
        sa.Column("looked_to", WholeNumber, nullable=False),
        sa.Column("kept_at", Words(), nullable=False),
        sa.Column("newest_at", Words()),
        sa.Column("stopped_at", Words()),
        sqlite_autoincrement=True,
    )
    op.create_index("kept_search_by_person", "kept_search", ["pseudonym", "newest_at"])


def downgrade() -> None:
    """Firearms are gone with their serial numbers, and kept searches; what records state of firearms stays in their
    envelopes."""
    op.drop_table("kept_search")
    drop_record_details()
    op.drop_table("firearm")
    op.drop_index("record_by_firearm", "record")
    for name in _STATED:
        op.drop_column("record", name)
