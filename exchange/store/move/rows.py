"""Rows as an engine keeps them, read table by table in the order of their primary keys, a bounded number at a time.

What lies in a column is moved as it is: packed text stays packed. Only a NUL in a text becomes U+FFFD, as whenever a
text is written (`store.tables.columns.Words`): an early release let it through on SQLite.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.types import Boolean, Integer, TypeEngine

from exchange.errors import StoreDamaged
from exchange.store.tables.columns import Base, Packed, Words
from exchange.store.tables.schema_version import SchemaRow, ServingRow
from exchange.store.tables.work_tables import WorkerRow

OF_ONE_PLACE: Final = frozenset({SchemaRow.__tablename__, ServingRow.__tablename__, WorkerRow.__tablename__})
"""Tables that say what a database is, who serves it and who works on it: each has its own."""
ROWS_A_TIME: Final = 2000
BYTES_A_TIME: Final = 8 * 1024 * 1024
"""Of text and bytes. A single row may be larger: it is read alone."""

Key = tuple[str | int, ...]
"""Of a row: the values of its primary key."""


class RowDigest(Protocol):
    """What a digest of `hashlib` does."""

    def update(self, piece: bytes, /) -> None: ...


@dataclass(frozen=True)
class MovedTable:
    """One table, with the types that its engine stores."""

    table: Table

    @property
    def name(self) -> str:
        return self.table.name

    @cached_property
    def plain(self) -> Table:
        """The same table in other words: no column packs or unpacks what is in it."""
        columns = [Column(column.name, _stored(column.type), primary_key=column.primary_key) for column in self.table.c]
        return Table(self.name, MetaData(), *columns)

    @cached_property
    def counter(self) -> str | None:
        """The column that the engine numbers by itself."""
        found = self.table.autoincrement_column
        return None if found is None else found.name

    @cached_property
    def _key(self) -> list[Column[Any]]:
        return list(self.plain.primary_key.columns)

    @cached_property
    def _places(self) -> list[int]:
        return [place for place, column in enumerate(self.plain.c) if column.primary_key]

    def key_of(self, row: Sequence[Any]) -> Key:
        return tuple(row[place] for place in self._places)

    def count(self, connection: Connection) -> int:
        return int(connection.scalar(select(func.count()).select_from(self.plain)) or 0)

    def batches(self, connection: Connection, after: Key | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """The rows behind a key, in the order of their keys. Raises StoreDamaged of a value that has another type than
        its column: SQLite takes any."""
        weight = _sum([func.coalesce(func.length(c), 0) for c in self.plain.c if _is_long(c.type)])
        keys_with_weight: list[ColumnElement[Any]] = [*self._key, weight]
        while True:
            behind = [] if after is None else [self._beyond(after)]
            few: Select[Any] = select(*keys_with_weight).where(*behind).order_by(*self._key).limit(ROWS_A_TIME)
            last = _last(connection.execute(few))
            if last is None:
                return
            chosen = select(self.plain).where(*behind, self._up_to(last)).order_by(*self._key)
            rows = connection.execute(chosen).all()
            yield [self._plain_values(row) for row in rows]
            after = last

    def _beyond(self, key: Key) -> ColumnElement[bool]:
        return self._key[0] > key[0] if len(key) == 1 else tuple_(*self._key) > tuple_(*self._literals(key))

    def _up_to(self, key: Key) -> ColumnElement[bool]:
        return self._key[0] <= key[0] if len(key) == 1 else tuple_(*self._key) <= tuple_(*self._literals(key))

    def _literals(self, key: Key) -> list[ColumnElement[Any]]:
        return [literal(value, column.type) for value, column in zip(key, self._key, strict=True)]

    @cached_property
    def _expected(self) -> list[tuple[str, type]]:
        return [(column.name, column.type.python_type) for column in self.plain.c]

    def _plain_values(self, row: Row[Any]) -> tuple[Any, ...]:
        values = tuple(
            value.replace("\0", "\N{REPLACEMENT CHARACTER}") if type(value) is str and "\0" in value else value
            for value in row
        )
        for value, (name, expected) in zip(values, self._expected, strict=True):
            if value is not None and type(value) is not expected:
                raise StoreDamaged(
                    f"In the table {self.name}, row {self.key_of(values)}, the column {name} holds "
                    f"{type(value).__name__} in place of {expected.__name__}: no release wrote that. Nothing was "
                    "moved. Restore a backup, or find out who changed it: ffp log check"
                )
        return values


def moved_tables() -> list[MovedTable]:
    """All that hold the node's content; each stands behind those that it refers to."""
    return [MovedTable(table) for table in Base.metadata.sorted_tables if table.name not in OF_ONE_PLACE]


def add_to(digest: RowDigest, row: Sequence[Any]) -> None:
    """Add a row to a digest; no two rows add the same bytes."""
    for value in row:
        match value:
            case None:
                digest.update(b"n")
            case bool():
                digest.update(b"t" if value else b"f")
            case int():
                digest.update(b"i%d," % value)
            case float():
                digest.update(b"d" + struct.pack(">d", value))
            case str():
                text = value.encode()
                digest.update(b"s%d," % len(text) + text)
            case bytes():
                digest.update(b"b%d," % len(value))
                digest.update(value)
            case _:
                raise TypeError(type(value))
    digest.update(b"\n")


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    match kind:
        case Words():
            return String()
        case Packed():
            return LargeBinary()
        case Integer() | Boolean() | Double() | LargeBinary() | String():
            return kind
        case _:
            raise TypeError(f"how {kind!r} is moved is not known")


def _is_long(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, LargeBinary | String)


def _sum(parts: Sequence[ColumnElement[int]]) -> ColumnElement[int]:
    total: ColumnElement[int] = literal(0)
    for part in parts:
        total = total + part
    return total


def _last(keys: Iterable[Row[Any]]) -> Key | None:
    """The key up to which rows are read at once."""
    last: Key | None = None
    weight = 0
    for row in keys:
        weight += row[-1]
        if last is not None and weight > BYTES_A_TIME:
            break
        last = tuple(row[:-1])
    return last
