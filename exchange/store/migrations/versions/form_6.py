"""Form 6, from each of the three databases that call themselves form 5, and back to the last of them.

Form 5 was changed twice after its release: jobs got an owner, workers and stored objects a table, and explanations of
pairs were packed. What a database lacks of these is added first.
"""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op

from exchange.store.types import WholeNumber, Words

revision = "6"
down_revision = "5"

_COMPARISONS_AT_ONCE = 1000
"""Bounded: a region's candidates do not fit into the memory."""


def upgrade() -> None:
    _complete_form_5()
    _add_hit_pairs()


def downgrade() -> None:
    """The last form 5; what only form 6 has a place for is gone."""
    _drop_hit_pairs()


def _complete_form_5() -> None:
    looked = sa.inspect(op.get_bind())
    if "owner" not in {column["name"] for column in looked.get_columns("job")}:
        _add_workers_and_objects()
    comparison = next(one for one in looked.get_columns("candidate") if one["name"] == "comparison")
    if not isinstance(comparison["type"], sa.LargeBinary):
        _pack_comparisons()


def _add_workers_and_objects() -> None:
    op.add_column("job", sa.Column("owner", Words()))
    op.create_table(
        "worker",
        sa.Column("worker_id", Words(), primary_key=True),
        sa.Column("place", Words(), nullable=False),
        sa.Column("machine", Words(), nullable=False),
        sa.Column("home", Words(), nullable=False),
        sa.Column("since", Words(), nullable=False),
        sa.Column("seen_at", Words(), nullable=False),
        sa.Column("alive_until", Words(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "stored_object",
        sa.Column("object_id", WholeNumber, primary_key=True, autoincrement=True),
        sa.Column("sha256", Words(), nullable=False, unique=True),
        sa.Column("size", WholeNumber, nullable=False),
        sa.Column("stored_at", Words()),
        sa.Column("altered_at", Words()),
        sqlite_autoincrement=True,
    )
    op.create_index("stored_object_by_time", "stored_object", ["stored_at"])


def _pack_comparisons() -> None:
    """Explanations as deflated JSON, a part of the table at a time."""
    connection = op.get_bind()
    op.add_column("candidate", sa.Column("packed", sa.LargeBinary()))
    candidate = sa.table("candidate", sa.column("candidate_id"), sa.column("comparison"), sa.column("packed"))
    after = 0
    while True:
        part = connection.execute(
            sa.select(candidate.c.candidate_id, candidate.c.comparison)
            .where(candidate.c.candidate_id > after)
            .order_by(candidate.c.candidate_id)
            .limit(_COMPARISONS_AT_ONCE)
        ).all()
        if not part:
            break
        connection.execute(
            candidate.update()
            .where(candidate.c.candidate_id == sa.bindparam("one"))
            .values(packed=sa.bindparam("bytes")),
            [{"one": row.candidate_id, "bytes": zlib.compress(row.comparison.encode())} for row in part],
        )
        after = part[-1].candidate_id
    with op.batch_alter_table("candidate") as table:
        table.drop_column("comparison")
        table.alter_column("packed", new_column_name="comparison", existing_type=sa.LargeBinary(), nullable=False)


def _add_hit_pairs() -> None:
    """Empty: ``exchange.flows.hit_pairs`` fills them from the statements at the node's next start."""
    op.create_table(
        "hit_pair",
        sa.Column("pair", Words(), primary_key=True),
        sa.Column("link_id", Words(), nullable=False),
        sa.Column("record_a", Words(), nullable=False),
        sa.Column("record_b", Words(), nullable=False),
        sa.Column("scan_low", Words(), nullable=False),
        sa.Column("scan_high", Words(), nullable=False),
        sa.Column("stage", Words(), nullable=False),
        sa.Column("since", Words(), nullable=False),
        sa.Column("due_at", Words(), nullable=False),
        sa.Column("waits_for", Words(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("changed", WholeNumber, nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_hit_pair_stale", "hit_pair", ["stale"])
    op.create_index("hit_pair_by_scans", "hit_pair", ["scan_low", "scan_high"])
    op.create_index("hit_pair_by_deadline", "hit_pair", ["due_at", "since"])
    op.create_index("ix_hit_pair_record_a", "hit_pair", ["record_a"])
    op.create_index("ix_hit_pair_record_b", "hit_pair", ["record_b"])
    op.create_table(
        "hit", sa.Column("statement_id", Words(), primary_key=True), sa.Column("pair", Words(), nullable=False)
    )
    op.create_index("ix_hit_pair", "hit", ["pair"])
    op.create_table(
        "countersignature",
        sa.Column("statement_id", Words(), primary_key=True),
        sa.Column("reader", Words(), nullable=False),
        sa.Column("owner", Words(), nullable=False),
        sa.Column("count", WholeNumber, nullable=False),
        sa.Column("at", Words(), nullable=False),
    )
    op.create_index("countersignature_by_lane", "countersignature", ["owner", "reader", "count"])
    op.create_table(
        "stage_change",
        sa.Column("link_id", Words(), primary_key=True),
        sa.Column("before", Words(), nullable=False),
        sa.Column("after", Words(), nullable=False),
        sa.Column("found_at", Words(), nullable=False),
        sa.Column("seen_at", Words()),
    )
    op.create_index("received_place_by_statement", "received_place", ["peer", "statement_id"])


def _drop_hit_pairs() -> None:
    op.drop_index("received_place_by_statement", "received_place")
    for table in ("stage_change", "countersignature", "hit", "hit_pair"):
        op.drop_table(table)
