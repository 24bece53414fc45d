"""PostgreSQL through psycopg 3: writers take turns at one advisory lock, readers see one moment (see docs/adr/0011)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, select
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from exchange.clock import stamp
from exchange.errors import ConfigurationError, ExtraMissing, StoreBusy, StoreFull, StoreReadOnly, StoreUnavailable
from exchange.store.operate.postgresql_dump import dump, load
from exchange.store.scan.copies import sync
from exchange.store.tables.columns import Base
from exchange.store.tables.schema_version import SchemaRow, ServingRow

log = structlog.get_logger(__name__)

OLDEST = 15
CONNECTIONS = 32
"""To read, and as many to write; of a server's usual 100, and taken only as needed. Writers wait for their turn in the
server, which lets them in as they came; those that wait for a connection here are let in as it happens."""
_KEPT = 8  # of either kind, when the rush is over

_READING = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "1h"}
"""A reader blocks nobody, and the check of what is at rest takes its time between two statements."""
_WRITING = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "60s"}
"""No limit on a statement: a commit that waits for a standby would be cut off and count as done. A transaction that
lies still is ended: a node that vanished with its machine keeps its successor waiting no longer than that."""

_OWN_TABLES = {"search_path": "public, pg_temp"}
"""Names without a schema lead to the node's tables, whatever else a role may create; pg_temp would else come first."""

_SERVING = {"idle_session_timeout": "0", "lock_timeout": "5s"}
"""A process that was killed is gone for the server a moment later."""

_KEYS = 7181  # the namespace of these locks; each database has its own
_WRITER, _SERVER = 1, 2

