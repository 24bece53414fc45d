"""SQLite in WAL mode with full synchronisation: one engine to read, one whose transactions begin IMMEDIATE to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, select
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from exchange.errors import ConfigurationError, StoreFull, StoreUnavailable
from exchange.store.tables import SCHEMA_VERSION, Base, LogStateRow, SchemaRow

BUSY_TIMEOUT_S = 30  # the longest that a writer waits for another; write transactions hold no work but rows


class Store:
    """The node's database. ``read`` and ``write`` give a session each; ``write`` commits when its block ends well.

    When ``write`` has returned, the rows are on disk (synchronous=FULL): durable before acknowledged.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._file: tuple[int, int] | None = None
        self._read = _engine(database, begin="BEGIN")
        self._write = _engine(database, begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot."""
        with _translated(), Session(self._read, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The one writer. No signing, parsing, network or matching inside: others wait."""
        self._there()
        with _translated(), Session(self._write, expire_on_commit=False) as session, session.begin():
            yield session

    def create(self) -> None:
        """Make the tables of a new node."""
        self._database.touch(mode=0o600)
        with _translated():
            Base.metadata.create_all(self._write)
        with self.write() as session:
            session.add_all([SchemaRow(version=SCHEMA_VERSION), LogStateRow(id=1, size=0)])

    def check(self) -> None:
        """Raises StoreUnavailable when the database is gone, ConfigurationError when its schema is another."""
        self._there()
        with self.read() as session:
            version = session.scalar(select(SchemaRow.version))
        if version != SCHEMA_VERSION:
            raise ConfigurationError(
                f"The database has schema {version}, this software needs {SCHEMA_VERSION}. Install the release that "
                "made it, or restore a backup."
            )

    def _there(self) -> None:
        """An open SQLite goes on writing into a file that was removed, and all of it is lost when the node ends."""
        try:
            found = self._database.stat()
        except OSError as error:
            raise StoreUnavailable(
                "The database is gone; nothing was stored. The operator stops the node and restores the backup."
            ) from error
        file = (found.st_dev, found.st_ino)
        self._file = self._file or file
        if file != self._file:
            raise StoreUnavailable(
                "The database was exchanged while the node ran; nothing was stored. The operator restarts the node."
            )

    def close(self) -> None:
        self._read.dispose()
        self._write.dispose()


def _engine(database: Path, *, begin: str) -> Engine:
    # mode=rw: a database that is missing is an error, never a new and empty one
    address = URL.create("sqlite", database=f"file:{quote(str(database))}", query={"mode": "rw", "uri": "true"})
    engine = create_engine(
        address,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},  # the begin event below says when
        pool_size=4,
        max_overflow=60,  # as many as the web server has threads: none may wait for a connection and give up
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()  # the pool never learns of it
            raise

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors in the node's own words; a violated constraint stays what it is, a fault of the program."""
    try:
        yield
    except DatabaseError as error:
        if type(error) not in (OperationalError, DatabaseError):  # the latter alone when the file is damaged
            raise
        text = str(error.orig)
        if type(error) is DatabaseError:
            raise StoreUnavailable(
                f"The database is damaged ({text}); nothing was stored. The operator stops the node and restores the "
                "backup."
            ) from error
        if "full" in text:
            raise StoreFull("The disk is full; nothing was stored. Free space and send again.") from error
        raise StoreUnavailable(f"The database does not answer ({text}); nothing was stored. Try again.") from error
