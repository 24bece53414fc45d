"""How a query says which index is not worth using, where SQLite would choose by the columns' names alone."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute


def served_by_no_index(column: InstrumentedAttribute[str] | ColumnElement[str]) -> ColumnElement[str]:
    """The column's text, as an expression that no index has.

    A node's SQLite database has no statistics (``ANALYZE`` is never run), so SQLite takes the index with the most
    columns that a query compares with a value. Where one of them is the same in nearly all rows (a type, an issuer, one
    person's name), that index leads through nearly all rows, and another one, of a column that few rows share, would
    lead to those few. Compared through this, the first column is looked at in the few rows alone. PostgreSQL has
    statistics, and chooses the same.
    """
    return column.concat("")
