"""The SQL statements that a test causes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event


@contextmanager
def counted_sql(*, of_every_thread: bool = False) -> Iterator[list[str]]:
    """The SQL statements of the calling thread, in order, with single spaces.

    Nodes that other tests of the process started run statements of their own meanwhile: only a test that serves pages
    by another thread takes ``of_every_thread``, and looks for its own statement among them.
    """
    statements: list[str] = []
    caller = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if of_every_thread or threading.get_ident() == caller:
            statements.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
