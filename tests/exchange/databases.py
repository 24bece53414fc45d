"""Databases for tests, on either engine: new ones, copies, backups."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from exchange.config import load_settings
from exchange.config_files import write_secret
from exchange.store.database.engine import Store
from tests.exchange import postgresql_server

SERVER_VARIABLE = "FFP_TEST_POSTGRESQL"
MISSING = (
    "PostgreSQL is not installed: the tests on it DID NOT RUN (apt-get install postgresql, or name a server on which "
    f"databases may be made: {SERVER_VARIABLE}=postgresql+psycopg://user@host/postgres)"
)
SLOW_ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.slow)


class Databases(Protocol):
    """What a test does with the databases of nodes, whichever engine they are on."""

    name: str

    def new(self) -> str | None:
        """For a node that is to be made; None for a file in its home."""

    def place(self, folder: Path) -> Path | URL:
        """Where a store may make its tables."""

    def prepared(self, folder: Path) -> Path | URL:
        """Where the tables are made already."""

    def copy(self, home: Path, target: Path) -> None:
        """A node's home with its database, once more."""

    def backup(self, home: Path) -> object:
        """The database as it is, while the node may run."""

    def restore(self, home: Path, backup: object) -> None:
        """Put a backup in the place of the database of a node that does not run."""

    def exchange_below(self, home: Path, backup: object) -> None:
        """Put a backup in the place of the database of a node that runs."""


class Sqlite:
    name = "sqlite"

    def new(self) -> None:
        return None

    def place(self, folder: Path) -> Path:
        return folder / "node.db"

    def prepared(self, folder: Path) -> Path:
        place = self.place(folder)
        _make_tables(place)
        return place

    def copy(self, home: Path, target: Path) -> None:
        shutil.copytree(home, target)

    def backup(self, home: Path) -> bytes:
        with closing(sqlite3.connect(home / "node.db")) as database:
            return database.serialize()

    def exchange_below(self, home: Path, backup: object) -> None:
        assert isinstance(backup, bytes)
        (home / "copy").write_bytes(backup)
        (home / "copy").replace(home / "node.db")

    def restore(self, home: Path, backup: object) -> None:
        assert isinstance(backup, bytes)
        for file in home.glob("node.db*"):
            file.unlink()
        (home / "node.db").write_bytes(backup)


class Postgresql:
    """Databases on one server. Those that were made are dropped by ``drop_all``."""

    name = "postgresql"

    def __init__(self, server: str) -> None:
        self._server = make_url(server)
        self._made: list[str] = []
        self._template: str | None = None

    def new(self) -> str:
        return self._address(self.copied("template1"))

    def place(self, folder: Path) -> URL:
        return make_url(self.new())

    def copy(self, home: Path, target: Path) -> None:
        shutil.copytree(home, target)
        write_secret("database_url", self._address(self.copied(self._database(home))), target)

    def backup(self, home: Path) -> str:
        return self.copied(self._database(home))

    def restore(self, home: Path, backup: object) -> None:
        write_secret("database_url", self._address(self.copied(str(backup))), home)

    def exchange_below(self, home: Path, backup: object) -> None:
        live = self._database(home)
        self.cut(live)
        self.run(f'DROP DATABASE "{live}" WITH (FORCE)', f'ALTER DATABASE "{backup}" RENAME TO "{live}"')

    def prepared(self, folder: Path) -> URL:
        """A copy of one that was made before: quicker."""
        if self._template is None:
            place = self.place(folder)
            _make_tables(place)
            self._template = str(place.database)
        return make_url(self._address(self.copied(self._template)))

    def run(self, *statements: str) -> None:
        """On the server itself, outside of any transaction."""
        engine = create_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def cut(self, database: str) -> None:
        """End all connections to a database, whatever they do."""
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")  # noqa: S608

    def drop_all(self) -> None:
        self.run(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in self._made))
        self._made.clear()

    def copied(self, template: str) -> str:
        """The name of a new database like this one. Whoever is connected to it is cut off, since it cannot be copied
        else; nodes connect again by themselves."""
        self._made.append(f"ffp_test_{uuid.uuid4().hex}")
        self.cut(template)
        self.run(f'CREATE DATABASE "{self._made[-1]}" TEMPLATE "{template}"')
        return self._made[-1]

    def _address(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def address(self, home: Path) -> str:
        """That of a node's database."""
        url = load_settings(home).database_url
        assert url is not None
        return url.get_secret_value()

    def _database(self, home: Path) -> str:
        return str(make_url(self.address(home)).database)


UNNAMED: Databases = Sqlite()
"""Of a network of nodes whose test names none."""


def _make_tables(place: Path | URL) -> None:
    store = Store(place)
    store.create()
    store.close()


def databases_fixture(*engines: Any) -> Any:
    """A fixture ``databases`` for a module whose tests run once on each of these engines."""

    @pytest.fixture(scope="module", params=engines)
    def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
        if request.param == Sqlite.name:
            yield Sqlite()
            return
        made = Postgresql(request.getfixturevalue("postgresql"))
        yield made
        made.drop_all()

    return databases


@contextmanager
def server_for_this_run(folder: Path) -> Iterator[str]:
    """The address of a server of PostgreSQL; a skip says loudly what to install, and in CI it is a failure."""
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        yield named
        return
    if postgresql_server.binaries() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with postgresql_server.using(folder) as address:
        yield address
