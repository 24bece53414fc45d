"""What of each form of the database must never change: what it has the engine do, by its digest."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Integer, LargeBinary, MetaData, Table, event, select, text

from exchange.store.database.engine import Store
from exchange.store.migrations import FORMS, downgrade, upgrade
from exchange.store.tables.schema_version import SchemaRow

FIRST = 5
FOLDER = Path(__file__).parent / "forms"
_CHANGES = re.compile(r"\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE)\b")

FORMS_5 = {
    ("sqlite", "begun"): "545d72c2c8529810115044f882774e11513b5364daeacb5f38c2850e5aa715bc",
    ("sqlite", "first"): "c03f3878566104c745b52e62fa33297d98a66f4821144f3dcbe33df38d16694f",
    ("sqlite", "second"): "9863e574b28b83c47023340b8b8ba418c5cad5c9e46d436dbb16cfbbda65f7d5",
    ("sqlite", "last"): "be5ca9e3a4d0ed6e2d5a476266905b45099601cd61fee6d46bf3d30892947bcc",
    ("postgresql", "begun"): "82aa654c674b5e7d2acc124a0ffe95390e481e852d045f059d4e90a6c307d3a0",
    ("postgresql", "first"): "619f12d008c32fc40ab311409fb0776090bbf63617730bbbb008cbef6d1d3337",
    ("postgresql", "second"): "00818db2ae0d2ba3ad342dd3837346da113254e560927561a6755dcd373e91ca",
    ("postgresql", "last"): "a42f9bf756f920f042030e87bcfea04d84ecec46669c51f91b49511fa3baa8fc",
}
"""SHA-256 of the file ``form_5.<engine>.sql`` at each commit that changed it: the three forms that main had under this
number, and the one before them that was never on it."""
RELEASES = ("begun", "first", "second", "last")


def form_5(engine: str, release: str) -> str:
    """The file as it was: later ones only added to it. Its digest is held by `test_migrations`."""
    sql = (FORMS / f"version_5.{engine}.sql").read_text(encoding="utf-8")
    if release == "last":
        return sql
    sql = sql.replace("comparison BYTEA NOT NULL", 'comparison VARCHAR COLLATE "C" NOT NULL')
    sql = sql.replace("comparison BLOB NOT NULL", "comparison VARCHAR NOT NULL")
    if release == "second":
        return sql
    sql = _without(sql, "stored_object")
    return sql if release == "first" else re.sub(r'\towner VARCHAR( COLLATE "C")?,\n', "", _without(sql, "worker"))


def _without(sql: str, table: str) -> str:
    """Without the statements that make a table and its indexes."""
    made = sql.split(";\n")
    return ";\n".join(one for one in made if f"TABLE {table} " not in one and f" ON {table} " not in one)


@contextmanager
def changing(store: Store) -> Iterator[Connection]:
    with store._database.changing() as connection:
        yield connection


def make_form_5(store: Store, release: str) -> None:
    """In an empty database, what ``ffp init`` of that day made."""
    with changing(store) as connection:
        for statement in filter(None, map(str.strip, form_5(connection.dialect.name, release).split(";\n"))):
            connection.exec_driver_sql(statement)
        SchemaRow.metadata.tables[SchemaRow.__tablename__].create(connection)
        connection.execute(SchemaRow.__table__.insert(), {"version_num": str(FIRST)})


def copy_rows(source: Store, target: Store) -> None:
    """From the last form 5 into an earlier one, in which explanations are text."""
    with source.read() as session, changing(target) as connection:
        there, here = _reflected(session.connection()), _reflected(connection)
        for table in here.sorted_tables:
            wanted = (there.tables[table.name].columns[column.name] for column in table.columns)
            rows = session.execute(select(*wanted))
            told = [{**row._mapping} for row in rows]
            if told and table.name != SchemaRow.__tablename__:
                connection.execute(table.insert(), [_unpacked(table, one) for one in told])
                _count_on(connection, table)


def _reflected(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection)
    return tables


def _unpacked(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    if table.name == "candidate" and not isinstance(table.columns["comparison"].type, LargeBinary):
        return row | {"comparison": zlib.decompress(row["comparison"]).decode()}
    return row


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers the next row by a sequence, which knows nothing of rows that were given their numbers."""
    [key, *more] = table.primary_key.columns
    if connection.dialect.name == "postgresql" and not more and isinstance(key.type, Integer):
        named = f"pg_get_serial_sequence('\"{table.name}\"', '{key.name}')"
        connection.execute(text(f'SELECT setval({named}, (SELECT max("{key.name}") FROM "{table.name}"))'))  # noqa: S608


def go_back(store: Store, to: int) -> None:
    with changing(store) as connection:
        downgrade(connection, str(to))


def digest_of(store: Store, form: int) -> str:
    """SHA-256 over what this form's way up, and its way down, have the engine change in an empty database: its SQL with
    its revision id, wherever and however it is written. The database has no form yet. In no order: of a table that is
    made anew Alembic names constraints and indexes in any."""
    with changing(store) as connection:
        if form > FIRST:
            upgrade(connection, str(form - 1))
        done = _changes(connection, lambda: upgrade(connection, str(form)))
        if form > FIRST:
            done += ["-- down", *_changes(connection, lambda: downgrade(connection, str(form - 1)))]
    return hashlib.sha256("\n".join(done).encode()).hexdigest()


def _changes(connection: Connection, act: Callable[[], None]) -> list[str]:
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if _CHANGES.match(statement):
            lines = sorted(line.strip(" ,\t") for line in f"{statement} {parameters or ''}".splitlines())
            told.append("\n".join(filter(None, lines)))

    event.listen(connection, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return sorted(told)


def digests() -> dict[str, dict[str, str]]:
    """By form, then by engine."""
    found: dict[str, dict[str, str]] = json.loads((FOLDER / "digests.json").read_text(encoding="utf-8"))
    return found
