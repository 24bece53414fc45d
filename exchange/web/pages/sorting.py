"""How a list on a page is sorted: what its address says of that, and the addresses that sort it otherwise.

The columns are an enumeration of the list's own, so that an address names no other; the cursor of a next page says the
order that it is of, and is believed for no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query

from exchange.list_order import ListOrder
from exchange.web.http.paging import decode_place, encode_place

_Column = TypeVar("_Column", bound=StrEnum)

MAX_CURSOR: Final = 600
"""Of the longest case reference, with the node's name before it."""
PageCursor = Annotated[str | None, Query(max_length=MAX_CURSOR)]
_TEXT: Final = re.compile(r"[^\x00-\x1f\ud800-\udfff]{0,200}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Direction(StrEnum):
    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True)
class Sorting(Generic[_Column]):
    """``usual``: the order of an address that names none; ``offered``: the columns that can be chosen now, of those in
    ``falling`` the greatest first; ``path`` and ``kept``: the address, and what else it says."""

    order: ListOrder[_Column]
    usual: ListOrder[_Column]
    offered: Sequence[_Column]
    falling: Sequence[_Column]
    path: str
    kept: Mapping[str, str | Sequence[str]]

    @property
    def said(self) -> dict[str, str]:
        """What an address says of the order: nothing of the usual one."""
        return _said(self.order, self.usual)

    def aria(self, column: _Column) -> str:
        """The value of ``aria-sort``; empty for all columns but the one that sorts."""
        if column != self.order.column:
            return ""
        return "descending" if self.order.descending else "ascending"

    def address(self, column: _Column) -> str:
        """Of the list sorted by a column: by that which sorts now, the other way. It begins at the first page."""
        turned = not self.order.descending if column == self.order.column else column in self.falling
        said = dict(self.kept) | _said(ListOrder(column, turned), self.usual)
        return f"{self.path}?{urlencode(said, doseq=True)}" if said else self.path

    def address_after(self, cursor: str) -> str:
        """Of the next page."""
        return f"{self.path}?{urlencode(dict(self.kept) | self.said | {'cursor': cursor}, doseq=True)}"


def order_of(
    usual: ListOrder[_Column], falling: Sequence[_Column], column: _Column | None, direction: Direction | None
) -> ListOrder[_Column]:
    """What an address asks for: a column that it names without a direction is sorted the way that is of use."""
    if column is None:
        return usual if direction is None else ListOrder(usual.column, direction is Direction.DESCENDING)
    descending = column in falling if direction is None else direction is Direction.DESCENDING
    return ListOrder(column, descending)


def cursor_after(order: ListOrder[Any], values: Sequence[str], number: int) -> str:
    """Where the next page goes on, after the row of this number that says these values."""
    return encode_place(_name(order), *values, str(number))


def opened_cursor(cursor: str, order: ListOrder[_Column], values: int) -> tuple[ListOrder[_Column], int]:
    """The order with the place in it, and the number. Raises InvalidInput, code "invalid-cursor", for a cursor of
    another order too."""
    forms = (re.compile(re.escape(_name(order))), *(_TEXT for _ in range(values)), _NUMBER)
    _, *after, number = decode_place(cursor, *forms)
    return ListOrder(order.column, order.descending, tuple(after)), int(number)


def _said(order: ListOrder[_Column], usual: ListOrder[_Column]) -> dict[str, str]:
    if (order.column, order.descending) == (usual.column, usual.descending):
        return {}
    return {"sort": str(order.column), "order": str(_direction(order))}


def _name(order: ListOrder[Any]) -> str:
    return f"{order.column} {_direction(order)}"


def _direction(order: ListOrder[Any]) -> Direction:
    return Direction.DESCENDING if order.descending else Direction.ASCENDING
