"""A database of PostgreSQL beside the node's own, which a restore drill fills and empties: ``<database>_drill``.

It is on the same server, and the same role's own. Where it is not there, the drill makes it and drops it, which takes
the right CREATEDB; a role without that right is given an empty database once. What a killed drill left is recognised by
the comment on the database. One that holds something and has no such comment is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from exchange.errors import ConfigurationError, StoreUnavailable
from exchange.store.database.postgresql import Route, lone_engine

MADE: Final = "A restore drill made this database, and drops it."
LENT: Final = "A restore drill fills this database, and empties it."
_SUFFIX: Final = "_drill"
_MOST_CHARACTERS: Final = 63
_NOT_ALLOWED: Final = "42501"


class _Found(NamedTuple):
    comment: str | None
    own: bool


def scratch_name(database: str) -> str:
    """PostgreSQL cuts off what is longer."""
    return database[: _MOST_CHARACTERS - len(_SUFFIX)] + _SUFFIX


@contextmanager
def scratch_database(of: URL, route: Route | None, *, keep: bool) -> Iterator[URL]:
    """An empty database beside the one of a node, emptied or dropped at the end of the block, however it ends; with
    ``keep`` it stays filled until the next time.

    Raises ConfigurationError with the command that a superuser runs, StoreUnavailable.
    """
    place = of.set(database=scratch_name(str(of.database)))
    with _translated():
        _make_ready(of, place, route)
    try:
        yield place
    finally:
        if not keep:
            with _translated():
                _clear(of, place, route)


def _make_ready(of: URL, place: URL, route: Route | None) -> None:
    with lone_engine(of, route).connect() as server:
        found = _find(server, str(place.database))
        if found is not None and found.comment in (MADE, LENT):
            _clear(of, place, route)
            found = _find(server, str(place.database))
        if found is None:
            _make(server, place)
            return
        role = server.scalar(text("SELECT current_user"))
    if not found.own:
        raise ConfigurationError(
            f"The database {place.database} is another role's. A superuser gives it to the node's, once: "
            f'ALTER DATABASE "{place.database}" OWNER TO "{role}";'
        )
    with lone_engine(place, route).connect() as scratch:
        if _holds_something(scratch):
            raise ConfigurationError(
                f"The database {place.database} holds tables that no drill made; it is left as it is. Empty it, or "
                "drop it, when nobody needs it."
            )
        _comment(scratch, place, LENT)


def _make(server: Connection, place: URL) -> None:
    name = _quoted(server, str(place.database))
    try:
        server.exec_driver_sql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        role = server.scalar(text("SELECT current_user"))
        raise ConfigurationError(
            f"The drill restores into a database of its own, {place.database}, which the role {role} may not make. A "
            f'superuser makes an empty one, once: CREATE DATABASE "{place.database}" OWNER "{role}" ENCODING \'UTF8\' '
            f'TEMPLATE template0; REVOKE ALL ON DATABASE "{place.database}" FROM PUBLIC;'
        ) from error
    _comment(server, place, MADE)
    server.exec_driver_sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


def _clear(of: URL, place: URL, route: Route | None) -> None:
    """Whatever it is, its comment says that a drill filled it."""
    with lone_engine(of, route).connect() as server:
        found = _find(server, str(place.database))
        if found is not None and found.comment == MADE:
            server.exec_driver_sql(f"DROP DATABASE {_quoted(server, str(place.database))} WITH (FORCE)")
        if found is None or found.comment != LENT:
            return
    with lone_engine(place, route).connect() as scratch:
        scratch.exec_driver_sql("DROP SCHEMA IF EXISTS public CASCADE")
        scratch.exec_driver_sql("CREATE SCHEMA public")
        _comment(scratch, place, None)


def _find(server: Connection, name: str) -> _Found | None:
    row = server.execute(
        text(
            "SELECT shobj_description(oid, 'pg_database'), pg_has_role(datdba, 'USAGE') FROM pg_database "
            "WHERE datname = :name"
        ),
        {"name": name},
    ).one_or_none()
    return None if row is None else _Found(*row)


def _holds_something(scratch: Connection) -> bool:
    """Also what the role may not see into."""
    return bool(
        scratch.scalar(
            text(
                "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%')"
            )
        )
    )


def _comment(connection: Connection, place: URL, words: str | None) -> None:
    said = "NULL" if words is None else f"'{words}'"
    connection.exec_driver_sql(f"COMMENT ON DATABASE {_quoted(connection, str(place.database))} IS {said}")


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        cause = " ".join(str(error.orig).split())
        raise StoreUnavailable(f"The database server refused the scratch database of the drill: {cause}") from error
