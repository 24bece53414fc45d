"""Requests that wait for worker processes wait in threads of their own: ordinary pages never queue behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio.to_thread
from fastapi import Request

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 16
"""How many such requests are worked on at once; the others wait without a thread."""


async def heavily(request: Request, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses ``node.compute``."""
    limiter: anyio.CapacityLimiter = request.app.state.heavy
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=limiter)
