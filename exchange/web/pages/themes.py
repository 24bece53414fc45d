"""Light or dark, as somebody chose it in the menu: it is in the page from its first byte, so that nothing flashes.
Whoever chose nothing has what the system has."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.web.languages.spoken import kept_by_browser

THEME_COOKIE: Final = "ffp-theme"
THEMES: Final = ("light", "dark")
_chosen: ContextVar[str] = ContextVar("theme", default="")


def chosen_theme() -> str:
    """For the request that is answered; empty where the system's holds."""
    return _chosen.get()


class Themed:
    """Reads for each request what the browser keeps of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            kept = kept_by_browser(Headers(scope=scope).get("cookie", ""), THEME_COOKIE)
            _chosen.set(kept if kept in THEMES else "")
        await self._app(scope, receive, send)
