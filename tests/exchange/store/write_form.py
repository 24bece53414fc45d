"""Writes the present form of the database, with data in it, to be migrated by the tests for ever after, and the digest
of what its migration has either engine do:

    python -m tests.exchange.store.write_form

Run it whenever the tables of a form changed that no release has yet; never for one that is released. It needs the
programs of PostgreSQL.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, Column, MetaData, Table, make_url

from exchange.store.database.engine import Store
from exchange.store.tables.columns import Base, Packed
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow
from tests.exchange.postgresql_server import one_of_its_own
from tests.exchange.store.released import FOLDER, digest_of, digests


def main() -> None:
    metadata = Base.metadata
    rows = {table.name: [row(table, number) for number in (1, 2)] for table in of_data(metadata)}
    text = json.dumps(rows, indent=1, default=bytes.hex) + "\n"
    (FOLDER / f"form_{SCHEMA_VERSION}.json").write_text(text, encoding="utf-8")
    kept = digests() | {str(SCHEMA_VERSION): {"sqlite": _on_sqlite(), "postgresql": _on_postgresql()}}
    (FOLDER / "digests.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _on_sqlite() -> str:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "node.db"
        place.touch()
        return _digest(place)


def _on_postgresql() -> str:
    with one_of_its_own() as (_, address):
        return _digest(make_url(address))


def _digest(place: Path | URL) -> str:
    store = Store(place)
    try:
        return digest_of(store, SCHEMA_VERSION)
    finally:
        store.close()


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
