"""A route that waits for the database, in one thread."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

_P = ParamSpec("_P")
_T = TypeVar("_T")


def in_thread(route: Callable[_P, _T]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Of a plain ``def`` FastAPI sends the answer to a second thread, to see that it is of its model: of one that is
    made as that model this looks at its type alone, and to go there and back costs more."""

    @functools.wraps(route)
    async def answered(*args: _P.args, **named: _P.kwargs) -> _T:
        return await run_in_threadpool(route, *args, **named)

    return answered
