"""Each page and each operation of the API lets in who stands in ``who_may.csv``, and refuses everybody else.

The list of routes comes from the application, the decision from the table: a route without a row fails, and so does a
row without a route. For an operation of the API the table states the scope that a token needs.

After a wanted change ``python -m tests.exchange.web.test_who_may`` writes what the node does today into the table; the
change of the table is then read and decided like any other.
"""

from __future__ import annotations

import asyncio
import csv
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from exchange.flows.access.sign_in import csrf_of
from exchange.net.message_signatures import sign_request
from exchange.scopes import ROLES as SCOPE_ROLES
from exchange.scopes import Scope
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.access.user_rows import add_user
from exchange.trust.keys import raw_public, requester_id
from exchange.web.app import create_api, create_app
from exchange.web.http.compute_threads import rooms_of
from exchange.web.pages.layout import cookie_name
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.network import MK, RS, Network

TABLE: Final = Path(__file__).with_name("who_may.csv")
TABLES: Final = sorted(TABLE.parents[1].glob("*/who_may.csv"))
"""An extension has a table of its own for its routes."""
ANYONE: Final = "anyone"
PEER: Final = "peer"
ROLES: Final = tuple(role for role in Role if role is not Role.NODE)
COLUMNS: Final = (ANYONE, PEER, *ROLES)
NAMES: Final = {
    "jurisdiction": "MK",
    "other": "XK",
    "one": "RS",
    "code": "MD",
    "half": "2026H1",
    "position": "0",
    "offset": "0",
}
"""Values of parameters of a path that have a form of their own; all others are the digits of a digest."""

Route: TypeAlias = tuple[str, str]
"""Method and path."""


@dataclass(frozen=True)
class Door:
    """Who is let in, in the order of ``COLUMNS``, and which scope a token needs."""

    scope: str
    lets_in: tuple[bool, ...]

    @property
    def roles(self) -> set[Role]:
        return {role for role, yes in zip(ROLES, self.lets_in[2:], strict=True) if yes}

    @property
    def is_open(self) -> bool:
        return self.lets_in[0]

    @property
    def is_for_peers(self) -> bool:
        return not self.is_open and self.lets_in[1] and not self.roles


def routes_of(app: Any) -> list[Route]:
    """Return all routes but the sign-in itself, which refuses a wrong password to everybody."""
    every = {(method, path) for path, methods in _walked(app.routes) for method in methods - {"HEAD"}}
    return sorted(every - {("POST", "/app/sign-in")})


