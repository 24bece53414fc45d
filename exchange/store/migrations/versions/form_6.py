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
    _add_clocks()
    _give_tasks_back()


def downgrade() -> None:
    """The last form 5; what only form 6 has a place for is gone."""
    _drop_clocks()


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


def _add_clocks() -> None:
    op.add_column("peer", sa.Column("clock_ahead_s", sa.Double()))


def _drop_clocks() -> None:
    with op.batch_alter_table("peer") as table:
        table.drop_column("clock_ahead_s")


def _give_tasks_back() -> None:
    """What somebody took to verify who is no examiner any more waits for another one."""
    op.execute(
        sa.text(
            "UPDATE verification_task SET taken_by = NULL WHERE done_at IS NULL AND taken_by NOT IN "
            "(SELECT pseudonym FROM \"user\" WHERE role = 'examiner' AND revoked_at IS NULL)"
        )
    )
