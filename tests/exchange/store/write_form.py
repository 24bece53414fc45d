"""Writes the present form of the database, with data in it, to be migrated by the tests for ever after:

    python -m tests.exchange.store.write_form

Run it when SCHEMA_VERSION was raised, never for a form that is released.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, Table

from exchange.store.tables import SCHEMA_VERSION, Base, SchemaRow
from exchange.store.types import Packed

FIRST = 5
FOLDER = Path(__file__).parent / "forms"


def main() -> None:
    metadata = Base.metadata
    rows = {table.name: [row(table, number) for number in (1, 2)] for table in of_data(metadata)}
    text = json.dumps(rows, indent=1, default=bytes.hex) + "\n"
    (FOLDER / f"form_{SCHEMA_VERSION}.json").write_text(text, encoding="utf-8")


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
