"""Form 9: items, incidents and firearms of records, a calibre in words, the firearms that a node holds, what records
are only searched by, the searches that people keep, which pairs of calibres were compared with one another, what each
side of a hit is to do, scans that came by a watched folder, programs that are told that something is new, the
scores of a node's own test fires, what users are authorised for, what was decided of records that peers hold under
an earlier policy, and about which records this node asked its peers by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.migrations.record_details import add_record_details, drop_record_details
from exchange.store.tables.columns import WholeNumber, Words

revision = "9"
down_revision = "8"

_STATED = ("incident", "item", "firearm", "calibre_words")


def upgrade() -> None:
    """Empty, but for what records are searched by: no record that form 8 could hold states any of the rest, and the
    next start compares anew what the pairs of this release make comparable."""
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
        "compared_calibre_pair",
        sa.Column("one", Words(), primary_key=True),
        sa.Column("other", Words(), primary_key=True),
    )
    op.add_column("hit_pair", sa.Column("tasks", Words()))
    add_record_details()
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
    op.create_table(
        "user_authorisation",
        sa.Column("pseudonym", Words(), sa.ForeignKey("user.pseudonym"), primary_key=True),
        sa.Column("words", Words(), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )
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
    op.add_column("query", sa.Column("triggers", Words()))
    op.create_table(
        "started_search",
        sa.Column("record", Words(), primary_key=True),
        sa.Column("triggers", Words(), nullable=False),
        sa.Column("started_at", Words(), nullable=False),
        sa.Column("asked", WholeNumber, nullable=False),
        sa.Column("not_allowed", Words(), nullable=False),
        sa.Column("left_out", Words(), nullable=False),
    )


def downgrade() -> None:
    """Firearms are gone with their serial numbers; what records state of them stays in their envelopes. By what name
    and in which folder a scan came is forgotten. Programs are told no more. Scores of test fires are made anew after
    the way up. Gone is why a record was left with a holder: it is listed again after an upgrade; and which queries the
    node asked by itself: they stay as those of whoever submitted the record. Work promised on any of it is nobody's."""
    op.execute("DELETE FROM job WHERE kind = 'start-search'")
    op.drop_table("started_search")
    op.drop_column("query", "triggers")
    op.drop_table("kept_search")
    op.drop_table("held_decision")
    op.drop_table("user_authorisation")
    op.execute("DELETE FROM job WHERE kind = 'known-pairs'")
    op.drop_table("known_pair")
    op.execute(sa.text("DELETE FROM job WHERE kind = 'tell-webhook'"))
    op.drop_table("webhook_message")
    op.drop_table("webhook")
    op.drop_table("watched_scan")
    op.drop_column("hit_pair", "tasks")
    op.drop_table("compared_calibre_pair")
    drop_record_details()
    op.drop_table("firearm")
    op.drop_index("record_by_firearm", "record")
    for name in _STATED:
        op.drop_column("record", name)
