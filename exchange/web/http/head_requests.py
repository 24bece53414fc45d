"""HEAD, wherever GET is: for load balancers, link checkers and programs that ask how large a download is."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS_ALONE = "ffp.headers_alone"
"""Whether the request of this scope was a HEAD: what is read for the body alone need not be read."""


class HeadAsGet:
    """A HEAD is answered as the GET of the same address, with all its headers and without its body (RFC 9110, 9.3.2).
    Whoever may not GET may not HEAD, and what a GET notes in the audit a HEAD notes too. A peer's request is served by
    the method that it signed, which is never HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or _is_signed(scope):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        scope["method"], scope[HEADERS_ALONE] = "GET", True
        try:
            await self._app(scope, receive, without_body)
        finally:
            scope["method"] = "HEAD"  # as it is logged and counted


def _is_signed(scope: Scope) -> bool:
    return any(name == b"signature-input" for name, _ in scope["headers"])
