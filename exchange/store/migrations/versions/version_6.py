"""Form 6, from each database that calls itself form 5, and back to the last of them.

Form 5 was changed after it was frozen: workers got a table, stored objects got one, and explanations of pairs were
packed. What a database lacks of these is added first.
"""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op

from exchange.store.migrations.quarantine_evidence import add_evidence, drop_evidence
from exchange.store.migrations.seals import add_seals, drop_seals
from exchange.store.tables.columns import WholeNumber, Words

revision = "6"
down_revision = "5"

_COMPARISONS_AT_ONCE = 1000
"""Bounded: a region's candidates do not fit into the memory."""


def upgrade() -> None:
    _complete_form_5()
    _add_deliveries()
    _add_sign_in_guard()
    _add_exhibits()
    _add_hit_pairs()
    _add_shares()
    _add_clocks()
    _give_tasks_back()
    _add_unasked()
    add_seals()
    add_evidence()
    _add_versions()


def downgrade() -> None:
    """The last form 5; what only form 6 has a place for is gone."""
    _drop_deliveries()
    _drop_sign_in_guard()
    _drop_exhibits()
    _drop_hit_pairs()
    _drop_shares()
    _drop_clocks()
    _drop_unasked()
    drop_seals()
    drop_evidence()
    _drop_versions()


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
    _note_what_remains_delivered()
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


def _note_what_remains_delivered() -> None:
    """Of what an earlier form was still erasing nobody knows any more who delivered it: nothing is told of it."""
    with op.batch_alter_table("remains") as table:
        table.add_column(sa.Column("delivered", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("remains") as table:
        table.alter_column("delivered", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def _drop_deliveries() -> None:
    with op.batch_alter_table("remains") as table:
        table.drop_column("delivered")
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


def _add_hit_pairs() -> None:
    """Empty: ``exchange.flows.hits.pairs`` fills them from the statements at the node's next start."""
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


def _add_shares() -> None:
    """On whose account each job is done, what each peer took on each day, and what it may take."""
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("node_id", Words(), nullable=False, server_default=""))
        job.create_index("job_by_node", ["kind", "state", "node_id", "not_before"])
    _put_on_account()
    with op.batch_alter_table("job") as job:
        job.alter_column("node_id", existing_type=Words(), existing_nullable=False, server_default=None)
    op.create_table(
        "peer_day",
        sa.Column("peer", Words(), sa.ForeignKey("peer.node_id"), primary_key=True),
        sa.Column("day", Words(), primary_key=True),
        sa.Column("statements", WholeNumber, nullable=False),
        sa.Column("bytes", WholeNumber, nullable=False),
    )
    op.create_table(
        "peer_quota",
        sa.Column("peer", Words(), sa.ForeignKey("peer.node_id"), primary_key=True),
        sa.Column("statements_a_day", WholeNumber),
        sa.Column("bytes_a_day", WholeNumber),
        sa.Column("stopped_at", Words()),
    )


def _drop_shares() -> None:
    op.drop_table("peer_quota")
    op.drop_table("peer_day")
    with op.batch_alter_table("job") as job:
        job.drop_index("job_by_node")
        job.drop_column("node_id")


def _put_on_account() -> None:
    """Work on scans, of which there may be much, on the account of whoever issued their records; other work ends soon,
    on nobody's."""
    connection = op.get_bind()
    job = sa.table("job", *map(sa.column, ("job_id", "kind", "subject", "node_id")))
    acquisition = sa.table("acquisition", sa.column("acquisition_id"), sa.column("statement_id"))
    record = sa.table("record", sa.column("statement_id"), sa.column("issuer"))
    on_scans = job.c.kind.in_(["fetch-scan", "correlate"])
    found = connection.execute(sa.select(job.c.job_id, job.c.subject).where(on_scans)).all()
    subjects = {row.job_id: int(row.subject) for row in found if row.subject.isdecimal()}
    issuers = sa.select(record.c.issuer).join(acquisition, acquisition.c.statement_id == record.c.statement_id)
    issuer = issuers.where(acquisition.c.acquisition_id == sa.bindparam("scan")).scalar_subquery()
    changed = job.update().where(job.c.job_id == sa.bindparam("one"))
    changed = changed.values(node_id=sa.func.coalesce(issuer, ""))
    if subjects:
        connection.execute(changed, [{"one": job_id, "scan": scan} for job_id, scan in subjects.items()])


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


def _add_unasked() -> None:
    """Whom a control is not offered to; since when somebody is examiner who had another role before."""
    op.add_column("verification_task", sa.Column("not_for", Words()))
    op.add_column("user", sa.Column("examiner_since", Words()))


def _drop_unasked() -> None:
    with op.batch_alter_table("verification_task") as table:
        table.drop_column("not_for")
    with op.batch_alter_table("user") as table:
        table.drop_column("examiner_since")


def _add_versions() -> None:
    """Up to which version of the contract a peer reads, and what of its lane this node is too old for."""
    op.add_column("lane", sa.Column("reads", Words()))
    op.add_column("peer", sa.Column("needs", Words()))
    with op.batch_alter_table("peer") as table:
        table.add_column(sa.Column("waiting", WholeNumber, nullable=False, server_default="0"))
    with op.batch_alter_table("peer") as table:
        table.alter_column("waiting", existing_type=WholeNumber, existing_nullable=False, server_default=None)


def _drop_versions() -> None:
    with op.batch_alter_table("lane") as table:
        table.drop_column("reads")
    with op.batch_alter_table("peer") as table:
        table.drop_column("needs")
        table.drop_column("waiting")
