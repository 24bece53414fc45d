"""Real nodes on real sockets: uvicorn in a thread, a database, a blob folder and a worker each."""

from __future__ import annotations

import faulthandler
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from exchange.config import Settings, first_settings
from exchange.flows.keys.enrol import enrol, fetch_introduction
from exchange.flows.node.node import Node, create_node, open_node
from exchange.store.access.user_rows import add_user
from exchange.store.database.sqlite import SqliteDatabase
from exchange.trust.card import fingerprint
from exchange.web.app import create_app
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import Databases, Postgresql
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.warm import SPARE, WarmCompute

START_S = 20
DONE_S = 240  # what correlates has the lowest priority, and other tests run beside it


KEPT_S = 2.0
"""So long a test keeps a connection that nobody uses: the server closes it after five seconds, and a request that is on
its way then is lost."""


@dataclass
class RunningNode:
    """A node that serves, and how its users talk to it."""

    node: Node
    tokens: dict[Role, str]
    server: uvicorn.Server
    thread: threading.Thread
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(keepalive_expiry=KEPT_S))
    )

    @property
    def url(self) -> str:
        return self.node.settings.url

    def bearer(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def get(self, path: str, role: Role = Role.EXAMINER, **more: Any) -> httpx.Response:
        headers = {**self.bearer(role), **more.pop("headers", {})}
        return self.http.get(self.url + path, headers=headers, **more)

    def post(self, path: str, body: Any, role: Role = Role.EXAMINER) -> httpx.Response:
        return self.http.post(self.url + path, headers=self.bearer(role), json=body)

    def submit(
        self,
        scan: Path | bytes,
        *,
        key: str | None = None,
        role: Role = Role.EXAMINER,
        raw_metadata: bytes | None = None,
        **changes: Any,
    ) -> httpx.Response:
        """Submit one scan as an examiner's program does; ``changes`` replace top-level fields of the metadata."""
        content = scan if isinstance(scan, bytes) else scan.read_bytes()
        body = raw_metadata if raw_metadata is not None else json.dumps({**metadata(), **changes}).encode()
        headers = {**self.bearer(role), **({"Idempotency-Key": key} if key else {})}
        files = {"metadata": (None, body, "application/json"), "scan": ("scan.x3p", content)}
        return self.http.post(f"{self.url}/v1/records", headers=headers, files=files)

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], seconds: float = DONE_S) -> dict[str, Any]:
        """Wait until the node's status fulfils a condition, and return that status."""
        deadline = time.monotonic() + seconds
        while True:
            status: dict[str, Any] = self.get("/v1/status").json()
            if condition(status):
                return status
            assert time.monotonic() < deadline, f"still {status} after {seconds} s"
            time.sleep(0.05)

    def wait_correlated(self, count: int) -> None:
        self.wait_for(lambda status: status["acquisitions"].get("correlated", 0) >= count)

    def stop(self) -> None:
        self.node.news.close()
        self.server.should_exit = True
        self.thread.join(timeout=30)
        if self.thread.is_alive():
            faulthandler.dump_traceback()
            pytest.fail("the server does not stop; what its threads do stands above")
        self.http.close()
        self.node.close()


def metadata() -> dict[str, Any]:
    """A complete submission that nobody else may see."""
    return {
        "case_reference": "RS-2026-0001",
        "exhibit": {"kind": "crime_scene", "calibre": "9x19"},
        "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
        "handling": {"code": "H0"},
        "retention_until": "2036-12-31",
    }


@contextmanager
def shortcuts(folder: Path, server: str | None) -> Iterator[None]:
    """Nodes that a test opens in its own process have processes that run already and copies of tables made once.

    With the address of a PostgreSQL server, each node that a test makes has its database there, unless it says where.
    """
    first_tables = folder / "node.db"
    make = SqliteDatabase.create_tables

    def copied(self: SqliteDatabase) -> None:
        if not first_tables.exists():
            database = SqliteDatabase(first_tables, patience_s=1)
            make(database)
            database.writing.dispose()
        if self._path.exists():
            make(self)  # which refuses
        shutil.copyfile(first_tables, self._path)
        self._path.chmod(0o600)

    made = Postgresql(server) if server else None

    def first(home: Path, values: dict[str, str | int]) -> Settings:
        named = {"database_url": made.new()} if made and "database_url" not in values else {}
        return first_settings(home, {**values, **named})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.flows.node.node.Compute", WarmCompute)
        patched.setattr(SqliteDatabase, "create_tables", copied)
        if made:
            patched.setattr("exchange.flows.node.node.first_settings", first)
            patched.setattr("tests.exchange.databases.UNNAMED", made)
        yield
    SPARE.close()
    if made:
        made.drop_all()


@contextmanager
def node_starter(
    folder: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases | None = None
) -> Iterator[Callable[..., RunningNode]]:
    """What ``start_node`` gives, for fixtures that live longer than one test."""
    running: list[RunningNode] = []

    def start(jurisdiction: Jurisdiction, **settings: object) -> RunningNode:
        home = folder / f"node-{jurisdiction}"
        # by default no audit row waits so long that the log grows by its batch while a test looks at it
        values = {"pull_interval_s": 0.2, "workers": 1, "audit_interval_s": 3600, **settings}
        for name, value in values.items():
            monkeypatch.setenv(f"FFP_NODE_{name.upper()}", str(value))
        if not home.exists():
            port = free_port()
            database = databases.new() if databases else None
            url = f"http://127.0.0.1:{port}"
            create_node(home, jurisdiction=jurisdiction, url=url, port=port, database_url=database)
        node = open_node(home)
        with node.store.write() as session:
            roles = [role for role in Role if role is not Role.NODE]
            tokens = {role: add_user(session, f"{role}-{time.time_ns()}", role) for role in roles}
        config = uvicorn.Config(
            create_app(node),
            port=node.settings.port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_S
        while not server.started:
            assert time.monotonic() < deadline, "the node did not start"
            assert thread.is_alive(), "the node ended at once"
            time.sleep(0.01)
        started = RunningNode(node, tokens, server, thread)
        running.append(started)
        for name in values:
            monkeypatch.delenv(f"FFP_NODE_{name.upper()}")
        return started

    try:
        yield start
    finally:
        for node in running:
            if node.thread.is_alive():
                node.stop()
            node.node.close()  # again: a test may have looked into a stopped node's database


def enrol_each_other(one: RunningNode, other: RunningNode, *, sharing: bool = True) -> None:
    """``sharing``: each has a policy that lets the other have everything."""
    for reader, read in ((one, other), (other, one)):
        if sharing:
            allow_all(reader.node)
        introduction = fetch_introduction(reader.node, read.url)
        enrol(reader.node, introduction, confirmed=fingerprint(read.node.card.identity), legal_basis=LEGAL_BASIS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
