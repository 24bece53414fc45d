"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Packed, WholeNumber, Words

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""
    _add_law()
    _add_incidents()
    _add_meetings()
    _add_snapshots()
    _add_monitoring_editions()


def downgrade() -> None:
    """Nothing of them is in other tables. A draft of law that was not published is lost; what was published stays in
    the log."""
    _drop_monitoring_editions()
    _drop_snapshots()
    _drop_meetings()
    _drop_incidents()
    _drop_law()


def _add_law() -> None:
    op.create_table(
        "law_draft",
        sa.Column("step", WholeNumber, primary_key=True, autoincrement=False),
        sa.Column("act", Words(), nullable=False),
        sa.Column("article_id", Words()),
        sa.Column("articles", Packed(), nullable=False),
        sa.Column("changed_by", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
    )


def _drop_law() -> None:
    op.drop_table("law_draft")


def _add_incidents() -> None:
    op.create_table(
        "incident_entry",
        sa.Column("entry_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("half", Words(), nullable=False),
        sa.Column("way", Words(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("salt", Words(), nullable=False),
        sa.Column("made_by", Words(), nullable=False),
        sa.Column("made_at", Words(), nullable=False),
        sa.Column("rows", WholeNumber, nullable=False),
        sa.Column("report", Words(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_entry_half", "incident_entry", ["half"])
    cell = ("role", "sex", "age", "offence", "outcome", "weapon")
    op.create_table(
        "incident_count",
        sa.Column(
            "entry_id",
            WholeNumber,
            sa.ForeignKey("incident_entry.entry_id"),
            primary_key=True,
            autoincrement=False,
        ),
        *(sa.Column(name, Words(), primary_key=True) for name in cell),
        sa.Column("count", WholeNumber, nullable=False),
    )
    op.create_table(
        "incident_annex",
        sa.Column("half", Words(), primary_key=True),
        sa.Column("exact", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("approval", Words(), sa.ForeignKey("statement.statement_id"), nullable=False),
        sa.Column("approved_by", Words(), nullable=False),
        sa.Column("approved_at", Words(), nullable=False),
    )


def _drop_incidents() -> None:
    for name in ("incident_annex", "incident_count", "incident_entry"):
        op.drop_table(name)


def _add_meetings() -> None:
    """Meetings and trainings that were held."""
    op.create_table(
        "meeting",
        sa.Column("meeting_id", WholeNumber, primary_key=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("held_on", Words(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("entered_by", Words(), sa.ForeignKey("user.pseudonym"), nullable=False),
        sa.Column("entered_at", Words(), nullable=False),
        sa.Column("changed_at", Words(), nullable=False),
        sa.Column("taken_back_at", Words()),
    )
    op.create_index("ix_meeting_held_on", "meeting", ["held_on"])
    op.create_table(
        "meeting_attendance",
        sa.Column(
            "meeting_id",
            WholeNumber,
            sa.ForeignKey("meeting.meeting_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("institution", Words(), primary_key=True),
        sa.Column("role", Words(), primary_key=True),
        sa.Column("sex", Words(), primary_key=True),
        sa.Column("count", WholeNumber, nullable=False),
    )


def _drop_meetings() -> None:
    op.drop_table("meeting_attendance")
    op.drop_table("meeting")


def _add_snapshots() -> None:
    """Of maturity."""
    op.create_table(
        "maturity_snapshot",
        sa.Column("half", Words(), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("approval", Words(), sa.ForeignKey("statement.statement_id"), nullable=False),
        sa.Column("kept_by", Words(), nullable=False),
        sa.Column("kept_at", Words(), nullable=False),
    )


def _drop_snapshots() -> None:
    """Their signed digests stay in the log."""
    op.drop_table("maturity_snapshot")


def _add_monitoring_editions() -> None:
    """The two editions of a half-year's report; reports that were approved before have one, and stay as they are."""
    op.create_table(
        "monitoring_edition",
        sa.Column("period", Words(), sa.ForeignKey("monitoring_report.half"), primary_key=True),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("restricted", sa.LargeBinary(), nullable=False),
    )


def _drop_monitoring_editions() -> None:
    """Reports in two editions go: the release before cannot read them. Their signed approvals stay in the log."""
    op.execute("DELETE FROM monitoring_report WHERE half IN (SELECT period FROM monitoring_edition)")
    op.drop_table("monitoring_edition")
