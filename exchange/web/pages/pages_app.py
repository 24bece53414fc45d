"""The pages as an application of their own within the node's: their errors are pages, their policy allows nothing."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.errors import ExchangeError
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.node import Node
from exchange.web.access.login_rate_limit import Tries
from exchange.web.http.compression import Kept, PackedPages
from exchange.web.http.problems import headers_of, problem, status_of
from exchange.web.languages.spoken import Speaking, spoken
from exchange.web.pages import approval_pages as approvals
from exchange.web.pages import audit_pages as audit
from exchange.web.pages import calibre_pages as calibres
from exchange.web.pages import event_pages as events
from exchange.web.pages import guide, language, scan_pictures
from exchange.web.pages import home_pages as home
from exchange.web.pages.access import oidc_pages as oidc
from exchange.web.pages.access import sign_in_pages as sign_in
from exchange.web.pages.access import token_pages as tokens
from exchange.web.pages.access.sign_in_pages import sign_in_address
from exchange.web.pages.entry import firearm_pages as firearms
from exchange.web.pages.entry import held_record_pages as held_records
from exchange.web.pages.entry import instrument_pages as instruments
from exchange.web.pages.entry import kept_search_pages as kept_searches
from exchange.web.pages.entry import policy_lines, register, register_files
from exchange.web.pages.entry import record_pages as records
from exchange.web.pages.entry import search_pages as search
from exchange.web.pages.entry import withdrawal_pages as withdrawals
from exchange.web.pages.extended import routes_parts
from exchange.web.pages.layout import SignInFirst, error_page
from exchange.web.pages.live_hint_pages import LiveHints
from exchange.web.pages.query import query_pages as queries
from exchange.web.pages.review import alert_pages as alerts
from exchange.web.pages.review import candidate_list, cases, pair, pictures, sheets
from exchange.web.pages.review import compare_pages as compare
from exchange.web.pages.review import disclosure_pages as disclosures
from exchange.web.pages.review import exhibit_list_pages as exhibit_list
from exchange.web.pages.review import hit_pages as hits
from exchange.web.pages.review import report_pages as report
from exchange.web.pages.review import review_pages as reviews
from exchange.web.pages.review import saved_view_pages as saved_views
from exchange.web.pages.review import taken_work_pages as taken_work
from exchange.web.pages.script_requests import is_fetched
from exchange.web.pages.static_files import EXTENDED, JOINED, STATIC, VERSION
from exchange.web.pages.sync import peer_pages as peers
from exchange.web.pages.themes import Themed
from exchange.web.pages.truth import separation_pages as separation
from exchange.web.wording.sentences import refusal, refusal_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_PARTS = (
    language,
    guide,
    calibres,
    sign_in,
    home,
    kept_searches,
    taken_work,
    candidate_list,
    exhibit_list,
    pair,
    pictures,
    compare,
    saved_views,
    sheets,
    reviews,
    hits,
    records,
    scan_pictures,
    disclosures,
    peers,
    audit,
    register,
    register_files,
    firearms,
    instruments,
    separation,
    report,
    queries,
    approvals,
    held_records,
    policy_lines,
    withdrawals,
    alerts,
    events,
    cases,
    search,
    tokens,
    oidc,
)
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"x-frame-options", b"DENY"),
]


def create_pages(node: Node, processes: int = 1) -> FastAPI:
    """To be mounted at ``/app``. Raises ConfigurationError."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.node = node
    app.state.tries = Tries("pages", processes)
    app.state.hints = LiveHints(node, processes)
    app.state.provider = provider_of(node.settings, node.egress)
    forever = "public, max-age=31536000, immutable"
    app.mount(f"/static/{VERSION}", Kept(directory=STATIC, how=forever, joined=JOINED, further=EXTENDED), name="static")
    app.mount("/static", Kept(directory=STATIC, how="no-cache", further=EXTENDED), name="static-by-name")
    routers = (*(part.router for part in PAGE_PARTS), *(router for part in routes_parts() for router in part.pages))
    for router in routers:  # not included: a router of its own for each would be asked in turn, for every page
        app.router.routes.extend(router.routes)
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(ExchangeError, _exchange_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, _unforeseen)
    app.add_middleware(Speaking, node=node)
    app.add_middleware(Themed)
    app.add_middleware(PackedPages)
    app.add_middleware(Guarded)
    return app


def front_door() -> Route:
    """People type the node's name alone."""
    return Route("/", lambda _request: RedirectResponse("/app/", 303), methods=["GET"], include_in_schema=False)


class Guarded:
    """The headers that every page has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, guarded)


def _sign_in_first(request: Request, error: Exception) -> Response:
    """People are led to the sign-in and then back; a script is told, so that it keeps what it was to send."""
    if is_fetched(request) or "application/json" in request.headers.get("accept", ""):
        return problem(SignInFirst.code, 401, str(error))
    return RedirectResponse(sign_in_address(spoken().back), 303)


def _exchange_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ExchangeError):
        raise TypeError("this handler is for the node's own errors")
    if "application/json" in request.headers.get("accept", ""):  # a script of these pages asked
        return problem(error.code, status_of(error), str(error), headers=headers_of(error))
    shown = error_page(request, status_of(error), refusal_of(error), code=error.code)
    shown.headers.update(headers_of(error))
    return shown


def _not_understood(request: Request, _error: Exception) -> Response:
    said = refusal("not-understood", "The address holds something that this page does not know.")
    return error_page(request, 422, said)


def _unforeseen(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("unforeseen error at %s %s", request.method, request.url.path, exc_info=error)
    sentence = "The node met an error that nobody foresaw. It was logged; tell the node's operator."
    return error_page(request, 500, refusal("unforeseen", sentence))


def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return error_page(request, status, refusal("no-such-page", "There is no such page."))
    return error_page(request, status, refusal("not-possible", "This is not possible here."))
