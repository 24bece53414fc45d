"""A node in a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import free_port, metadata

START_S = 60
FINAL = {"correlated", "not-correlated", "not-usable", "failed"}


def command(*arguments: str | Path) -> list[str]:
    """The command line of ``ffp``, with this interpreter."""
    return [sys.executable, "-m", "exchange.cli.main", *map(str, arguments)]


class Served:
    """``ffp serve`` in a session of its own, so that all of its processes can be told."""

    def __init__(
        self,
        home: Path,
        jurisdiction: Jurisdiction,
        *,
        database_url: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """``options`` are those of ``ffp serve``."""
        self.home, self._options = home, options
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        create_node(home, jurisdiction=jurisdiction, url=self.url, port=port, database_url=database_url)
        with opened(home) as node, node.store.write() as session:
            self.token = add_user(session, "examiner", Role.EXAMINER)
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command("serve", "--home", self.home, *self._options), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_S
        while not self._ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        return self.home / "log"

    def submit(self, scan: bytes, case: str) -> httpx.Response | None:
        """None when the connection broke: the sender does not know whether it was stored."""
        files = {"metadata": (None, json.dumps(metadata() | {"case_reference": case})), "scan": ("scan.x3p", scan)}
        try:
            return httpx.post(
                f"{self.url}/v1/records", headers=self.bearer, files=files, timeout=START_S, trust_env=False
            )
        except httpx.TransportError:
            return None

    def get(self, path: str) -> Any:
        response = httpx.get(self.url + path, headers=self.bearer, timeout=START_S, trust_env=False)
        assert response.status_code == 200, response.text
        return response.json()

    def wait_idle(self) -> dict[str, Any]:
        """Wait until nothing waits any more: all scans are through, and the head covers the whole log."""
        deadline = time.monotonic() + START_S
        while True:
            status: dict[str, Any] = self.get("/v1/status")
            through = set(status["acquisitions"]) <= FINAL and not status["jobs"]
            if through and status["signed_size"] == status["log_size"]:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """All that run in the session of this node, worker processes included."""
        return session_of(self.process.pid)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def serving(
    home: Path, jurisdiction: Jurisdiction, *, database_url: str | None = None, options: Sequence[str] = ()
) -> Iterator[Served]:
    """A new node that is served while the block runs, and killed if the test left it running."""
    node = Served(home, jurisdiction, database_url=database_url, options=options)
    try:
        yield node
    finally:
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def session_of(leader: int) -> list[int]:
    """The processes of one session that run."""
    return [int(pid.name) for pid in Path("/proc").glob("[0-9]*") if _session(pid) == leader]


def _session(process: Path) -> int:
    """The session of a process that runs, -1 of one that has ended."""
    try:
        state, _, _, session, *_ = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return -1
    return -1 if state == "Z" else int(session)
