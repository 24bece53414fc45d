"""The coordinator's desk as pages: for one person on one machine, without node and database (``local_desk``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from exchange.coordination.desk.local_desk import LocalDesk, desk_pages
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.coordination.meetings.pack_paper.pack_paper import first_page, pack_title, readers_words, refused_files
from exchange.coordination.meetings.pack_paper.written_pack import pack_files, pack_names
from exchange.coordination.region.region_desk import DeskFile
from exchange.coordination.region.region_paper import region_blocks
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.written_region import drawings_of, edition_files
from exchange.coordination.region_files.read_reports import NamedReport, against_each_other
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, RefusedFile
from exchange.errors import ExchangeError, InvalidInput
from exchange.extras.known import extra_named
from exchange.jurisdictions.directory import Directory
from exchange.web.languages import gettext as _
from exchange.web.report.pages import laid

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

_pages = desk_pages()


def desk_app(desk: PackDesk, port: int) -> Starlette:
    """``app.state.base`` is the path that the address must carry."""
    pages = _Desk(desk, port)
    return pages.app(
        [
            Route("/", pages.guarded(pages.files)),
            Route("/files", pages.guarded(pages.put), methods=["POST"]),
            Route("/files/take-away", pages.guarded(pages.take_away), methods=["POST"]),
            Route("/report/{period}", pages.guarded(pages.report)),
            Route("/report/{period}/{name}", pages.guarded(pages.download)),
            Route("/pack/{half}", pages.guarded(pages.pack)),
            Route("/pack/{half}/{name}", pages.guarded(pages.pack_file)),
        ]
    )


def _doubled(files: Sequence[DeskFile], periods: Iterable[Period]) -> dict[str, RefusedFile]:
    """By name: files that verify, and are not counted beside others of their period."""
    found = [NamedReport(item.shown_name, item.report) for item in files if item.report is not None]
    refused: dict[str, RefusedFile] = {}
    for period in periods:
        of_it = [item for item in found if item.report.manifest.period == str(period)]
        refused |= {item.file: item for item in against_each_other(of_it, period).refused}
    return refused


def _edition(report: RegionalReport, with_pdf: bool) -> dict[str, bytes]:
    return dict(edition_files(report, with_pdf=with_pdf))


class _Desk(LocalDesk):
    def __init__(self, desk: PackDesk, port: int) -> None:
        super().__init__(_pages, port, command="ffp region desk", policy=DESK_POLICY)
        self._desk = desk

    def directory(self) -> Directory:
        return self._desk.keys.directory

    async def refused(self, request: Request, error: ExchangeError) -> Response:
        return await self._files_page(request, str(error), 422)

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
        for report in (made.public, made.restricted):
            if report is not None and name.startswith(f"region-{period}-{report.edition}"):
                found = await run_in_threadpool(_edition, report, name.endswith(".pdf"))
                if name in found:
                    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
                    return Response(found[name], media_type=FILE_TYPES[name.rpartition(".")[2]], headers=headers)
        raise InvalidInput(_("There is no such file."), code="invalid-field")

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
        if name in pack_names(made, with_pdf=with_pdf):
            found = await run_in_threadpool(lambda: dict(pack_files(made, with_pdf=with_pdf)))
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(found[name], media_type=FILE_TYPES[name.rpartition(".")[2]], headers=headers)
        raise InvalidInput(_("There is no such file."), code="invalid-field")
