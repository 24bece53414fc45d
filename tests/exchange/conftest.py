"""Real nodes on real sockets: uvicorn in a thread, a database, a blob folder and a worker each."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
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
import structlog
import uvicorn

import matcher
from exchange.config import Settings, first_settings
from exchange.flows.keys.enrol import enrol, fetch_introduction
from exchange.flows.node.node import Node, create_node, open_node
from exchange.store.access.user_rows import add_user
from exchange.store.database.sqlite import SqliteDatabase
from exchange.trust.card import fingerprint
from exchange.web.app import create_app
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.conftest import POSTGRESQL
from tests.exchange.databases import (
    Databases,
    Postgresql,
    databases_fixture,
    server_for_this_run,
)
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.warm import SPARE, WarmCompute

START_S = 20
DONE_S = 240  # what correlates has the lowest priority, and other tests run beside it


@pytest.fixture(scope="session", autouse=True)
def _logs_where_pytest_keeps_them() -> None:
    """Nodes in this process log to the logging module, not between the lines that a test reads from stdout."""
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    logging.raiseExceptions = False  # a node that is still stopping may log when its test has ended


@pytest.fixture(scope="session", autouse=True)
def _nodes_have_warm_processes() -> Iterator[None]:
    """Every node that a test opens in its own process; none of those processes outlives the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.flows.node.node.Compute", WarmCompute)
        yield
    SPARE.close()


@pytest.fixture(scope="session", autouse=True)
def _tables_are_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite database is a copy of the first: to make its tables takes ten times as long."""
    first = tmp_path_factory.mktemp("tables") / "node.db"
    make = SqliteDatabase.create_tables

    def copied(self: SqliteDatabase) -> None:
        if not first.exists():
            database = SqliteDatabase(first, patience_s=1)
            make(database)
            database.writing.dispose()
        if self._path.exists():
            make(self)  # which refuses
        shutil.copyfile(first, self._path)
        self._path.chmod(0o600)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqliteDatabase, "create_tables", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nodes_on_the_engine_that_was_named(request: pytest.FixtureRequest) -> Iterator[None]:
    """With $FFP_TEST_ENGINE=postgresql each node that a test makes has its database there, unless it says where."""
    if not POSTGRESQL:
        yield
        return
    made = Postgresql(request.getfixturevalue("postgresql"))

    def first(home: Path, values: dict[str, str | int]) -> Settings:
        named = {} if "database_url" in values else {"database_url": made.new()}
        return first_settings(home, {**values, **named})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.flows.node.node.first_settings", first)
        patched.setattr("tests.exchange.databases.UNNAMED", made)
        yield
    made.drop_all()


@pytest.fixture(autouse=True)
def _what_a_test_left_is_spare() -> Iterator[None]:
    yield
    SPARE.test_ended()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of PostgreSQL, one for all processes of this run."""
    folder = tmp_path_factory.getbasetemp()
    with server_for_this_run(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as address:
        yield address


databases = databases_fixture("sqlite")


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


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Synthetic scans by name, "1-1" to "3-2": firearm and shot."""
    folder = tmp_path_factory.mktemp("scans")
    found = {}
    for firearm in (1, 2, 3):
        for shot in (1, 2):
            path = folder / f"{firearm}-{shot}.x3p"
            matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="synthetic")
            found[f"{firearm}-{shot}"] = path
    return found


@pytest.fixture
def start_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases
) -> Iterator[Callable[..., RunningNode]]:
    """Starts nodes: ``start_node(Jurisdiction.RS)``; settings as keywords. Stops them afterwards."""
    with node_starter(tmp_path, monkeypatch, databases) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningNode]]:
    """As ``start_node``, for nodes that all tests of a module use."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("shared"), monkeypatch) as start,
    ):
        yield start


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


@pytest.fixture
def pair(start_node: Callable[..., RunningNode]) -> tuple[RunningNode, RunningNode]:
    """Serbia and North Macedonia, enrolled with each other."""
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    return rs, mk


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