def _walked(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        if hasattr(route, "original_router"):  # a router that was included
            yield from _walked(route.original_router.routes, prefix + route.include_context.prefix)
        elif hasattr(route, "methods"):
            yield prefix + route.path, set(route.methods or ())
        elif hasattr(route, "app") and hasattr(route.app, "routes"):  # an application that was mounted
            yield from _walked(route.app.routes, prefix + route.path)


class Asked:
    """A node that is asked without a socket: by people in a session of the pages, by programs with a token of each
    role, and by an enrolled peer with signed requests."""

    def __init__(self, folder: Path) -> None:
        network = Network(folder)
        network.make(Jurisdiction.RS, Jurisdiction.MK)
        self.node, self.peer = network.nodes[RS], network.nodes[MK]
        self.app = create_app(self.node)
        [pages] = [route.app for route in self.app.routes if getattr(route, "path", "") == "/app"]
        self.app.state.rooms, pages.state.rooms = rooms_of(self.node.settings.patience_s)
        self.runner = asyncio.Runner()
        with self.node.store.write() as session:
            self.tokens = {role: add_user(session, f"{role}-1", role) for role in ROLES}

    def lets_in(self, route: Route, who: str) -> bool:
        method, path = route
        address = re.sub(r"{(\w+)(?::path)?}", lambda found: NAMES.get(found[1], "0" * 64), path)
        headers, form = {"host": "rs.test"}, dict[str, str]()
        signs = who == PEER and path.startswith("/v1")  # a peer's client refuses to sign a request of a page
        body = b"{}" if signs and method == "POST" else b""
        if signs:
            headers |= self._signature(method, address, body)
        elif who in (ANYONE, PEER):
            pass
        elif path.startswith("/app"):
            with self.node.store.write() as session:
                cookie = begin_session(session, f"{who}-1", SignedInBy.PASSWORD_AND_TOTP, most_s=60)
            headers["cookie"], form["csrf"] = f"{cookie_name(self.node)}={cookie}", csrf_of(cookie)
        else:
            headers["authorization"] = f"Bearer {self.tokens[Role(who)]}"
        if form and method != "GET":
            body = urlencode(form).encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
        if body:
            headers["content-length"] = str(len(body))
        status, sent = self.runner.run(_status(self.app, method, address, headers, body))
        if status == 303:
            return path == "/app/sign-out" or not sent.get("location", "").startswith("/app/sign-in")
        assert status != 401 or path.startswith("/app") or "www-authenticate" in sent, route
        return status not in (401, 403)

    def _signature(self, method: str, address: str, body: bytes) -> dict[str, str]:
        key, url = self.peer.keys.transport, f"{self.node.settings.url}{address}"
        requester = requester_id(self.peer.node_id, raw_public(key))
        return sign_request(key, requester, method=method, url=url, body=body or None, now=int(time.time()))


async def _status(app: Any, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an answer, without waiting for its body: a stream of events has no end."""
    begun: asyncio.Future[tuple[int, dict[str, str]]] = asyncio.get_running_loop().create_future()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await begun
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not begun.done():
            begun.set_result((message["status"], {n.decode().lower(): v.decode() for n, v in message["headers"]}))

    raw = path.encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": raw,
        "query_string": b"",
        "root_path": "",
        "server": ("rs.test", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    task = asyncio.ensure_future(app(scope, receive, send))
    await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    if task.done() and not begun.done():
        task.result()
    found = await asyncio.wait_for(begun, 20)
    task.cancel()
    await asyncio.wait({task})
    return found


def described() -> dict[Route, str]:
    """Return the operations that the API describes, each with the scope that it states; "" where it states none."""
    paths: dict[str, dict[str, Any]] = create_api().openapi()["paths"]
    return {
        (method.upper(), path): next((scope for one in said.get("security", ()) for scope in one["HTTPBearer"]), "")
        for path, methods in paths.items()
        for method, said in methods.items()
    }


def table_of(asked: Asked) -> dict[Route, Door]:
    scopes = described()
    return {
        (method, path): Door(
            scopes.get((method, path.replace(":path}", "}")), ""),
            tuple(asked.lets_in((method, path), column) for column in COLUMNS),
        )
        for method, path in routes_of(asked.app)
    }


def kept_table() -> dict[Route, Door]:
    return {route: door for table in TABLES for route, door in _read_table(table).items()}


def _read_table(table: Path) -> dict[Route, Door]:
    with table.open(newline="", encoding="utf-8") as file:
        return {
            (row["method"], row["path"]): Door(row["scope"], tuple(row[column] == "yes" for column in COLUMNS))
            for row in csv.DictReader(file)
        }


def test_each_route_lets_in_who_stands_in_the_table(tmp_path: Path) -> None:
    found, kept = table_of(Asked(tmp_path / "node")), kept_table()
    assert found.keys() == kept.keys(), "a route without a row, or a row without a route"
    differ = {route: (found[route], kept[route]) for route in kept if found[route] != kept[route]}
    assert differ == {}, f"(what the node does, what the table says) for {COLUMNS}"


def test_each_operation_for_people_states_a_scope_that_each_role_let_in_can_have() -> None:
    used: dict[str, set[Role]] = {scope: set() for scope in Scope}
    for (_, path), door in kept_table().items():
        if path.startswith("/v1/") and door.roles and not door.is_open:
            used[door.scope] |= door.roles
    assert used == {scope: set(roles) for scope, roles in SCOPE_ROLES.items()}


if __name__ == "__main__":
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        doors = table_of(Asked(Path(folder) / "node"))
    own = {table: _read_table(table).keys() for table in TABLES if table != TABLE}
    own[TABLE] = doors.keys() - {route for routes in own.values() for route in routes}
    for table, routes in own.items():
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("method", "path", "scope", *COLUMNS))
            for (method, path), door in doors.items():
                if (method, path) in routes:
                    rows.writerow((method, path, door.scope, *("yes" if cell else "no" for cell in door.lets_in)))
    print(f"{TABLE}: {time.monotonic() - begun:.0f} s")
