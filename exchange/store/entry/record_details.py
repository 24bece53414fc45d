"""What a record is only searched by, as the columns of its row of details; and the conditions on these columns.

Text is folded as places are (``schemas.place``), so that it is found in either script. The bar stands in no folded
text: between two bars is what one field, or one instrument, states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ColumnElement, false, or_

from exchange.record_filter import CONDITIONS, AskedRows, Condition, How
from exchange.store.tables.columns import Words
from schemas import Record
from schemas.place import fold_place

BAR: Final = "|"
NOTHING: Final = ("unknown", "not_examined")
"""What says that nothing is known."""
DETAILS: Final[Mapping[str, Condition]] = {
    name: condition for name, condition in CONDITIONS.items() if condition.rows is AskedRows.DETAIL and condition.states
}


def detail_columns(record: Record) -> dict[str, Any]:
    """What the row says of the record, by column."""
    return {name: _column(condition, stated_values(record, condition)) for name, condition in DETAILS.items()}


def stated_values(record: Record, condition: Condition) -> list[Any]:
    """What the record states of a condition's fields, in its order; those that state nothing are left out."""
    return [value for path in condition.states for value in _at(record, path.split("."))]


def _at(value: Any, steps: list[str]) -> Iterator[Any]:
    if value is None:
        return
    if isinstance(value, tuple):
        for one in value:
            yield from _at(one, steps)
    elif steps:
        yield from _at(getattr(value, steps[0]), steps[1:])
    else:
        yield value


def _column(condition: Condition, values: list[Any]) -> Any:
    if not values:
        return None
    match condition.how:
        case How.PART:
            return BAR.join(fold_place(value_in_words(value)) for value in values)
        case How.WORDS:
            return f" {fold_place(values[0])} "
        case How.AMONG:
            return BAR + "".join(f"{value}{BAR}" for value in sorted({as_text(value) for value in values}))
        case How.AT_MOST:
            return min(_ordered(value) for value in values)
    return as_text(values[0])


def value_in_words(value: Any) -> str:
    """Of what has fields of its own, all of them one after the other."""
    if isinstance(value, BaseModel):
        return " ".join(str(found) for _, found in value if found is not None)
    return as_text(value)


def _ordered(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def as_text(value: Any) -> str:
    """A value as it stands in a column of text. A number has one spelling: 10 and 10.0 are one."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case date():
            return value.isoformat()
        case StrEnum():
            return value.value
    return str(value)


def fits_column(column: ColumnElement[Any], how: How, value: Any) -> ColumnElement[bool]:
    """What is asked, held against one column. Text of which nothing is left when folded finds nothing."""
    match how:
        case How.PART | How.WORDS:
            folded = fold_place(value)
            if not folded:
                return false()
            return column.contains(f" {folded} " if how is How.WORDS else folded, autoescape=True)
        case How.AMONG:
            return column.contains(f"{BAR}{as_text(value)}{BAR}", autoescape=True)
        case How.AT_MOST:
            limit: ColumnElement[bool] = column <= _ordered(value)
            return limit
    equal: ColumnElement[bool] = column == (as_text(value) if isinstance(column.type, Words) else value)
    return equal


def states_nothing(column: ColumnElement[Any], how: How) -> ColumnElement[bool]:
    """Empty, or one of the words that say so: alone, or nothing but these among several."""
    if not isinstance(column.type, Words):
        return column.is_(None)
    nothing = list(NOTHING)
    if how is How.AMONG:
        first, second = sorted(NOTHING)
        nothing = [*(f"{BAR}{word}{BAR}" for word in NOTHING), f"{BAR}{first}{BAR}{second}{BAR}"]
    return or_(column.is_(None), column.in_(nothing))
