"""Form 9: scans that came by a watched folder; programs that are told that something is new."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

revision = "9"
down_revision = "8"


def upgrade() -> None:
    """Empty: no folder was watched before, and no program told."""
    op.create_table(
        "watched_scan",
        sa.Column("sha256", Words(), primary_key=True),
        sa.Column("stated", Words(), nullable=False),
        sa.Column("statement_id", Words(), nullable=False),
        sa.Column("folder", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("exhibit", Words()),
        sa.Column("sidecar", Words()),
        sa.Column("taken_at", Words(), nullable=False),
    )
    op.create_index("watched_scan_by_name", "watched_scan", ["folder", "name"])
    op.create_index("watched_scan_by_exhibit", "watched_scan", ["exhibit"])
    op.create_index("watched_scan_by_record", "watched_scan", ["statement_id"])
    op.create_table(
        "webhook",
        sa.Column("webhook_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("url", Words(), nullable=False),
        sa.Column("events", Words(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Words(), nullable=False),
        sa.Column("told_at", Words()),
        sa.Column("failure", Words()),
        sa.Column("stopped_at", Words()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_message",
        sa.Column("message_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("webhook_id", WholeNumber, sa.ForeignKey("webhook.webhook_id"), nullable=False),
        sa.Column("event", Words(), nullable=False),
        sa.Column("record", Words()),
        sa.Column("name", Words(), nullable=False),
        sa.Column("made_at", Words(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_message_webhook_id", "webhook_message", ["webhook_id"])
    op.create_index("ix_webhook_message_record", "webhook_message", ["record"])


def downgrade() -> None:
    """By what name and in which folder a scan came is forgotten; the records stay, and tell of the same scan again.
    Programs are told no more; work that is promised on it is nobody's."""
    op.execute(sa.text("DELETE FROM job WHERE kind = 'tell-webhook'"))
    op.drop_table("webhook_message")
    op.drop_table("webhook")
    op.drop_table("watched_scan")
