"""What a change of the database schema version does, found by making it in an empty database in memory: migrations
declare nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect

from exchange.store.migrations import downgrade, upgrade
from exchange.store.tables.schema_version import SchemaRow

_WRITES = re.compile(
    r"\s*(?:CREATE TABLE \"?_alembic_tmp_|UPDATE |DELETE FROM |DROP TABLE |ALTER TABLE (?=\S+ DROP COLUMN)"
    r"|CREATE (?:UNIQUE )?INDEX \S+ ON )\"?(\w+)"
)
_TEMPORARY = "_alembic_tmp_"


@dataclass(frozen=True)
class Rehearsal:
    """``rewritten`` are the tables whose rows or indexes are written anew. ``tables_gone`` and ``columns_gone`` (table
    and column) are what only the version before the change has."""

    rewritten: frozenset[str]
    tables_gone: frozenset[str]
    columns_gone: frozenset[tuple[str, str]]


def rehearse(version: int, to: int) -> Rehearsal:
    """Change an empty database from one schema version to another. A migration that updates single rows of a table
    without rewriting the table is not seen: there are no rows."""
    if version == to:
        return Rehearsal(frozenset(), frozenset(), frozenset())
    engine = create_engine("sqlite://")
    touched: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if found := _WRITES.match(statement):
            touched.add(found[1].removeprefix(_TEMPORARY))

    try:
        with engine.begin() as connection:
            upgrade(connection, version)
            before = _columns(connection)
            event.listen(connection, "before_cursor_execute", note)
            (upgrade if to > version else downgrade)(connection, to)
            event.remove(connection, "before_cursor_execute", note)
            after = _columns(connection)
    finally:
        engine.dispose()
    return Rehearsal(
        rewritten=frozenset(touched & before.keys() - {SchemaRow.__tablename__}),
        tables_gone=frozenset(before.keys() - after.keys()),
        columns_gone=frozenset(
            (table, column) for table in before.keys() & after.keys() for column in before[table] - after[table]
        ),
    )


def _columns(connection: Connection) -> dict[str, set[str]]:
    looked = inspect(connection)
    return {table: {column["name"] for column in looked.get_columns(table)} for table in looked.get_table_names()}
