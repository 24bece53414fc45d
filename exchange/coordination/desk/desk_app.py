"""The coordinator's desk as pages: for one person on one machine, without node and database.

All of them lie below a path that is a secret, which the command says: another user of the machine, or a page in the
same browser, does not know it. Nothing else is answered, neither a file nor an error below another path. No cookie
holds the secret, because a browser gives a cookie to every port of this machine, also to a program of another user; and
a page tells no other page where somebody came from. They answer to 127.0.0.1 alone, so that no other name can lead
here; not to ``localhost``, since a browser may look for that at [::1], whose same port is free for another user.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.coordination.desk.pack_desk import DeskFile, PackDesk
from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.coordination.meetings.pack_paper.pack_paper import first_page, pack_title, readers_words, refused_files
from exchange.coordination.meetings.pack_paper.written_pack import pack_files, pack_names
from exchange.coordination.region.region_paper import drawings_of, edition_files, region_blocks
from exchange.coordination.region_files.read_reports import NamedReport, against_each_other
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, RefusedFile, VerifiedReport
from exchange.errors import ExchangeError, InvalidInput, TooLarge
from exchange.extras.known import extra_named
from exchange.web.http.body import read_body
from exchange.web.languages import CODES, NAMES, Spoken, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages.spoken import chosen, speaking
from exchange.web.pages.static_files import EXTENDED, STATIC
from exchange.web.report.pages import laid

Handler = Callable[[Request], Awaitable[Response]]
LANGUAGE_COOKIE: Final = "ffp-desk-language"
MOST_FORM_BYTES: Final = 4 * MAX_FILE_BYTES
"""Of one form with files."""
DESK_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
FILE_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
}


def desk_app(desk: PackDesk, port: int) -> Starlette:
    """``app.state.base`` is the secret path that the address must carry, without the last slash."""
    pages = _Desk(desk, port)
    files = StaticFiles(directory=STATIC)
    files.all_directories += EXTENDED
    routes = [
        Route("/", pages.guarded(pages.files)),
        Route("/files", pages.guarded(pages.put), methods=["POST"]),
        Route("/files/take-away", pages.guarded(pages.take_away), methods=["POST"]),
        Route("/report/{period}", pages.guarded(pages.report)),
        Route("/report/{period}/{name}", pages.guarded(pages.download)),
        Route("/pack/{half}", pages.guarded(pages.pack)),
        Route("/pack/{half}/{name}", pages.guarded(pages.pack_file)),
        Route("/language", pages.guarded(pages.language), methods=["POST"]),
        Mount("/static", files),
    ]
    app = Starlette(routes=[Mount(pages.base, routes=routes)], middleware=[Middleware(_Door, desk=pages)])
    app.state.base = pages.base
    return app


def _doubled(files: Sequence[DeskFile[VerifiedReport]], periods: Iterable[Period]) -> dict[str, RefusedFile]:
    """By name: files that verify, and are not counted beside others of their period."""
    found = [NamedReport(item.shown_name, item.found) for item in files if item.found is not None]
    refused: dict[str, RefusedFile] = {}
    for period in periods:
        of_it = [item for item in found if item.report.manifest.period == str(period)]
        refused |= {item.file: item for item in against_each_other(of_it, period).refused}
    return refused


def _handed_out(found: Iterable[tuple[str, bytes]], name: str) -> Response:
    for known, content in found:
        if known == name:
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(content, media_type=FILE_TYPES[name.rpartition(".")[2]], headers=headers)
    raise InvalidInput(_("There is no such file."), code="invalid-field")


class _Desk:
    def __init__(self, desk: PackDesk, port: int) -> None:
        self.base = f"/{secrets.token_urlsafe(24)}"
        self.host = f"127.0.0.1:{port}"
        self._desk = desk

    def turned_away(self, host: str, path: str) -> Response | None:
        """Return the refusal of a request that names another host or lacks the secret path that the command printed, or
        None."""
        if host != self.host:
            return PlainTextResponse("This desk answers to 127.0.0.1 alone.", 421)
        given = f"/{path.removeprefix('/').partition('/')[0]}"
        if not hmac.compare_digest(given.encode(errors="replace"), self.base.encode()):
            return PlainTextResponse("Open the whole address that ffp region desk said.", 403)
        return None

    def guarded(self, handler: Handler) -> Handler:
        """In the language that was chosen; refusals in words."""

        async def answer(request: Request) -> Response:
            preferred = request.headers.get("accept-language", "")
            code = chosen(request.cookies.get(LANGUAGE_COOKIE), preferred, "en")
            with speaking(Spoken(code, directory=lambda: self._desk.keys.directory)):
                try:
                    made = await handler(request)
                except ExchangeError as error:
                    made = await self._files_page(request, str(error), 422)
            made.headers["Content-Security-Policy"] = DESK_POLICY
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
        drawn = _PAGES.get_template(f"{name}.html").render(csrf=self.csrf, back=back, base=self.base, **values)
        return HTMLResponse(drawn, status)

    async def files(self, request: Request) -> Response:
        return await self._files_page(request, None, 200)

    async def _files_page(self, request: Request, said: str | None, status: int) -> Response:
        files = await run_in_threadpool(self._desk.listed)
        periods = await run_in_threadpool(self._desk.periods)
        who = self._desk.keys.who
        believes = who.trust is not None or bool(who.fingerprints)
        values = {
            "files": files,
            "doubled": _doubled(files, periods),
            "periods": periods,
            "inputs": await run_in_threadpool(self._desk.inputs_listed),
            "exercises": await run_in_threadpool(self._desk.exercises_listed),
            "packs": await run_in_threadpool(self._desk.pack_halves),
            "said": said,
            "believes": believes,
        }
        return self.page("desk", request, status, values)

    async def put(self, request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_FORM_BYTES:
            raise InvalidInput(_("These files are too large for one form; put in fewer at once."), code="too-large")
        async with request.form(max_files=40, max_fields=4) as form:
            self.check(str(form.get("csrf", "")))
            for item in form.getlist("file"):
                if isinstance(item, UploadFile) and item.filename:
                    content = await item.read(MAX_FILE_BYTES + 1)
                    await run_in_threadpool(self._desk.put, item.filename, content)
        return RedirectResponse(f"{self.base}/", 303)

    async def take_away(self, request: Request) -> Response:
        fields = await self.fields(request)
        await run_in_threadpool(self._desk.take_away, fields.get("name", ""))
        return RedirectResponse(f"{self.base}/", 303)

    async def report(self, request: Request) -> Response:
        period = parse_period(request.path_params["period"])
        made = await run_in_threadpool(self._desk.combined, period)
        wants_public = request.query_params.get("edition") == "public" or made.restricted is None
        report = made.public if wants_public or made.restricted is None else made.restricted
        ends = ("json", "csv", *(("pdf",) if extra_named("pdf").is_installed else ()))
        base = f"region-{period}-{report.edition}"
        drawings = (f"{base}-{name}.svg" for name in drawings_of(report))
        values = {
            "period": str(period),
            "edition": report.edition,
            "has_restricted": made.restricted is not None,
            "report": laid(region_blocks(report)),
            "downloads": [*(f"{base}.{end}" for end in ends), *drawings],
        }
        return self.page("desk_report", request, 200, values)

    async def download(self, request: Request) -> Response:
        period, name = parse_period(request.path_params["period"]), request.path_params["name"]
        made = await run_in_threadpool(self._desk.combined, period)
        found = (
            file
            for report in (made.public, made.restricted)
            if report is not None and name.startswith(f"region-{period}-{report.edition}")
            for file in edition_files(report, with_pdf=name.endswith(".pdf"))
        )
        return await run_in_threadpool(_handed_out, found, name)

    async def pack(self, request: Request) -> Response:
        half = Half.parse(request.path_params["half"])
        made = await run_in_threadpool(self._desk.pack, half)
        values = {
            "half": str(half),
            "title": pack_title(made),
            "readers": readers_words(made),
            "report": laid([*refused_files(made), *first_page(made)]),
            "downloads": pack_names(made, with_pdf=extra_named("pdf").is_installed),
        }
        return self.page("desk_pack", request, 200, values)

    async def pack_file(self, request: Request) -> Response:
        half, name = Half.parse(request.path_params["half"]), request.path_params["name"]
        made = await run_in_threadpool(self._desk.pack, half)
        with_pdf = name.endswith(".pdf")
        found = pack_files(made, with_pdf=with_pdf) if name in pack_names(made, with_pdf=with_pdf) else ()
        return await run_in_threadpool(_handed_out, found, name)


class _Door:
    """Middleware that checks each request before any route, including static files, errors and redirects."""

    def __init__(self, app: ASGIApp, desk: _Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] in ("http", "websocket"):
            answer = self._desk.turned_away(Headers(scope=scope).get("host", ""), scope["path"])
        await (answer or self._app)(scope, receive, send)


def _pages() -> Environment:
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


_PAGES: Final = _pages()
