"""What a change of form does, found by doing it to an empty database in memory: nothing has to be declared."""

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
    and column) are what only the form of before has a place for."""

    rewritten: frozenset[str]
    tables_gone: frozenset[str]
    columns_gone: frozenset[tuple[str, str]]


def rehearse(form: int, to: int) -> Rehearsal:
    """Change an empty database from one form to another. Rows that are changed one by one are not there to be seen: the
    forms from 6 on change none whose table they do not make anew as well."""
    engine = create_engine("sqlite://")
    touched: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if found := _WRITES.match(statement):
            touched.add(found[1].removeprefix(_TEMPORARY))

    try:
        with engine.begin() as connection:
            upgrade(connection, str(form))
            before = _columns(connection)
            event.listen(connection, "before_cursor_execute", note)
            (upgrade if to > form else downgrade)(connection, str(to))
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
