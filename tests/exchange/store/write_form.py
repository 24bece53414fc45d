"""Writes the present form of the database, with data in it, to be migrated by the tests for ever after:

    python -m tests.exchange.store.write_form

Run it when SCHEMA_VERSION was raised, never for a form that is released. Of the first one, which has no migration
before it, it writes the tables too; that ends with release 0.1.0.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Dialect, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from exchange.store.migrations import FORMS
from exchange.store.tables import SCHEMA_VERSION, Base, SchemaRow
from exchange.store.types import Packed

FIRST = 5
FOLDER = Path(__file__).parent / "forms"
DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}


def main() -> None:
    metadata = Base.metadata
    if SCHEMA_VERSION == FIRST:
        for name, dialect in DIALECTS.items():
            (FORMS / f"form_{FIRST}.{name}.sql").write_text(statements(metadata, dialect), encoding="utf-8")
    rows = {table.name: [row(table, number) for number in (1, 2)] for table in of_data(metadata)}
    text = json.dumps(rows, indent=1, default=bytes.hex) + "\n"
    (FOLDER / f"form_{SCHEMA_VERSION}.json").write_text(text, encoding="utf-8")


def statements(metadata: MetaData, dialect: Dialect) -> str:
    """All tables and indexes as the engine is given them; Alembic makes the table of the form itself."""
    made = [
        "\n".join(map(str.rstrip, str(element.compile(dialect=dialect)).strip().splitlines()))
        for table in of_data(metadata)
        for element in (CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=lambda index: str(index.name))))
    ]
    return "".join(f"{statement};\n" for statement in made)


def of_data(metadata: MetaData) -> list[Table]:
    """Each table after those that it refers to."""
    return [table for table in metadata.sorted_tables if table.name != SchemaRow.__tablename__]


def row(table: Table, number: int) -> dict[str, Any]:
    """The first has everything, the second lacks what may be absent."""
    return {column.name: value(column, number) for column in table.columns}


def value(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return value(key.column, number)
    kind = bytes if isinstance(column.type, Packed) else column.type.python_type
    if column.nullable and number == 2:
        return None
    if kind is bytes:
        return hashlib.sha256(f"{column}-{number}".encode()).digest()
    if kind is bool:
        return number == 1
    return kind(number) if kind in (int, float) else f"{column.table.name}-{column.name}-{number}"


if __name__ == "__main__":
    main()
