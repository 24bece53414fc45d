"""Every request has a number and one line in the log, and is counted: by its route, never by its path or query, since
case references and pseudonyms may stand there."""

from __future__ import annotations

import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from exchange.meters import Meters
from exchange.net.request_id import FIELD, HEADER, taken
from exchange.net.tracing import TRACEPARENT, Tracing

log = structlog.get_logger(__name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATIC_ROUTE: Final = "/app/static/*"
QUIET: Final = frozenset({"/healthz", "/readyz", STATIC_ROUTE})
"""Asked every few seconds by whoever watches, or with every page: counted, not logged."""
NO_ROUTE: Final = "none"
_HEADER: Final = HEADER.lower()


class Followed:
    """The outermost middleware. The number comes from the caller's header where that has its form, and goes into the
    answer; whatever is logged meanwhile, in threads too, carries it."""

    def __init__(self, app: ASGIApp, meters: Meters, tracing: Tracing) -> None:
        self._app = app
        self._meters, self._tracing = meters, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        number, status, begun = taken(headers.get(_HEADER)), 0, time.monotonic()

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER.encode(), number.encode())]
            await send(message)

        caller = {TRACEPARENT: headers.get(TRACEPARENT, "")}
        with bound_contextvars(**{FIELD: number}), self._tracing.span("request", caller=caller) as told:
            try:
                await self._app(scope, receive, numbered)
            finally:
                told.say(method=_method_of(scope), route=_route_of(scope), status=status)
                self._note(scope, status, time.monotonic() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """``status`` 0: the connection broke, or the answer failed, before one was sent."""
        method, route = _method_of(scope), _route_of(scope)
        self._meters.requests.labels(method, route, str(status)).inc()
        self._meters.request_seconds.labels(route).observe(seconds)
        if route not in QUIET:
            log.info("answered", method=method, route=route, status=status, seconds=round(seconds, 3))


def _method_of(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _route_of(scope: Scope) -> str:
    """The template of the route that took the request, such as /v1/records/{statement_id}."""
    path = getattr(scope.get("route"), "path", None)
    mounted = scope.get("root_path", "")
    if isinstance(path, str):
        return path if path.startswith(mounted) else f"{mounted}{path}"
    return STATIC_ROUTE if f"{mounted}/".startswith("/app/static/") else NO_ROUTE
