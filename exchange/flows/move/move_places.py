"""How the two ends of a move are named, and whether there is room at the other one."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from exchange.addresses import DatabaseUrl
from exchange.config import Settings
from exchange.errors import ConfigurationError, ExtraMissing
from exchange.extras.known import require_extra
from exchange.store.database.engine import Store
from exchange.store.database.postgresql import check_options
from exchange.store.move.home_mark import SQLITE

_OTHER_SCHEMES = ("postgresql://", "postgres://")
_POSTGRESQL = 5432
"""The port of every server that does not say otherwise."""
_PART_OF_THE_NAME = ("host", "port")


def parse_place(text: str) -> SecretStr | None:
    """Where a move goes: the address of a database of PostgreSQL, or None for `sqlite`, the file in the home. Raises
    ConfigurationError, without the address: a password may stand in it."""
    if text.strip() == SQLITE:
        return None
    address = text.strip()
    for scheme in _OTHER_SCHEMES:
        if address.startswith(scheme):
            address = f"postgresql+psycopg://{address.removeprefix(scheme)}"
    try:
        place = TypeAdapter(DatabaseUrl).validate_python(SecretStr(address))
        require_extra("postgresql", "A database on PostgreSQL")
        url = make_url(address)
        check_options(url.get_dialect()().create_connect_args(url)[1])
    except ExtraMissing:
        raise
    except (ValidationError, ValueError, SQLAlchemyError) as error:
        raise ConfigurationError(
            "A node is moved to postgresql://user@host:port/database, or to sqlite: the file in its home. What was "
            "given is neither."
        ) from error
    return place


def place_name(place: SecretStr | None) -> str:
    """Host, port and database: without user and password, which two addresses of one database may differ in."""
    if place is None:
        return SQLITE
    url = make_url(place.get_secret_value())
    return URL.create(
        "postgresql",
        host=url.host,
        port=None if url.port == _POSTGRESQL else url.port,
        database=url.database,
        query={name: said for name, said in url.query.items() if name in _PART_OF_THE_NAME},
    ).render_as_string()


def at(settings: Settings, place: SecretStr | None) -> Settings:
    """The same node, with its database there."""
    return settings.model_copy(update={"database_url": place})


def check_room_for_copy(source: Store, home: Path) -> None:
    """For a move into the home. How much a server's disk has free, the node cannot see: a disk that fills is told when
    it does, and the move goes on from there. Raises ConfigurationError."""
    needed, free = source.taken_by(), shutil.disk_usage(home).free
    if needed > free:
        raise ConfigurationError(
            f"The database takes {needed:,} bytes, and in {home} there is room for {free:,}. Nothing was moved; make "
            "room, or move the home to a larger disk: df -h"
        )
