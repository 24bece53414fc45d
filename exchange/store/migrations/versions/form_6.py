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
    _add_deliveries()
    _add_sign_in_guard()


def downgrade() -> None:
    """The last form 5; what only form 6 has a place for is gone."""
    _drop_deliveries()
    _drop_sign_in_guard()


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


def _add_deliveries() -> None:
    """By whose records the bytes of scans are here: what form 5 did not know, since it fetched nothing that it held.

    A scan that had come counts as delivered where the record is the node's own; where an audit row says that it was
    taken for this record; where no other issuer's record names it; and where a court holds the record, since nobody
    would give it again. Any other is fetched anew, and compared with nothing until it has come.
    """
    op.add_column("acquisition", sa.Column("delivered_at", Words()))
    op.add_column("tombstone", sa.Column("kept", Words()))
    connection = op.get_bind()
    acquisition, record, job = (_reflected(name) for name in ("acquisition", "record", "job"))
    candidate = sa.table("candidate", sa.column("acquisition_a"), sa.column("acquisition_b"))
    subject = sa.cast(acquisition.c.acquisition_id, Words())
    fetching = sa.exists().where(job.c.kind == "fetch-scan", job.c.subject == subject)
    had_come = sa.and_(acquisition.c.state != "awaiting-scan", ~fetching)
    may_count = sa.or_(
        _own_or_held(acquisition, record), _was_taken(acquisition), ~_named_by_another(acquisition, record)
    )
    of_it = sa.select(record.c.received_at).where(record.c.statement_id == acquisition.c.statement_id)
    connection.execute(sa.update(acquisition).where(had_come, may_count).values(delivered_at=of_it.scalar_subquery()))

    doubtful = sa.and_(had_come, acquisition.c.delivered_at.is_(None))
    ids = connection.scalars(sa.select(acquisition.c.acquisition_id).where(doubtful)).all()
    for one in ids:
        connection.execute(
            sa.delete(candidate).where(sa.or_(candidate.c.acquisition_a == one, candidate.c.acquisition_b == one))
        )
        connection.execute(sa.delete(job).where(job.c.kind == "correlate", job.c.subject == str(one)))
        fresh = {"kind": "fetch-scan", "subject": str(one), "state": "pending", "attempts": 0, "ended": 0}
        connection.execute(sa.insert(job).values(**fresh, not_before="1970-01-01T00:00:00.000Z"))
        waits = {"state": "awaiting-scan", "detail": None, "parameters": None, "correlated_at": None}
        connection.execute(sa.update(acquisition).where(acquisition.c.acquisition_id == one).values(**waits))


def _drop_deliveries() -> None:
    with op.batch_alter_table("tombstone", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("kept")
    with op.batch_alter_table("acquisition", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("delivered_at")


def _reflected(name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())


def _own_or_held(acquisition: sa.Table, record: sa.Table) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        record.c.statement_id == acquisition.c.statement_id,
        sa.or_(record.c.submitted_by.is_not(None), record.c.restricted.is_(True)),
    )


def _was_taken(acquisition: sa.Table) -> sa.ColumnElement[bool]:
    audit, scan = _reflected("audit"), _reflected("audit_subject")
    statement = scan.alias()
    return sa.exists().where(
        audit.c.act == "take-scan",
        scan.c.number == audit.c.number,
        scan.c.subject == acquisition.c.sha256,
        statement.c.number == audit.c.number,
        statement.c.subject == acquisition.c.statement_id,
    )


def _named_by_another(acquisition: sa.Table, record: sa.Table) -> sa.ColumnElement[bool]:
    other, others, mine = acquisition.alias(), record.alias(), record.alias()
    return sa.exists().where(
        other.c.sha256 == acquisition.c.sha256,
        others.c.statement_id == other.c.statement_id,
        mine.c.statement_id == acquisition.c.statement_id,
        others.c.issuer != mine.c.issuer,
    )
def _add_sign_in_guard() -> None:
    """Failures to sign in, of all names alike, and the browsers that are known. Locks of form 5 end with it."""
    op.create_table(
        "sign_in_failure",
        sa.Column("place", WholeNumber, primary_key=True, autoincrement=False),
        sa.Column("failed", WholeNumber, nullable=False),
        sa.Column("locked_until", Words()),
        sa.Column("last_at", Words(), nullable=False),
    )
    op.create_index("ix_sign_in_failure_last_at", "sign_in_failure", ["last_at"])
    op.create_table(
        "sign_in_device",
        sa.Column("sha256", Words(), primary_key=True),
        sa.Column("pseudonym", Words(), sa.ForeignKey("user.pseudonym"), nullable=False),
        sa.Column("began_at", Words(), nullable=False),
        sa.Column("ends_at", Words(), nullable=False),
        sa.Column("failed", WholeNumber, nullable=False),
        sa.Column("locked_until", Words()),
    )
    op.create_index("ix_sign_in_device_pseudonym", "sign_in_device", ["pseudonym"])


def _drop_sign_in_guard() -> None:
    op.drop_table("sign_in_device")
    op.drop_table("sign_in_failure")
