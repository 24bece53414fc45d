"""Pages for one person on one machine, without node and database: who may open them, in which language, which forms
are taken.

All of them lie below a path that is a secret, which the command says: another user of the machine, or a page in the
same browser, does not know it. Nothing else is answered, neither a file nor an error below another path. No cookie
holds the secret, because a browser gives a cookie to every port of this machine, also to a program of another user; and
a page tells no other page where somebody came from. They answer to 127.0.0.1 alone, so that no other name can lead
here; not to ``localhost``, since a browser may look for that at [::1], whose same port is free for another user.
"""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.errors import ExchangeError, InvalidInput, TooLarge
from exchange.jurisdictions.directory import Directory
from exchange.web.http.body import read_body
from exchange.web.languages import CODES, NAMES, Spoken, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages.spoken import chosen, speaking
from exchange.web.pages.static_files import EXTENDED, STATIC

Handler = Callable[[Request], Awaitable[Response]]
LANGUAGE_COOKIE: Final = "ffp-desk-language"


class LocalDesk(ABC):
    """``base``: the secret path, without the last slash. ``command``: what says the address with it."""

    def __init__(self, pages: Environment, port: int, *, command: str, policy: str) -> None:
        self.base = f"/{secrets.token_urlsafe(24)}"
        self.host = f"127.0.0.1:{port}"
        self._pages, self._command, self._policy = pages, command, policy

    def app(self, routes: Sequence[BaseRoute]) -> Starlette:
        """``routes``: those of the desk, each ``guarded``. ``app.state.base``: the path that the command says."""
        shared = [Route("/language", self.guarded(self.language), methods=["POST"])]
        files = StaticFiles(directory=STATIC)
        files.all_directories += EXTENDED
        static = Mount("/static", files)
        below = Mount(self.base, routes=[*routes, *shared, static])
        app = Starlette(routes=[below], middleware=[Middleware(_Door, desk=self)])
        app.state.base = self.base
        return app

    def turned_away(self, host: str, path: str) -> Response | None:
        """The answer to whoever came by another name, or has not the address that the command said."""
        if host != self.host:
            return PlainTextResponse("This desk answers to 127.0.0.1 alone.", 421)
        given = f"/{path.removeprefix('/').partition('/')[0]}"
        if not hmac.compare_digest(given.encode(errors="replace"), self.base.encode()):
            return PlainTextResponse(f"Open the whole address that {self._command} said.", 403)
        return None

    @abstractmethod
    def directory(self) -> Directory:
        """The names of jurisdictions that these pages say."""

    @abstractmethod
    async def refused(self, request: Request, error: ExchangeError) -> Response:
        """The page that says why something is not done."""

    def guarded(self, handler: Handler) -> Handler:
        """In the language that was chosen; refusals in words."""

        async def answer(request: Request) -> Response:
            preferred = request.headers.get("accept-language", "")
            code = chosen(request.cookies.get(LANGUAGE_COOKIE), preferred, "en")
            with speaking(Spoken(code, directory=self.directory)):
                try:
                    made = await handler(request)
                except ExchangeError as error:
                    made = await self.refused(request, error)
            made.headers["Content-Security-Policy"] = self._policy
            made.headers["X-Content-Type-Options"] = "nosniff"
            made.headers["Referrer-Policy"] = "no-referrer"
            made.headers["Cache-Control"] = "no-store"
            return made

        return answer

    async def language(self, request: Request) -> Response:
        fields = await self.fields(request)
        back = fields.get("back", "")
        answer = RedirectResponse(back if back.startswith(f"{self.base}/") else f"{self.base}/", 303)
        if fields.get("language") in CODES:
            answer.set_cookie(LANGUAGE_COOKIE, fields["language"], path=self.base, httponly=True, samesite="strict")
        return answer

    async def fields(self, request: Request, *, most_bytes: int = 8192, most: int = 10) -> dict[str, str]:
        """Of a form of these pages. Raises InvalidInput for what is none."""
        try:
            body = await read_body(request, most_bytes)
        except TooLarge as error:
            raise InvalidInput(_("This is no form of these pages."), code="no-form") from error
        try:
            found = parse_qs(body.decode(errors="replace"), max_num_fields=most, keep_blank_values=True)
        except ValueError as error:  # more fields than a form of these pages has
            raise InvalidInput(_("This is no form of these pages."), code="no-form") from error
        fields = {name: values[0] for name, values in found.items()}
        self.check(fields.get("csrf", ""))
        return fields

    def check(self, csrf: str) -> None:
        """Raises InvalidInput for a form of another desk, or of an earlier one."""
        if not hmac.compare_digest(csrf.encode(), self.csrf.encode()):
            raise InvalidInput(_("This form is of an earlier desk. Load the page anew."), code="no-form")

    @property
    def csrf(self) -> str:
        return hmac.new(self.base.encode(), b"form", "sha256").hexdigest()

    def page(self, name: str, request: Request, status: int, values: Mapping[str, Any]) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        back = f"{request.url.path}{query}" if request.method == "GET" else f"{self.base}/"
        drawn = self._pages.get_template(f"{name}.html").render(csrf=self.csrf, back=back, base=self.base, **values)
        return HTMLResponse(drawn, status)


class _Door:
    """Before all routes: also those that a framework makes by itself, of files, errors and redirects."""

    def __init__(self, app: ASGIApp, desk: LocalDesk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] in ("http", "websocket"):
            answer = self._desk.turned_away(Headers(scope=scope).get("host", ""), scope["path"])
        await (answer or self._app)(scope, receive, send)


def desk_pages() -> Environment:
    """Return the Jinja environment of the desk's templates. It displays them in the language of the request."""
    pages = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    i18n: Any = pages  # the extension gives the environment this method
    i18n.install_gettext_callables(
        lambda text: spoken().gettext(text), lambda one, many, count: spoken().ngettext(one, many, count), newstyle=True
    )
    pages.globals |= {"spoken": spoken, "languages": NAMES}
    pages.filters |= {"term": lambda code: term(code, "jurisdiction")}
    return pages
