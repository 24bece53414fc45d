"""Databases with rows in every table."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Column, Table

from exchange.store.database.engine import Store
from exchange.store.tables.columns import Base, Packed
from exchange.store.tables.schema_version import SchemaRow


def fill(store: Store) -> None:
    """Write two rows into every table: the first has everything, the second lacks what may be absent."""
    with store.changing() as connection:
        for table in data_tables():
            connection.execute(table.delete())
        for table in data_tables():
            for number in (1, 2):
                connection.execute(table.insert(), row(table, number))


def data_tables() -> list[Table]:
    """Each table after those that it refers to."""
    return [table for table in Base.metadata.sorted_tables if table.name != SchemaRow.__tablename__]


def row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(column, number) for column in table.columns}


def _value(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return _value(key.column, number)
    kind = str if isinstance(column.type, Packed) else column.type.python_type
    if column.nullable and number == 2:
        return None
    if kind is bytes:
        return hashlib.sha256(f"{column}-{number}".encode()).digest()
    if kind is bool:
        return number == 1
    return kind(number) if kind in (int, float) else f"{column.table.name}-{column.name}-{number}"
