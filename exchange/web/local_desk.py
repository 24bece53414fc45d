"""Pages for one person on one machine, without node and database: who may open them, in which language, which forms
are taken.

Whoever opens them must have the secret of the address that the command says: another user of the machine, or a page in
the same browser, does not. They answer to the names of this machine alone, so that no other name can lead here.

A browser keeps the secret in a cookie, and gives cookies to every port of this machine: whoever opens, in the same
browser, a page that another user of the machine serves here, gives that user the secret too.
"""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from exchange.errors import ExchangeError, InvalidInput
from exchange.jurisdictions.directory import Directory
from exchange.web.languages import CODES, NAMES, Spoken, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages.spoken import chosen, speaking

Handler = Callable[[Request], Awaitable[Response]]


class LocalDesk(ABC):
    """``cookie`` holds the secret, and another one of its name the language: browsers tell no two ports of a machine
    apart, so each desk has its own. ``command``: what says the address with the secret."""

    def __init__(self, pages: Environment, port: int, *, cookie: str, command: str, policy: str) -> None:
        self.secret = secrets.token_urlsafe(24)
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._pages, self._cookie, self._command, self._policy = pages, cookie, command, policy

    @abstractmethod
    def directory(self) -> Directory:
        """The names of jurisdictions that these pages say."""

    @abstractmethod
    async def refused(self, request: Request, error: ExchangeError) -> Response:
        """The page that says why something is not done."""

    def guarded(self, handler: Handler) -> Handler:
        """Who has the secret, by this machine's own name, in the language that was chosen; refusals in words."""

        async def answer(request: Request) -> Response:
            if request.headers.get("host", "") not in self._hosts:
                return PlainTextResponse("This desk answers to 127.0.0.1 alone.", 421)
            given = request.query_params.get("key")
            if given is not None and hmac.compare_digest(given.encode(), self.secret.encode()):
                opened = RedirectResponse("/", 303)
                opened.set_cookie(self._cookie, self.secret, httponly=True, samesite="strict")
                return opened
            if not hmac.compare_digest(request.cookies.get(self._cookie, "").encode(), self.secret.encode()):
                return PlainTextResponse(f"Open the address that {self._command} said, with its key.", 403)
            preferred = request.headers.get("accept-language", "")
            code = chosen(request.cookies.get(f"{self._cookie}-language"), preferred, "en")
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
        back = fields.get("back", "/")
        answer = RedirectResponse(back if back.startswith("/") and not back.startswith("//") else "/", 303)
        if fields.get("language") in CODES:
            answer.set_cookie(f"{self._cookie}-language", fields["language"], samesite="strict")
        return answer

    async def fields(self, request: Request, *, most_bytes: int = 8192, most: int = 10) -> dict[str, str]:
        """Of a form of these pages. Raises InvalidInput for what is none."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most_bytes:
                raise InvalidInput(_("This is no form of these pages."), code="no-form")
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
        return hmac.new(self.secret.encode(), b"form", "sha256").hexdigest()

    def page(self, name: str, request: Request, status: int, values: Mapping[str, Any]) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        back = f"{request.url.path}{query}" if request.method == "GET" else "/"
        drawn = self._pages.get_template(f"{name}.html").render(csrf=self.csrf, back=back, **values)
        return HTMLResponse(drawn, status)


def desk_pages(package: str) -> Environment:
    """The templates of a package, which say their texts in the language that is spoken."""
    pages = Environment(
        loader=PackageLoader(package),
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
