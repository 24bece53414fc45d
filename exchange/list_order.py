"""By which column a list is sorted, and which way: what an address of a page asks for, and what the store reads by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

_Column = TypeVar("_Column", bound=StrEnum)


@dataclass(frozen=True)
class ListOrder(Generic[_Column]):
    """Rows that say the same in the column stand by their arrival, the same way. ``after``: what the row says in it
    that the page follows, beside whose number the list is asked."""

    column: _Column
    descending: bool
    after: tuple[str, ...] = ()
