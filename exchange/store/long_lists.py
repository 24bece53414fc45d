"""Long lists: of names, in parts that one query of the database takes; of rows, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVarTuple

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from exchange.list_order import ListOrder

_Ts = TypeVarTuple("_Ts")
Sorted: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]

AT_ONCE = 500
"""Bounded: a database takes so many values in one question."""
MOST_SORTED: Final = 1000
"""By a column that no index serves, a list is sorted only where it has no more rows than this: for each page all of
them are read."""


def in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


def page_in_order(
    query: Select[*_Ts], columns: Sequence[Sorted], order: ListOrder[Any], before: int | None, limit: int
) -> Select[*_Ts]:
    """The page of a list that follows the row of number ``before``, or the first. The last of the ``columns`` is that
    number, which no two rows share: so nothing is skipped and nothing comes twice, whatever arrives meanwhile."""
    if before is not None and len(columns) == 1:
        query = query.where(columns[0] < before if order.descending else columns[0] > before)
    elif before is not None:
        place = (*order.after, before)
        query = query.where(tuple_(*columns) < place if order.descending else tuple_(*columns) > place)
    return query.order_by(*(column.desc() if order.descending else column for column in columns)).limit(limit)
