"""Form 6, from each database that calls itself form 5, and back to the last of them.

Form 5 was changed after it was frozen: workers got a table, stored objects got one, and explanations of pairs were
packed. What a database lacks of these is added first.
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
    _add_exhibits()


def downgrade() -> None:
    """The last form 5; what only form 6 has a place for is gone."""
    _drop_exhibits()


def _complete_form_5() -> None:
    looked = sa.inspect(op.get_bind())
    tables = set(looked.get_table_names())
    if "worker" not in tables:
        _add_workers()
    if "stored_object" not in tables:
        _add_stored_objects()
    comparison = next(one for one in looked.get_columns("candidate") if one["name"] == "comparison")
    if not isinstance(comparison["type"], sa.LargeBinary):
        _pack_comparisons()


def _add_workers() -> None:
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


def _add_stored_objects() -> None:
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


def _add_exhibits() -> None:
    """All versions of a record are one exhibit, named by issuer and first version; what was seen, and what waits, by
    scans so far, counts for the exhibits that the scans are of."""
    with op.batch_alter_table("record") as table:
        table.add_column(sa.Column("exhibit", Words(), nullable=False, server_default=""))
    with op.batch_alter_table("verification_task") as table:
        table.add_column(sa.Column("exhibit_low", Words(), nullable=False, server_default=""))
        table.add_column(sa.Column("exhibit_high", Words(), nullable=False, server_default=""))
    op.create_table(
        "exhibits_seen",
        sa.Column("pseudonym", Words(), primary_key=True),
        sa.Column("exhibit_low", Words(), primary_key=True),
        sa.Column("exhibit_high", Words(), primary_key=True),
        sa.Column("seen_at", Words(), nullable=False),
    )
    op.execute("UPDATE record SET exhibit = issuer || '/' || statement_id")
    _name_later_versions()
    _name_what_waits()
    _name_what_was_seen()
    with op.batch_alter_table("record") as table:
        table.alter_column("exhibit", existing_type=Words(), existing_nullable=False, server_default=None)
    with op.batch_alter_table("verification_task") as table:
        for name in ("exhibit_low", "exhibit_high"):
            table.alter_column(name, existing_type=Words(), existing_nullable=False, server_default=None)
    op.create_index("record_by_exhibit", "record", ["exhibit"])
    op.create_index("verification_task_by_exhibits", "verification_task", ["exhibit_low", "exhibit_high"])
    op.create_index("verification_task_by_second_exhibit", "verification_task", ["exhibit_high"])
    op.create_index("exhibits_seen_by_exhibits", "exhibits_seen", ["exhibit_low", "exhibit_high"])
    op.create_index("exhibits_seen_by_second_exhibit", "exhibits_seen", ["exhibit_high"])


def _name_later_versions() -> None:
    """A version that was erased leads on: its statement still says what it superseded."""
    connection = op.get_bind()
    statement = sa.table("statement", *(sa.column(name) for name in ("statement_id", "type", "issuer", "about")))
    record = sa.table("record", *(sa.column(name) for name in ("statement_id", "issuer", "exhibit")))
    rows = connection.execute(
        sa.select(statement.c.statement_id, statement.c.issuer, statement.c.about).where(statement.c.type == "record")
    )
    superseded = {row.statement_id: (row.issuer, row.about) for row in rows}
    for version, (issuer, older) in superseded.items():
        if older is None:
            continue
        first, seen = version, {version}
        while superseded.get(first, ("", None))[0] == issuer and (before := superseded[first][1]) not in (None, *seen):
            first = before
            seen.add(first)
        named = record.update().where(record.c.statement_id == version).values(exhibit=f"{issuer}/{first}")
        connection.execute(named)


def _name_what_waits() -> None:
    """A task whose record is not here any more keeps no exhibit, and hides nothing: no pair of it is here either."""
    names = ("exhibit_low", "exhibit_high", "statement_a", "statement_b")
    task = sa.table("verification_task", *(sa.column(name) for name in names))
    record = sa.table("record", sa.column("statement_id"), sa.column("exhibit"))
    both = record.c.statement_id.in_([task.c.statement_a, task.c.statement_b])
    low, high = (
        sa.func.coalesce(sa.select(end(record.c.exhibit)).where(both).scalar_subquery(), "")
        for end in (sa.func.min, sa.func.max)
    )
    op.get_bind().execute(task.update().values(exhibit_low=low, exhibit_high=high))


def _name_what_was_seen() -> None:
    op.execute(
        """
        INSERT INTO exhibits_seen (pseudonym, exhibit_low, exhibit_high, seen_at)
        SELECT pseudonym, exhibit_low, exhibit_high, min(listed_at) FROM (
          SELECT seen.pseudonym, seen.listed_at,
            CASE WHEN one.exhibit < other.exhibit THEN one.exhibit ELSE other.exhibit END AS exhibit_low,
            CASE WHEN one.exhibit < other.exhibit THEN other.exhibit ELSE one.exhibit END AS exhibit_high
          FROM score_seen AS seen
          JOIN acquisition AS low ON low.sha256 = seen.scan_low
          JOIN record AS one ON one.statement_id = low.statement_id
          JOIN acquisition AS high ON high.sha256 = seen.scan_high
          JOIN record AS other ON other.statement_id = high.statement_id
        ) AS found
        GROUP BY pseudonym, exhibit_low, exhibit_high
        """
    )


def _drop_exhibits() -> None:
    op.drop_table("exhibits_seen")
    op.drop_index("verification_task_by_second_exhibit", "verification_task")
    op.drop_index("verification_task_by_exhibits", "verification_task")
    op.drop_index("record_by_exhibit", "record")
    with op.batch_alter_table("verification_task") as table:
        table.drop_column("exhibit_low")
        table.drop_column("exhibit_high")
    with op.batch_alter_table("record") as table:
        table.drop_column("exhibit")
