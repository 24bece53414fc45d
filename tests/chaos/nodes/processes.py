"""``ffp serve`` in a process of its own, for a home that was made before: started, killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from exchange.flows.node.node import opened
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Role
from tests.exchange.served import session_of

START_S = 60
STOP_S = 30
PEOPLE = {"examiner-1": Role.EXAMINER, "investigator-1": Role.INVESTIGATOR, "operator-1": Role.OPERATOR}


class Process:
    """A node's process, and how its users talk to it."""

    def __init__(
        self,
        home: Path,
        port: int,
        environment: Mapping[str, str] | None = None,
        *,
        program: Sequence[str] = (),
        options: Sequence[str] = (),
        release: Path | None = None,
    ) -> None:
        """``program`` is a module, with its first arguments, that runs in place of ``ffp``; ``options`` are those of
        ``serve``. ``release`` is the folder of the sources that run, where they are not these."""
        self.home, self.port, self.release = home, port, release
        self._command = [
            sys.executable,
            "-m",
            *(program or ("exchange.cli.main",)),
            "serve",
            "--home",
            str(home),
            *options,
        ]
        self._environment = {**os.environ, **(environment or {})}
        self.url = f"http://127.0.0.1:{port}"
        # a connection for each request: one that is kept would be found dead after each kill
        self.http = httpx.Client(
            base_url=self.url, timeout=START_S, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self.people = {name: bearer(self.add_user(name, role)) for name, role in PEOPLE.items()}
        self.examiner, self.operator = self.people["examiner-1"], self.people["operator-1"]
        self._process: subprocess.Popen[bytes] | None = None

    def add_user(self, pseudonym: str, role: Role) -> str:
        """Returns the token."""
        with opened(self.home) as node, node.store.write() as session:
            return add_user(session, pseudonym, role)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serves while the block runs, and ends cleanly after it."""
        self.start()
        try:
            self.wait_ready()
            yield
            self.stop()
        finally:
            self.kill()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environment_of(self.release, self._environment),
                cwd=self.release,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """With SIGKILL, which no process can prepare for. Nothing happens when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(STOP_S) == 0, self.log_end
        self._process = None

    @property
    def failed(self) -> bool:
        """It ended by itself, with an error."""
        return self._process is not None and self._process.poll() not in (None, 0)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._is_ready():
            assert self._process is not None
            assert self._process.poll() is None, self.log_end
            assert time.monotonic() < deadline, self.log_end
            time.sleep(0.02)

    def cpu_s(self) -> float:
        """The processor time that the process has used, its worker processes aside."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime and stime

    def session(self) -> list[int]:
        """All its processes, those of its pools included."""
        assert self._process is not None
        return session_of(self._process.pid)

    def get(self, path: str, *, by: str = "examiner-1") -> Any:
        response = self.http.get(path, headers=self.people[by])
        assert response.status_code == 200, response.text
        return response.json()

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 60) -> None:
        """Wait until the node's status fulfils a condition."""
        deadline = time.monotonic() + seconds
        while not condition(status := self.get("/v1/status")):
            assert time.monotonic() < deadline, f"still {status}\n{self.log_end}"
            time.sleep(0.1)

    def wait_for_peer(self, node_id: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 60) -> None:
        """Wait until what this node says of a peer fulfils a condition."""
        deadline = time.monotonic() + seconds
        while True:
            peers = self.get("/v1/peers", by="operator-1")
            peer = next(found for found in peers if found["node_id"] == node_id)
            if condition(peer):
                return
            assert time.monotonic() < deadline, f"still {peer}\n{self.log_end}"
            time.sleep(0.1)

    @property
    def log(self) -> Path:
        return self.home / "serve.log"

    @property
    def log_end(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def _is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def environment_of(release: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """In which the sources of a release run; of these, where none is named."""
    return {**environment, **({"PYTHONPATH": str(release)} if release else {})}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