_ADDRESS = {
    "application_name": "ffp-exchange",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    # without these, a connection to a machine that vanished is waited for two hours
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

_KEPT_ALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
"""So that the server too notices within a minute that the node's machine vanished. On a Unix socket they do nothing."""

_DISK_FULL = "53100"
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY = "25006"
_NOT_ALLOWED = "42501"
_UNDEFINED_TABLE = "42P01"
_BEYOND_LIMITS = "54"  # a class: too many columns, too deep; the same again would be refused again


Route = Callable[[str, int], list[str]]
"""The addresses at which a host may be reached. Raises StoreUnavailable for none."""


class PostgresqlDatabase:
    """One database for one node. It must be reached directly: a pooler that hands out connections by the transaction
    would lose the lock of whoever serves."""

    def __init__(
        self, address: URL, *, patience_s: float, route: Route | None = None, connections: int = CONNECTIONS
    ) -> None:
        self._route, self._connections = route, connections
        self._address = address.update_query_dict({k: v for k, v in _ADDRESS.items() if k not in address.query})
        self._generation: int | None = None
        self.reading: Engine = self._engine(_READING, patience_s).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # READ COMMITTED: what is read after the lock was had is what the last writer left
        self.writing: Engine = self._engine(_WRITING, patience_s).execution_options(isolation_level="READ COMMITTED")
        event.listen(self.writing, "begin", self._take_turn)

    def check_new(self) -> None:
        with self.reading.connect() as connection:
            self._check_server(connection)
            if inspect(connection).has_table(SchemaRow.__tablename__):
                raise ConfigurationError(
                    "The database holds the tables of a node already; it is left as it is. Give each node a database "
                    "of its own: createdb NAME"
                )

    def _check_server(self, connection: Connection) -> None:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar() or 0)
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if version < OLDEST * 10_000 or encoding != "UTF8":
            raise ConfigurationError(
                f"The server is PostgreSQL {version // 10_000}, the database in {encoding}; a node needs {OLDEST} or "
                "newer, and a database in UTF8: createdb --encoding=UTF8 --template=template0 NAME"
            )

    def create_tables(self) -> None:
        with self.writing.begin() as connection:
            Base.metadata.create_all(connection)

    def check_there(self) -> None:
        """The server says so itself, at the first statement."""

    def turn(self) -> AbstractContextManager[None]:
        """The server lets writers in as they came."""
        return nullcontext()

    def taken_by(self, tables: Collection[str] | None) -> int:
        with self.reading.connect() as connection:
            if tables is None:
                return int(connection.scalar(select(func.pg_database_size(func.current_database()))) or 0)
            quoted = connection.dialect.identifier_preparer.quote_identifier
            return sum(
                int(connection.scalar(select(func.pg_total_relation_size(quoted(table)))) or 0) for table in tables
            )

    def forget_overwritten(self) -> None:
        """The server vacuums its tables itself, and keeps its logs of changes as its operator says."""

    def damage(self) -> list[str]:
        """The server refuses what it finds damaged when it reads it."""
        return []

    @contextmanager
    def copied_to(self, folder: Path) -> Iterator[tuple[Session, str]]:
        target = folder / "node.dump"
        with Session(self.reading) as session:
            snapshot = str(session.scalar(select(func.pg_export_snapshot())))
            dump(self._checked_address(), snapshot, target)
            target.chmod(0o600)
            sync(target)
            sync(folder)
            yield session, target.name

    def fill(self, file: Path) -> None:
        load(self._checked_address(), file)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """It may lie still for hours, while another database is filled from it."""
        with self._alone(), self.writing.begin() as connection:
            connection.exec_driver_sql("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
            yield connection

    def alone(self) -> AbstractContextManager[object]:
        return self._alone()

    def make_place(self) -> None:
        """The server's administrator makes it."""

    def check_may_fill(self) -> None:
        with self.reading.connect() as connection:
            self._check_server(connection)
            if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
                raise ConfigurationError("The database server is a standby, which takes no writes: name the primary.")
            role, schema, may = connection.exec_driver_sql(
                "SELECT current_user, current_schema(), coalesce(has_schema_privilege(current_schema(), 'CREATE'), "
                "false)"
            ).one()
            if not may:
                raise ConfigurationError(
                    f"The role {role} may make no tables in the schema {schema or 'public'} of this database. Name the "
                    "role that owns it, or have its administrator make it so: ALTER DATABASE NAME OWNER TO "
                    f"{role}"
                )

    def check_may_leave(self) -> None:
        with self.reading.connect() as connection:
            role, may = connection.exec_driver_sql(
                "SELECT current_user, has_table_privilege('schema_version', 'UPDATE')"
            ).one()
            if not may:
                raise ConfigurationError(
                    f"The role {role} may not change the tables of this database. Give the address with the role that "
                    "owns the tables in FFP_NODE_DATABASE_URL, for this command alone (deploy/README.md, Roles)."
                )

    @contextmanager
    def served(self, place: str) -> Iterator[int | None]:
        """Alone, as long as the server is not restarted meanwhile: then the lock is gone, and another process may take
        it. ``generation`` tells: whoever began to serve last may write, the other is refused.
        """
        with self._alone() as connection:
            if connection.exec_driver_sql("SHOW fsync").scalar() != "on":
                log.warning("the database server runs with fsync=off: at a power cut it loses what was acknowledged")
            self._generation = self._begin_generation(place)
            try:
                yield self._generation
            finally:
                self._generation = None

    def serve_under(self, generation: int) -> None:
        self._generation = generation

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A lock that the server gives back when this process ends, however it ends."""
        with lone_engine(self._address, self._route).connect() as connection:
            connection.exec_driver_sql("SELECT " + _set({**_SERVING, **_KEPT_ALIVE, **_OWN_TABLES}))
            try:
                connection.execute(select(func.pg_advisory_lock(_KEYS, _SERVER)))
            except OperationalError as error:
                if _state(error) != _LOCK_NOT_AVAILABLE:
                    raise
                raise ConfigurationError(
                    f"The database is served by another process already, {_who(connection)}. Stop that one first; "
                    "each node needs a database of its own."
                ) from error
            yield connection

    def refusal(self, error: SQLAlchemyError, *, committing: bool) -> StoreUnavailable | None:
        """By SQLSTATE, which no language changes; without one, the connection was lost or never made."""
        if isinstance(error, NoConnection):
            return StoreUnavailable("All connections to the database are busy; nothing was stored. Try again.")
        if not isinstance(error, DBAPIError):
            return None
        state, cause = _state(error), " ".join(str(error.orig).split())
        if state == _DISK_FULL:
            return StoreFull("The database's disk is full; nothing was stored. Free space and send again.")
        if state == _READ_ONLY:
            return StoreReadOnly(
                "The database server takes no writes: it is a standby, or was set so; nothing was stored. The operator "
                "points the node to the primary."
            )
        if state == _NOT_ALLOWED:
            return StoreUnavailable(
                f"The database refuses its role that ({cause}); nothing was stored. The operator gives the role what "
                "needs (deploy/README.md, Roles)."
            )
        if state == _LOCK_NOT_AVAILABLE:
            return StoreBusy("The database is held by another writer; nothing was stored. Try again.")
        if isinstance(error, ProgrammingError) and state == _UNDEFINED_TABLE:
            return StoreUnavailable(
                "The database holds no node; nothing was stored. The operator restores the backup, or makes a new node "
                "with `ffp init`."
            )
        asked_wrongly = state is not None and state.startswith(_BEYOND_LIMITS)
        if asked_wrongly or not isinstance(error, OperationalError | InterfaceError | InternalError):
            return None
        if committing and (state is None or error.connection_invalidated):
            return StoreUnavailable(
                f"The database was lost at the last moment ({cause}); it is not known whether this was stored. Send "
                "the same again: what was stored is recognised."
            )
        return StoreUnavailable(f"The database does not answer ({cause}); nothing was stored. Try again.")

    def _engine(self, settings: dict[str, str], patience_s: float) -> Engine:
        try:
            engine = create_engine(
                self._address,
                pool_pre_ping=True,  # the server may have been restarted since
                pool_size=min(_KEPT, self._connections),
                max_overflow=max(0, self._connections - _KEPT),
                pool_timeout=patience_s,
            )
        except ModuleNotFoundError as error:
            raise ExtraMissing("The setting database_url", extra="postgresql") from error

        event.listen(engine, "do_connect", self._connect_where_allowed)

        @event.listens_for(engine, "connect")
        def _connected(connection: Any, _record: Any) -> None:
            _settle(connection, {"lock_timeout": f"{round(patience_s * 1000)}ms", **settings})

        return engine

    def _connect_where_allowed(self, _dialect: object, _record: object, _args: object, named: dict[str, Any]) -> None:
        """libpq connects to ``hostaddr`` and resolves nothing; the name stays for TLS."""
        named.update(_reached(named, self._route))

    def _checked_address(self) -> URL:
        """For the server's own programs, which connect by themselves."""
        named = self._address.get_dialect()().create_connect_args(self._address)[1]
        reached = _reached(named, self._route)
        return self._address.set(host=None, port=None).update_query_dict(reached) if reached else self._address

    def _begin_generation(self, place: str) -> int:
        with Session(self.writing) as session, session.begin():
            row = session.get(ServingRow, 1) or ServingRow(id=1, generation=0)
            row.generation, row.place, row.since = row.generation + 1, place, stamp()
            session.add(row)
            return row.generation

    def _take_turn(self, connection: Connection) -> None:
        """The lock first and alone: what the next statement sees is what was committed by then."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEYS}, {_WRITER})")
        if self._generation is None:
            return
        generation = connection.scalar(select(ServingRow.generation)) or 0
        if generation < self._generation:
            raise StoreUnavailable(
                "The database was set back to an earlier state while the node ran; nothing was stored. The operator "
                "restarts the node."
            )
        if generation > self._generation:
            raise StoreUnavailable(
                f"The database is served by another process by now, {_who(connection)}; nothing was stored. The "
                "operator stops one of the two."
            )


def lone_engine(address: URL, route: Route | None) -> Engine:
    """Each of its connections is made anew, and outside of any transaction."""
    engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    event.listen(engine, "do_connect", lambda _dialect, _record, _args, named: named.update(_reached(named, route)))
    return engine


def _reached(named: Mapping[str, Any], route: Route | None) -> dict[str, str]:
    """Each host of a connection with each address at which it may be reached, in libpq's lists; nothing where all is as
    libpq does it: sockets of this machine, and what the operator gave in digits himself."""
    hosts = [host for host in str(named.get("host") or "").split(",") if host]
    if route is None or not hosts or "hostaddr" in named or any(host.startswith("/") for host in hosts):
        return {}
    ports = [int(port or 5432) for port in str(named.get("port") or "").split(",")]
    ends = [(host, ports[place % len(ports)]) for place, host in enumerate(hosts)]
    ways = [(host, str(port), address) for host, port in ends for address in route(host, port)]
    return dict(zip(("host", "port", "hostaddr"), map(",".join, zip(*ways, strict=True)), strict=True))


def _state(error: DBAPIError) -> str | None:
    """SQLSTATE (PostgreSQL, appendix A); None when the server said nothing."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _who(connection: Connection) -> str:
    row = connection.execute(select(ServingRow.place, ServingRow.since)).one_or_none()
    return f"{row.place} since {row.since}" if row else "one that has just begun"


def _set(settings: dict[str, str]) -> str:
    return ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())


def _settle(connection: Any, settings: dict[str, str]) -> None:
    """What a node relies on, whatever the server's or the role's own settings are.

    synchronous_commit: nothing weaker than "on"; "remote_apply", which is stronger, may stand.
    """
    before, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_set({**settings, **_KEPT_ALIVE, **_OWN_TABLES})}, "
            "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
            "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
        )
    connection.autocommit = before


def check_options(named: Mapping[str, Any]) -> None:
    """Whether libpq takes these options, as an address was read. Raises ValueError."""
    import psycopg

    try:
        psycopg.conninfo.make_conninfo(**named)
    except psycopg.ProgrammingError as error:
        raise ValueError(f"has an option that PostgreSQL does not know: {error}") from error
    int(named.get("connect_timeout", 0))
