"""The database: whether it is there, whole, of this schema version, takes writes, and bounds roles that only read; and
a restore or a move of the database that was broken off."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import false, make_url, update

from exchange.config import RESTORING, Settings
from exchange.errors import (
    ConfigurationError,
    DatabaseMoved,
    EgressRefused,
    ExtraMissing,
    MoveUnfinished,
    OtherSchemaVersion,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from exchange.flows.node.destinations import database_ends, egress_of
from exchange.flows.node.node import store_of
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.net.egress import connect
from exchange.processes import lock_holders, named
from exchange.store.database.engine import Store
from exchange.store.move.home_mark import read_mark
from exchange.store.operate.reading_roles import Unbounded, reading_roles
from exchange.store.tables.log import LogStateRow

WRITE_S: Final = 10.0
"""Whoever writes holds the database for milliseconds; so long it is held by one that hangs."""
_REACH_S: Final = 5.0
_WAIT: Final = "Wait for its end, and examine again."

_CAN: Final = {
    Unbounded.LOCKS: "take the locks of its writers",
    Unbounded.OBJECTS: "make tables",
    Unbounded.CONNECTIONS: "use all connections of the server",
    Unbounded.FILES: "fill the server's disk with temporary files",
    Unbounded.TIME: "keep locks without end, since no watchdog is connected",
    Unbounded.PREPARED: "keep locks in prepared transactions (max_prepared_transactions is not 0)",
    Unbounded.ELSEWHERE: "connect to other databases of the server, and fill its disk there",
}


def examine_restore(home: Path) -> Iterator[Finding]:
    """By the mark that a restore leaves in the home until it has ended."""
    mark = home / RESTORING
    if not mark.is_file():
        return
    source = mark.read_text(encoding="utf-8", errors="replace").strip() or "BACKUP"
    holders = lock_holders(mark)
    if holders:
        what = f"A restore into {home} is under way: {', '.join(map(named, holders))}. The node is not whole yet."
        yield finding(Cause.HALF_RESTORE, what, then=_WAIT)
    else:
        what = f"A restore into {home} was broken off half way: keys, scans or rows are missing."
        yield finding(Cause.HALF_RESTORE, what, source=source, home=home)


def examine_move(home: Path) -> Iterator[Finding]:
    """By the mark that a move leaves in the home until it has ended."""
    mark = read_mark(home)
    if mark is None:
        return
    way = f"from {mark.source} to {mark.target}"
    holders = lock_holders(home / "serve.lock")
    if holders:
        what = f"The node's database is being moved {way}: {', '.join(map(named, holders))}."
        yield finding(Cause.HALF_MOVE, what, then=_WAIT)
    else:
        what = f"The move of the node's database {way}, begun at {mark.begun_at}, has not ended: nothing is served."
        yield finding(Cause.HALF_MOVE, what, command=mark.command, home=home)


def examine_database(settings: Settings) -> Iterator[Finding]:
    """The first thing that is wrong with it."""
    if settings.database_url is None and not settings.database.is_file():
        yield finding(Cause.DATABASE_GONE, f"The database {settings.database} is missing.")
        return
    try:
        store = store_of(settings, patience_s=WRITE_S)
    except ExtraMissing as error:
        yield finding(Cause.EXTRA_MISSING, error.what, subject="database", step=error.step)
        return
    except ConfigurationError as error:
        yield finding(Cause.SETTING_REFUSED, str(error), subject="database", step="Correct database_url.")
        return
    try:
        yield from _examine(settings, store)
    finally:
        store.close()


def _examine(settings: Settings, store: Store) -> Iterator[Finding]:
    try:
        store.check()
        damage = store.damage()
        if damage:
            yield finding(Cause.DATABASE_DAMAGED, f"The database is damaged: {'; '.join(damage)}.")
            return
        with store.write() as session:  # changes no row
            session.execute(update(LogStateRow).where(false()).values(size=0))
    except OtherSchemaVersion as error:
        yield finding(Cause.DATABASE_NEWER if error.newer else Cause.DATABASE_OLDER, _first_of(error))
    except MoveUnfinished as error:
        then = "Go on with the move, in the home that began it: ffp doctor --home HOME names the command"
        yield finding(Cause.HALF_MOVE, _first_of(error), subject="database", then=then)
    except DatabaseMoved as error:
        yield finding(Cause.DATABASE_MOVED, _first_of(error))
    except StoreUnavailable as error:
        yield _unavailable(settings, error)


def examine_reading_roles(_settings: Settings, store: Store) -> Iterator[Finding]:
    """A role that may only read must not be able to stop the node."""
    with store.read() as session:
        roles = reading_roles(session)
    for role in roles:
        if role.unbounded:
            can = "; ".join(_CAN[what] for what in Unbounded if what in role.unbounded)
            what = f"The database role {role.name} only reads, and can stop this node. It can {can}."
            yield finding(Cause.DATABASE_ROLES, what)


def _unavailable(settings: Settings, error: StoreUnavailable) -> Finding:
    match error:
        case StoreDamaged():
            return finding(Cause.DATABASE_DAMAGED, _first_of(error))
        case StoreFull():
            where = settings.home if settings.database_url is None else "the server of the database"
            what = f"The disk of {where} is full: the database takes nothing."
            return finding(Cause.DISK_FULL, what, then="Free space there, or move it to a larger disk: df -h")
        case StoreBusy():
            return _locked(settings)
        case StoreReadOnly():
            primary = (
                "Name the primary in database_url; or there: ALTER DATABASE ... RESET default_transaction_read_only"
            )
            then, what = primary if settings.database_url is not None else "", _first_of(error)
            return finding(Cause.DATABASE_READ_ONLY, what, then=then, home=settings.home, database=settings.database)
        case _ if settings.database_url is not None:
            return _away(settings, settings.database_url.get_secret_value(), error)
        case _:
            return finding(Cause.DATABASE_UNUSABLE, _first_of(error), database=settings.database)


def _first_of(error: ConfigurationError | StoreUnavailable) -> str:
    """What is wrong; what follows is for those who wait, and the step is told apart."""
    return re.split(r"; nothing was stored|\. (?=[A-Z])", str(error))[0].removesuffix(".") + "."


def _locked(settings: Settings) -> Finding:
    files = (
        settings.database,
        *(settings.database.with_name(f"{settings.database.name}{end}") for end in ("-shm", "-wal")),
    )
    holders = sorted({pid for file in files for pid in lock_holders(file, to_write=True)})
    who = ", ".join(map(named, holders)) or "another process"
    what = f"{who} holds the database for writing, for more than {WRITE_S:g} s: nothing can be stored."
    then = f"See what it is and end it: ps -fp {holders[0]}; kill {holders[0]}" if holders else ""
    if settings.database_url is not None:
        then = "Find it in the server, and end it: SELECT pid, datname, state, query FROM pg_stat_activity"
    return finding(Cause.DATABASE_LOCKED, what, then=then)


def _away(settings: Settings, url: str, error: StoreUnavailable) -> Finding:
    """A server that cannot be reached, or one that answers and does not let this node in."""
    shown = make_url(url).set(drivername="postgresql", password=None).render_as_string()
    unreached = _unreached(settings, url)
    if unreached is not None:
        return finding(Cause.DATABASE_AWAY, f"The server of PostgreSQL does not answer ({shown}): {unreached}.")
    what = f"The server of PostgreSQL answers, and does not let this node in ({shown}). {_first_of(error)}"
    return finding(Cause.DATABASE_LOGIN, what, home=settings.home, url=shown)


def _unreached(settings: Settings, url: str) -> str | None:
    """Why no connection can be made, whoever would then sign in; None where one can be."""
    guard = egress_of(settings)
    try:
        for host, port in database_ends(url):
            connect(guard, host, port, _REACH_S).close()
        for path in _unix_sockets(url):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(path)
    except EgressRefused as refused:
        return str(refused)
    except OSError as refused:
        return refused.strerror or str(refused)
    return None


def _unix_sockets(url: str) -> Iterator[str]:
    parts = make_url(url)
    named_host = parts.query.get("host", parts.host or "")
    for host in [named_host] if isinstance(named_host, str) else named_host:
        if host.startswith("/"):
            port = parts.query.get("port", parts.port or 5432)
            yield f"{host}/.s.PGSQL.{port}"
