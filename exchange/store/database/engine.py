"""The node's database, on SQLite or on PostgreSQL: sessions that read one moment, and sessions that write alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, MetaData, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exchange.errors import ConfigurationError, DatabaseMoved, MoveUnfinished, OtherSchemaVersion, StoreUnavailable
from exchange.store.database import seals
from exchange.store.database.database_standing import DatabaseStanding, Use, parse_standing
from exchange.store.database.postgresql import CONNECTIONS, PostgresqlDatabase, Route
from exchange.store.database.sqlite import SqliteDatabase
from exchange.store.migrations import downgrade, upgrade
from exchange.store.tables.columns import Base
from exchange.store.tables.log import LogStateRow
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow, ServingRow

PATIENCE_S = 30.0
"""The longest that a writer waits for another; write transactions hold no work but rows."""


class Database(Protocol):
    """What differs between the engines. Errors of SQLAlchemy leave every method as they are."""

    reading: Engine
    """Each of its transactions reads one moment, and waits for no writer."""
    writing: Engine
    """From its first statement on, a transaction has the database to itself and sees all that was committed before.
    When its commit returns, the rows are on disk."""

    def check_new(self) -> None:
        """Raises ConfigurationError when this is no place for a new node."""

    def create_tables(self) -> None:
        """Raises ConfigurationError when there are some."""

    def check_there(self) -> None:
        """Raises StoreUnavailable when what is written would go nowhere."""

    def turn(self) -> AbstractContextManager[None]:
        """Of this process's writers, in front of the engine's own order. Raises StoreUnavailable."""

    def copied_to(self, folder: Path) -> AbstractContextManager[tuple[Session, str]]:
        """Write one moment of the database to a file in a folder, while others write on. The session reads that very
        moment; the name is that of the file. Raises OSError too."""

    def fill(self, file: Path) -> None:
        """Take the place of a new database with the content of such a file. Raises ConfigurationError when there is
        something already; OSError too."""

    def changing(self) -> AbstractContextManager[Connection]:
        """One transaction in which tables are changed: all of it or nothing. It commits when its block ends well,
        however long the block takes; nobody else writes meanwhile.
        Raises ConfigurationError when a process serves the database, or when references would lead nowhere."""

    def taken_by(self, tables: Collection[str] | None) -> int:
        """Bytes of these tables with their indexes, each table being there; of the whole database for None."""

    def alone(self) -> AbstractContextManager[object]:
        """Nobody serves it, and nobody else is here, while the block runs. Raises ConfigurationError when somebody
        is."""

    def make_place(self) -> None:
        """Make what a connection to an empty database needs. Doing so twice changes nothing."""

    def check_may_fill(self) -> None:
        """Raises ConfigurationError when tables cannot be made here, and says why."""

    def check_may_leave(self) -> None:
        """Raises ConfigurationError when the tables of the database cannot be changed, and says why."""

    def forget_overwritten(self) -> None:
        """Let nothing stay on the disk of what was deleted or overwritten, as far as that is the node's to do."""

    def damage(self) -> list[str]:
        """What a quick look at its files finds; a server of PostgreSQL looks after its own."""

    def served(self, place: str) -> AbstractContextManager[int | None]:
        """Serve it alone while the block runs. Gives the generation under which this process writes, where there are
        generations. Raises ConfigurationError when another process serves it."""

    def serve_under(self, generation: int) -> None:
        """Write under the generation of the process that holds it, and no more once another one begins."""

    def refusal(self, error: SQLAlchemyError, *, committing: bool) -> StoreUnavailable | None:
        """The engine's error in the node's own words, with the next step. None for a fault of the program."""


