"""The columns by which tables of records are sorted, on every page that has one (``record_table.html``)."""

from __future__ import annotations

from typing import Final

from exchange.flows.review.records import NEWEST_FIRST, RecordColumn, RecordOrder
from exchange.web.pages.sorting import Direction, Sorting, order_of

FALLING: Final = (RecordColumn.RECEIVED, RecordColumn.OCCURRED)
"""What is newest is of use first."""
VALUES: Final = dict.fromkeys(RecordColumn, 1) | {RecordColumn.RECEIVED: 0, RecordColumn.JURISDICTION: 2}
"""Of how many values a place in the list consists, beside the record's number."""


def record_order(sort: RecordColumn | None, order: Direction | None) -> RecordOrder:
    return order_of(NEWEST_FIRST, FALLING, sort, order)


def few_records(order: RecordOrder, path: str) -> Sorting[RecordColumn]:
    """Of a table that is on its page as a whole: by any column."""
    return Sorting(order, NEWEST_FIRST, tuple(RecordColumn), FALLING, path, {})
