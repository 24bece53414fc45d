"""Fill a marked copy, compare it, and hand the node over: each step may be killed, and is gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, MetaData, String, Table, delete, insert, select, text, update

from exchange.clock import stamp
from exchange.errors import ConfigurationError
from exchange.store.database.database_standing import DatabaseStanding, Use
from exchange.store.database.engine import Store
from exchange.store.move.rows import Key, MovedTable, add_to
from exchange.store.tables.columns import Base, WholeNumber
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow, ServingRow

MoveProgress = Callable[[str, int, int], None]
"""Called with a table, how many of its rows were moved or compared, and how many there are."""

OF_THE_COPY = MetaData()
"""What stands in a copy alone, as long as it is one."""
_progress = Table(
    "move_progress",
    OF_THE_COPY,
    Column("name", String(100), primary_key=True),
    Column("rows", WholeNumber, nullable=False),
    Column("last_key", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class TableContent:
    """What a table holds: its rows in the order of their keys, as a digest (SHA-256 in hexadecimal)."""

    rows: int
    sha256: str


def copy_table(source: Connection, target: Store, table: MovedTable, progress: MoveProgress) -> int:
    """Move what is not there yet, each batch in one transaction with the mark of how far it goes. Returns how many rows
    were moved."""
    rows, last = _done(target, table)
    there, moved = table.count(source), 0
    progress(table.name, rows, there)
    for batch in table.batches(source, last):
        last, rows, moved = table.key_of(batch[-1]), rows + len(batch), moved + len(batch)
        with target.write() as session:
            connection = session.connection()
            connection.execute(
                insert(table.plain), [dict(zip(table.plain.c.keys(), row, strict=True)) for row in batch]
            )
            connection.execute(delete(_progress).where(_progress.c.name == table.name))
            mark = {"name": table.name, "rows": rows, "last_key": json.dumps(last).encode()}
            connection.execute(insert(_progress).values(mark))
        progress(table.name, rows, there)
    return moved


def _done(target: Store, table: MovedTable) -> tuple[int, Key | None]:
    with target.read() as session:
        found = session.execute(
            select(_progress.c.rows, _progress.c.last_key).where(_progress.c.name == table.name)
        ).one_or_none()
    return (0, None) if found is None else (found.rows, tuple(json.loads(found.last_key)))


def content_of(connection: Connection, table: MovedTable, progress: MoveProgress, of: int) -> TableContent:
    """Read a whole table, and no more of it at a time than a batch."""
    digest, rows = hashlib.sha256(), 0
    for batch in table.batches(connection):
        for row in batch:
            add_to(digest, row)
        rows += len(batch)
        progress(table.name, rows, of)
    return TableContent(rows, digest.hexdigest())


def highest_number(connection: Connection, table: MovedTable) -> int:
    """The highest number that the engine gave in this table by itself, whether its row is there yet or not; 0 for
    none."""
    if table.counter is None:
        return 0
    column = table.plain.c[table.counter]
    highest = int(connection.scalar(select(column).order_by(column.desc()).limit(1)) or 0)
    if connection.dialect.name == "postgresql":
        sequence = _sequence(connection, table)
        if sequence is not None:
            given = text("SELECT pg_sequence_last_value(CAST(:name AS regclass))")  # None before the first
            return max(highest, int(connection.scalar(given, {"name": sequence}) or 0))
    elif _is_remembered(table):
        found = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        return max(highest, int(found or 0))
    return highest


def set_counter(connection: Connection, table: MovedTable, highest: int) -> None:
    """The next number is behind all that were given: none is given twice. Doing so twice changes nothing."""
    if highest == 0:
        return
    if connection.dialect.name == "postgresql":
        sequence = _sequence(connection, table)
        if sequence is not None:
            connection.execute(text("SELECT setval(:name, :highest)"), {"name": sequence, "highest": highest})
    elif _is_remembered(table):
        values = {"name": table.name, "highest": highest}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"), values)


def _sequence(connection: Connection, table: MovedTable) -> str | None:
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    found = connection.scalar(
        text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": quoted, "column": table.counter}
    )
    return None if found is None else str(found)


def _is_remembered(table: MovedTable) -> bool:
    """SQLite gives the number of a deleted last row again, unless the table says otherwise."""
    return bool(table.table.dialect_options["sqlite"]["autoincrement"])


def mark_left(connection: Connection, move: str, target: str) -> None:
    """Mark a database as left, within its own transaction: from its commit on no release serves it, and a process that
    still serves it writes no more. ``target`` is told to whoever tries."""
    _set_standing(connection, str(SCHEMA_VERSION), DatabaseStanding(SCHEMA_VERSION, Use.MOVED, move))
    generation = int(connection.scalar(select(ServingRow.generation)) or 0)
    connection.execute(delete(ServingRow))
    left = {"id": 1, "generation": generation + 1, "place": f"moved to {target}", "since": stamp()}
    connection.execute(insert(ServingRow).values(left))


def hand_over(connection: Connection, move: str) -> None:
    """Make the copy the node's database, within its own transaction. Only after the other one was left."""
    _set_standing(connection, str(DatabaseStanding(SCHEMA_VERSION, Use.COPY, move)), DatabaseStanding(SCHEMA_VERSION))
    OF_THE_COPY.drop_all(connection)


def _set_standing(connection: Connection, before: str, after: DatabaseStanding) -> None:
    changed: Any = connection.execute(
        update(SchemaRow).where(SchemaRow.version_num == before).values(version_num=str(after))
    )
    if changed.rowcount != 1:
        raise ConfigurationError(f"The database does not stand at {before} any more; it is left as it is.")


def empty_copy(connection: Connection) -> None:
    """Remove the tables of a copy that is given up, within one transaction."""
    OF_THE_COPY.drop_all(connection)
    Base.metadata.drop_all(connection)
