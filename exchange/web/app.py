"""The web application of one node: routes over flows, and nothing that a flow should know."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.node.node import Node
from exchange.web.access.login_rate_limit import Tries
from exchange.web.access.peer_concurrency import HeldTurns
from exchange.web.description import complete
from exchange.web.http import problems
from exchange.web.http.access_log import Followed
from exchange.web.http.compute_threads import rooms_of
from exchange.web.http.head_requests import HeadAsGet
from exchange.web.http.url_parameters import only_known_parameters
from exchange.web.languages.spoken import Naming
from exchange.web.mail_text import letters_of
from exchange.web.pages.extended import routes_parts
from exchange.web.pages.pages_app import create_pages, front_door
from exchange.web.rest import alert_routes as alerts
from exchange.web.rest import audit_routes as audit
from exchange.web.rest import blob_routes as blobs
from exchange.web.rest import firearm_routes as firearms
from exchange.web.rest import heights_routes as heights
from exchange.web.rest import held_record_routes as held_records
from exchange.web.rest import lane_routes as lane
from exchange.web.rest import mirror_routes as mirror
from exchange.web.rest import node_routes as node_routes
from exchange.web.rest import pair_bundle_routes as pair_bundles
from exchange.web.rest import proposal_routes as proposals
from exchange.web.rest import query_routes as queries
from exchange.web.rest import record_routes as records
from exchange.web.rest import statement_routes as statements
from exchange.web.rest import terms_routes as terms
from exchange.web.rest.review import candidate_routes as candidates
from exchange.web.rest.review import hit_routes as hits
from exchange.web.rest.review import verification_routes as verifications
from exchange.worker import Worker

DRAIN_BYTES = 512 * 1024 * 1024
DRAIN_S = 30
"""What is still read and dropped of a refused body, so that the sender gets to see the answer before the close."""
DRAINED_AT_ONCE = 256
"""Whoever sends one more that is refused is answered at once, and may miss the answer: anybody can be refused."""


def create_app(node: Node, *, works: bool = True, processes: int = 1) -> FastAPI:
    """The app of an open node; where it ``works`` itself, a worker runs as long as the app does.

    Of several ``processes`` that serve the node each has an app. None of them clears away what the others are
    receiving: whoever started them has done so.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.rooms, pages.state.rooms = rooms_of(node.settings.patience_s)
        if processes == 1:
            clear_leftovers(node)
        worker = Worker(node, letters_of(node)) if works else None
        if worker is not None:
            worker.start()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(pages.state.hints.run)
                yield
                tasks.cancel_scope.cancel()
        finally:
            if worker is not None:
                await run_in_threadpool(worker.stop)

    pages = create_pages(node, processes)
    app = create_api(lifespan, processes)
    app.state.node = node
    app.router.routes.append(front_door())
    app.mount("/app", pages)
    app.add_middleware(Naming, node=node)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Followed, meters=node.meters, tracing=node.tracing)
    return app


def create_peer_app(node: Node) -> FastAPI:
    """The routes of an open node alone, as its peers ask them: without pages, worker and upkeep."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.rooms = rooms_of(node.settings.patience_s)
        yield

    app = create_api(lifespan)
    app.state.node = node
    return app


def create_api(lifespan: Lifespan[FastAPI] | None = None, processes: int = 1) -> FastAPI:
    """The routes and what belongs to every answer, without a node behind them."""
    app = FastAPI(
        title="FFP exchange node",
        version="1.0",
        description="Signed cartridge-case records and ranked cross-border candidates. "
        "A score ranks candidates; it identifies nothing.",
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the usual pages load scripts from elsewhere; nodes are offline
        redoc_url=None,
        redirect_slashes=False,  # such a redirect names the host that the caller stated, whatever that was
        generate_unique_id_function=lambda route: route.name,
        responses=problems.PROBLEM_RESPONSES,
        dependencies=[Depends(only_known_parameters)],
    )
    problems.install_problems(app)
    app.state.tries = Tries("tokens", processes)
    routers = (
        records.router,
        firearms.router,
        terms.router,
        held_records.router,
        proposals.router,
        candidates.router,
        pair_bundles.router,
        statements.router,
        hits.router,
        verifications.router,
        alerts.router,
        queries.router,
        blobs.router,
        heights.router,
        node_routes.router,
        lane.router,
        mirror.router,
        audit.router,
        *(router for part in routes_parts() for router in part.rest),
    )
    app.state.routes = [route for router in (app.router, *routers) for route in router.routes]
    for router in routers:
        app.include_router(router)
    app.add_middleware(HeldTurns)
    app.add_middleware(Manners)
    app.openapi = _description  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


class Manners:
    """Headers for every answer, and the rest of a refused body read before the answer goes out.

    A server that closes while the sender still writes resets the connection, and the sender never learns why.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._drained = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more, begun = True, False
        asks_first = any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])

        async def watched() -> Message:
            nonlocal more, begun
            begun = True
            message = await receive()
            more = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def drain() -> None:
            if not more or self._drained >= DRAINED_AT_ONCE:
                return
            dropped = 0
            self._drained += 1
            try:
                with anyio.move_on_after(DRAIN_S):
                    while more and dropped < DRAIN_BYTES:
                        dropped += len((await watched()).get("body", b""))
            finally:
                self._drained -= 1

        async def polite(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"x-content-type-options", b"nosniff")]
                if not any(name == b"cache-control" for name, _ in headers):  # a route that says otherwise knows why
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
                if begun or not asks_first:  # who asks before sending has sent nothing, and need not
                    await drain()
            await send(message)

        await self._app(scope, watched, polite)


_DESCRIBING: Final = threading.Lock()


def _description() -> dict[str, Any]:
    """The description of the API, the same for each node of this process. It takes long to make, and FastAPI makes none
    while it makes another: the first requests of a node come at once."""
    with _DESCRIBING:
        return _made_description()


@functools.cache
def _made_description() -> dict[str, Any]:
    return complete(FastAPI.openapi(create_api()))