class Store:
    """``read`` and ``write`` give a session each; ``write`` commits when its block ends well.

    When ``write`` has returned, the rows are on disk: durable before acknowledged. ``route`` says at which addresses a
    server may be reached; None leaves that to its client.
    """

    def __init__(
        self,
        place: Path | URL,
        *,
        patience_s: float = PATIENCE_S,
        route: Route | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """``connections`` to a server are taken at most, to read, and as many to write."""
        self._database: Database
        match place:
            case Path():
                self._database = SqliteDatabase(place, patience_s=patience_s)
            case URL():
                self._database = PostgresqlDatabase(place, patience_s=patience_s, route=route, connections=connections)
        self._info: dict[str, bytes] = {}
        self._checked = False

    def seal_with(self, key: bytes) -> None:
        """From now on what lets somebody in is sealed when it is written, and must hold when it is used
        (`store.database.seals`)."""
        self._info = {seals.KEY: key}

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot."""
        with self._translated(), Session(self._database.reading, expire_on_commit=False, info=self._info) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The one writer. No signing, parsing, network or matching inside: others wait.

        Raises StoreUnavailable. Its message says whether nothing was stored, or whether that is not known.
        """
        self._database.check_there()
        with (
            self._database.turn(),
            self._translated() as progress,
            Session(self._database.writing, expire_on_commit=False, info=self._info) as session,
            session.begin(),
        ):
            self._refuse_left(session)
            yield session
            session.flush()
            progress.committing = True

    def check_new(self) -> None:
        """Raises ConfigurationError when there is a node already, or the database is not one for it."""
        with self._translated():
            self._database.check_new()

    def create(self) -> None:
        """Make the tables of a new node. Raises as ``check_new``."""
        with self._translated():
            self._database.check_new()
            self._database.create_tables()
        with self.write() as session:
            session.add_all([SchemaRow(version_num=str(SCHEMA_VERSION)), LogStateRow(id=1, size=0)])

    def _refuse_left(self, session: Session) -> None:
        """Within the transaction: a process that opened the database before the node was moved from it, such as a
        worker on another machine, writes into it no more."""
        if not self._checked:
            return
        found = session.connection().exec_driver_sql(
            "SELECT version_num FROM schema_version"
        )  # takes a third of select()
        if found.scalar() != str(SCHEMA_VERSION):
            raise StoreUnavailable(
                "The node was moved to another database while this process ran, or its database schema version was "
                "changed; nothing was stored. The operator restarts it."
            )

    def schema_version(self) -> int:
        """Return the database schema version: SCHEMA_VERSION, or that of an earlier release.

        Raises StoreUnavailable when the database is gone, OtherSchemaVersion when it is of a later release,
        MoveUnfinished when it is a copy that is not whole, DatabaseMoved when the node left it for another one.
        """
        self._database.check_there()
        with self.read() as session:
            found = session.scalar(select(SchemaRow.version_num))
            standing = parse_standing(found)
            if standing is not None and standing.use is Use.MOVED:
                row = session.get(ServingRow, 1)
                raise DatabaseMoved(
                    _left(row.place if row else "moved to another database", row.since if row else None)
                )
        if standing is None or standing.version > SCHEMA_VERSION:
            raise OtherSchemaVersion(
                f"The database has schema version {found}, this release needs {SCHEMA_VERSION}: install the release "
                f"that made it, or have that release bring it back: ffp migrate --to-version {SCHEMA_VERSION}",
                newer=True,
            )
        if standing.use is Use.COPY:
            raise MoveUnfinished(
                "The database is the unfinished copy of a move: not all of the node is in it. In the home that began "
                "the move, go on with it: ffp migrate --to ... (ffp doctor names the command), or empty this database."
            )
        return standing.version

    def check(self) -> None:
        """Raises as ``schema_version``, and OtherSchemaVersion when that is an earlier one."""
        version = self.schema_version()
        if version != SCHEMA_VERSION:
            raise OtherSchemaVersion(
                f"The database has schema version {version}, this software needs {SCHEMA_VERSION}. Make a backup, then "
                "run: ffp migrate",
                newer=False,
            )
        self._checked = True

    def migrate(self, to: int = SCHEMA_VERSION) -> None:
        """Bring the tables to a schema version, later or earlier, in one transaction. Nobody serves the database
        meanwhile. Raises as ``schema_version``, and ConfigurationError; then all is as it was."""
        change = downgrade if to < self.schema_version() else upgrade
        with self._translated(), self._database.changing() as connection:
            change(connection, to)

    def taken_by(self, tables: Collection[str] | None = None) -> int:
        """Bytes of these tables with their indexes, each table being there; of the whole database for None."""
        with self._translated():
            return self._database.taken_by(tables)

    def standing(self) -> DatabaseStanding | None:
        """What the database is good for; None of an empty one. Raises ConfigurationError of one with tables of
        somebody else, StoreUnavailable."""
        with self._translated(), self._database.reading.connect() as connection:
            tables = inspect(connection).get_table_names()
            if not tables:
                return None
            found = (
                parse_standing(connection.scalar(select(SchemaRow.version_num)))
                if SchemaRow.__tablename__ in tables
                else None
            )
        if found is None:
            raise ConfigurationError(
                f"The database holds {len(tables)} tables that are not of this software, such as {min(tables)}; it is "
                "left as it is. Give the node an empty database of its own: createdb NAME"
            )
        return found

    def check_may_fill(self) -> None:
        """Raises ConfigurationError when the node's tables cannot be made here, StoreUnavailable."""
        with self._translated():
            self._database.check_may_fill()

    def check_may_leave(self) -> None:
        """Raises ConfigurationError when the database cannot be marked as left, StoreUnavailable."""
        with self._translated():
            self._database.check_may_leave()

    def begin_copy(self, move: str, more: MetaData) -> None:
        """Make the empty tables of a copy, and those of ``more`` beside them, marked as such: all of it or nothing."""
        with self._translated():
            self._database.make_place()
            with self._database.writing.begin() as connection:
                Base.metadata.create_all(connection)
                more.create_all(connection)
                mark = DatabaseStanding(SCHEMA_VERSION, Use.COPY, move)
                connection.execute(insert(SchemaRow).values(version_num=str(mark)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody serves this database while the block runs. Raises ConfigurationError when somebody does."""
        with self._translated(), self._database.alone():
            yield

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """One write transaction, as long as the block takes: nobody serves the database, nobody else writes. It
        commits when its block ends well. Raises ConfigurationError when somebody serves it, StoreUnavailable."""
        self._database.check_there()
        with self._translated(), self._database.changing() as connection:
            yield connection

    @contextmanager
    def copied_to(self, folder: Path) -> Iterator[tuple[Session, str]]:
        """Write one moment of a database that may be in use to a file, on disk when the block begins.

        Gives a session that reads that very moment, and the file's name. Raises OSError, StoreUnavailable,
        ConfigurationError when a program that it takes is missing.
        """
        self._database.check_there()
        with self._translated(), self._database.copied_to(folder) as copied:
            yield copied

    def fill(self, file: Path) -> None:
        """Make the database of a node that is restored from such a file. Raises as ``check_new`` and ``copied_to``."""
        with self._translated():
            self._database.check_new()
            self._database.fill(file)

    def forget_overwritten(self) -> None:
        """Let nothing stay on the disk of what was deleted or overwritten, as far as that is the node's to do. A busy
        reader keeps it until the next time."""
        with self._translated():
            self._database.forget_overwritten()

    def damage(self) -> list[str]:
        """What of the database is not as its engine wrote it, in the engine's words; nothing of a whole one. Raises
        StoreUnavailable when it cannot even be looked at."""
        with self._translated():
            return self._database.damage()

    @contextmanager
    def served(self, place: str) -> Iterator[int | None]:
        """Serve this database alone while the block runs; ``place`` tells others who does. Gives the generation of
        whoever serves, for the processes that do so with it; None on SQLite, where one process serves.

        Raises ConfigurationError when another process serves it.
        """
        with ExitStack() as stack:
            with self._translated():
                generation = stack.enter_context(self._database.served(place))
            yield generation

    def serve_under(self, generation: int) -> None:
        """Write from now on as one of the processes that serve under this generation: when another one begins, each
        write is refused."""
        self._database.serve_under(generation)

    def disconnect(self) -> None:
        """Close the connections that nobody uses at this moment; later ones are made anew."""
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[_Progress]:
        """A violated constraint stays what it is, a fault of the program."""
        progress = _Progress()
        try:
            yield progress
        except SQLAlchemyError as error:
            refusal = self._database.refusal(error, committing=progress.committing)
            if refusal is None:
                raise
            raise refusal from error

    def close(self) -> None:
        self._database.reading.dispose()
        self._database.writing.dispose()


def _left(place: str, since: str | None) -> str:
    return (
        f"The node left this database, {place}{f' at {since}' if since else ''}: it is of that moment, and is not "
        "served again. Correct database_url (ffp config show --origin says where it is set): in the environment, among "
        "the credentials of the service, or in the home."
    )


class _Progress:
    """How far a transaction is: once its commit was asked for, a lost connection leaves open what became of it."""

    committing = False
