"""What a node's work stands on, to be taken away from it and given back: cluster, database, object store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import select

from exchange.config import load_settings
from exchange.flows.node.node import store_of
from exchange.store.node.jobs import JobKind, JobState, counts, promise
from exchange.store.tables.record_tables import AcquisitionRow
from tests.exchange import postgresql_server
from tests.exchange.object_server import Bucket, bucket_served
from tests.exchange.running_nodes import free_port
from tests.exchange.served import eventually


class Service(Protocol):
    """``settings`` of the node that uses it; ``database_url`` is None where the database lies in its home."""

    settings: dict[str, str]
    database_url: str | None

    def before(self, home: Path) -> None:
        """While it is there still: give the node work that will need it."""

    def away(self, home: Path) -> None: ...
    def back(self, home: Path) -> None: ...


class DaskCluster:
    """A scheduler and a worker of this machine. Both are killed, and started anew at the same place."""

    database_url = None

    def __init__(self, folder: Path) -> None:
        self._port, self._folder = free_port(), folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.settings = {"CLUSTER_SCHEDULER": self._address}
        self.start()

    @property
    def _address(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"

    def before(self, home: Path) -> None:
        """Whatever is submitted while it is away needs it."""

    def away(self, home: Path) -> None:
        for process in self._running:
            process.kill()
            process.wait()
        self._running = []

    def back(self, home: Path) -> None:
        self.start()

    def start(self) -> None:
        place = ("--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard")
        self._running = [
            self._dask("scheduler", *place),
            self._dask("worker", self._address, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
        ]

    def _dask(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "dask.log").open("ab") as log:
            command = [sys.executable, "-m", "dask", *arguments]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)


class PostgresqlServer:
    """Stopped at once, with all that it was doing, and started again."""

    def __init__(self, data: Path, address: str) -> None:
        self._data, self.database_url = data, address
        self.settings: dict[str, str] = {}

    def before(self, home: Path) -> None:
        correlate_again(home, until_one_runs=True)

    def away(self, home: Path) -> None:
        postgresql_server.stop(self._data)

    def back(self, home: Path) -> None:
        postgresql_server.start(self._data)


class SqliteFile:
    """The file is gone from its place, as with a disk that is no longer mounted."""

    database_url = None

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}

    def before(self, home: Path) -> None:
        correlate_again(home, until_one_runs=True)

    def away(self, home: Path) -> None:
        (home / "node.db").rename(home / "node.away")

    def back(self, home: Path) -> None:
        (home / "node.away").rename(home / "node.db")


class ObjectStorage:
    """It refuses everything; and no scan is on the node's own disk any more."""

    database_url = None

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.settings = {name.upper(): str(value) for name, value in bucket.settings.items()}

    def before(self, home: Path) -> None:
        eventually(lambda: len(self._bucket.objects) == len(list(home.glob("blobs/??/*"))))

    def away(self, home: Path) -> None:
        self._bucket.refusing = 503
        for path in (*home.glob("blobs/??/*"), *home.glob("prepared/??/*")):
            path.unlink()
        correlate_again(home)

    def back(self, home: Path) -> None:
        self._bucket.refusing = None


def correlate_again(home: Path, *, until_one_runs: bool = False) -> None:
    """Beside the node: promise what is promised after a change of the matcher."""
    store = store_of(load_settings(home))

    def one_runs() -> bool:
        with store.read() as session:
            return JobState.RUNNING in counts(session)

    with store.write() as session:
        for acquisition in session.scalars(select(AcquisitionRow)):
            promise(session, JobKind.CORRELATE, acquisition.acquisition_id)
    if until_one_runs:
        eventually(one_runs)
    store.close()


SERVICES: Sequence[str] = ("cluster", "PostgreSQL", "SQLite", "object store")


@contextmanager
def service(name: str, folder: Path) -> Iterator[Service]:
    match name:
        case "cluster":
            cluster = DaskCluster(folder)
            try:
                yield cluster
            finally:
                cluster.away(folder)
        case "PostgreSQL":
            with postgresql_server.one_of_its_own() as (data, address):
                yield PostgresqlServer(data, address)
        case "object store":
            with bucket_served() as bucket:
                yield ObjectStorage(bucket)
        case _:
            yield SqliteFile()
