"""SQLite in WAL mode with full synchronisation: one engine to read, one whose transactions begin IMMEDIATE to write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from exchange.errors import ConfigurationError, StoreBusy, StoreDamaged, StoreFull, StoreReadOnly, StoreUnavailable
from exchange.store.scan.copies import copy_file, sync
from exchange.store.tables.columns import Base
from exchange.store.tables.schema_version import SchemaRow

_KEPT = 16
"""Connections, when the rush is over: to open one costs as much as to read a record."""
MOST_DAMAGE = 10
"""More tells an operator no more: the backup is restored."""


class SqliteDatabase:
    """A file in the node's home. One process may write at a time, and one serves: see `exchange.store.node.lock`."""

    def __init__(self, file: Path, *, patience_s: float) -> None:
        self._path = file
        self._file: tuple[int, int] | None = None
        self._patience_s = patience_s
        self._turn = threading.Lock()
        self.reading = _engine(file, begin="BEGIN", patience_s=patience_s)
        self.writing = _engine(file, begin="BEGIN IMMEDIATE", patience_s=patience_s)

    def check_new(self) -> None:
        """It lies in the home, which is looked at before; where there is none yet, there is none to be asked."""

    def create_tables(self) -> None:
        if self._path.exists():
            raise ConfigurationError(f"There is a database in {self._path} already; it is left as it is.")
        self._path.touch(mode=0o600)
        Base.metadata.create_all(self.writing)

    def check_there(self) -> None:
        """An open SQLite goes on writing into a file that was removed, and all of it is lost when the node ends."""
        try:
            found = self._path.stat()
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

    @contextmanager
    def turn(self) -> Iterator[None]:
        """SQLite has whoever finds it busy sleep, up to a tenth of a second at a time, and lets in who happens to wake.
        Against other processes there is nothing better."""
        if not self._turn.acquire(timeout=self._patience_s):
            raise StoreUnavailable("The database is held by another writer; nothing was stored. Try again.")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def copied_to(self, folder: Path) -> Iterator[tuple[Session, str]]:
        target = folder / self._path.name
        source = create_engine(_address(self._path, "rw"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with source.connect() as connection:  # reads one moment, in no transaction, and keeps no writer waiting
            connection.exec_driver_sql("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)
        sync(target)
        sync(folder)
        with Session(create_engine(_address(target, "ro"), poolclass=NullPool)) as session:
            yield session, target.name

    def fill(self, file: Path) -> None:
        if self._path.exists():
            raise ConfigurationError(f"There is a database in {self._path} already; it is left as it is.")
        copy_file(file, self._path)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """References are looked at once, at the end: a table that is made anew is away for a moment."""
        with self.writing.connect() as connection:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # does nothing within a transaction
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise ConfigurationError(
                            f"After the change {len(broken)} rows would refer to nothing, the first in {broken[0][0]}; "
                            "the database was left as it was."
                        )
            finally:
                connection.invalidate()  # the next one has its references checked again

    def taken_by(self, tables: Collection[str] | None) -> int:
        """By ``dbstat``, which reads all pages of these tables; an SQLite that was built without it counts the whole
        database."""
        with self.reading.connect() as connection:
            counts = connection.exec_driver_sql("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')").scalar()
            if tables is None or not counts:
                ask = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
                return int(connection.exec_driver_sql(ask).scalar_one())
            pages = text(
                "SELECT coalesce(sum(pgsize), 0) FROM sqlite_schema JOIN dbstat USING (name) "
                "WHERE aggregate = 1 AND tbl_name IN :tables"
            ).bindparams(bindparam("tables", expanding=True))
            return int(connection.execute(pages, {"tables": list(tables)}).scalar_one())

    def alone(self) -> AbstractContextManager[object]:
        """The lock on the home is enough: the database lies in it."""
        return nullcontext()

    def make_place(self) -> None:
        self._path.touch(mode=0o600)

    def check_may_fill(self) -> None:
        """It lies in the home, which is written to before."""

    def check_may_leave(self) -> None:
        """Whoever may write its rows may write that too."""

    def forget_overwritten(self) -> None:
        """Deleted rows are overwritten at once (``secure_delete``), but the log of changes has them still. No writer
        waits for it: where a reader is busy, it is left for the next time."""
        engine = create_engine(
            _address(self._path, "rw"), connect_args={"timeout": 0}, isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    def damage(self) -> list[str]:
        with self.reading.connect() as connection:
            found = connection.exec_driver_sql(f"PRAGMA quick_check({MOST_DAMAGE})").scalars().all()
        return [line for line in found if line != "ok"]

    @contextmanager
    def served(self, _place: str) -> Iterator[int | None]:
        """The lock on the home is enough: the database lies in it."""
        yield None

    def serve_under(self, generation: int) -> None:
        raise NotImplementedError("one process serves a node on SQLite; there are no generations")

    def refusal(self, error: SQLAlchemyError, *, committing: bool) -> StoreUnavailable | None:
        """A failed commit leaves nothing either. The plain DatabaseError is what a damaged file gives."""
        del committing
        match error:
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_ERROR)):
                if self._holds_a_node():
                    return None
                return StoreDamaged("The database holds no node; nothing was stored. The operator restores the backup.")
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL)):
                return StoreFull("The disk is full; nothing was stored. Free space and send again.")
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_CANTOPEN)):
                return StoreUnavailable(
                    "The database cannot be opened for writing; nothing was stored. Run this as the node's user, and "
                    "see whether the disk is mounted read-only."
                )
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=code)) if _is(
                code, sqlite3.SQLITE_BUSY
            ):
                return StoreBusy("The database is held by another writer; nothing was stored. Try again.")
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=code)) if _is(
                code, sqlite3.SQLITE_READONLY
            ):
                return StoreReadOnly(
                    "The database cannot be written; nothing was stored. Run this as the node's user, and see whether "
                    "the disk is mounted read-only."
                )
            case OperationalError(orig=sqlite3.OperationalError(sqlite_errorcode=code) as cause) if _is(
                code, sqlite3.SQLITE_IOERR
            ):
                return StoreUnavailable(
                    f"The disk does not do what the database asks of it ({cause}); nothing was stored. See whether it "
                    "is full or failing, and try again."
                )
            case OperationalError(orig=cause):
                return StoreUnavailable(f"The database does not answer ({cause}); nothing was stored. Try again.")
            case DatabaseError(orig=cause) if type(error) is DatabaseError:
                return StoreDamaged(
                    f"The database is damaged ({cause}); nothing was stored. The operator stops the node and restores "
                    "the backup."
                )
            case _:
                return None

    def _holds_a_node(self) -> bool:
        """SQLite has one code for what a program asks wrongly and for tables that are gone."""
        try:
            with self.reading.connect() as connection:
                return inspect(connection).has_table(SchemaRow.__tablename__)
        except SQLAlchemyError:
            return False


def _is(code: int, plain: int) -> bool:
    """The lowest byte of an extended code of SQLite is the plain one."""
    return code & 0xFF == plain


def _engine(file: Path, *, begin: str, patience_s: float) -> Engine:
    engine = create_engine(
        _address(file, "rw"),  # a database that is missing is an error, never a new and empty one
        connect_args={"timeout": patience_s, "isolation_level": None},  # the begin event below says when
        pool_size=_KEPT,
        max_overflow=64 - _KEPT,  # as many as the web server has threads: none may wait for a connection and give up
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}")
        except UnicodeDecodeError as error:  # of a damaged name of a table not even the complaint can be read
            connection.close()
            raise sqlite3.DatabaseError("malformed database schema") from error
        except BaseException:
            connection.close()  # the pool never learns of it
            raise

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _address(file: Path, mode: str) -> URL:
    return URL.create("sqlite", database=f"file:{quote(str(file))}", query={"mode": mode, "uri": "true"})
