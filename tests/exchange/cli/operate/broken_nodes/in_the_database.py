"""Ways to break a node's database, on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url

from exchange.flows.node.node import create_node
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.operate.broken_nodes.made import Made
from tests.exchange.databases import Postgresql
from tests.exchange.running_nodes import free_port

_PAGE = 4096
_HOLD = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(60)
"""
_URL = "FFP_NODE_DATABASE_URL"


@contextmanager
def gone(made: Made) -> Iterator[None]:
    (made.home / "node.db").unlink()
    yield


@contextmanager
def damaged_page(made: Made) -> Iterator[None]:
    """One page of many, somewhere in the middle, as a disk gives it back that fails."""
    database = made.home / "node.db"
    content = bytearray(database.read_bytes())
    used = [
        at
        for at in range(_PAGE, len(content), _PAGE)
        if content[at] in (5, 13)  # pages of tables, of either kind
    ]
    at = used[len(used) // 2]
    content[at : at + 100] = b"\xff" * 100
    database.write_bytes(content)
    yield


@contextmanager
def newer_version(made: Made) -> Iterator[None]:
    made.execute("UPDATE schema_version SET version_num = '999'")
    yield


@contextmanager
def older_version(made: Made) -> Iterator[None]:
    made.execute("UPDATE schema_version SET version_num = ?", str(SCHEMA_VERSION - 1))
    yield


@contextmanager
def held_for_writing(made: Made) -> Iterator[None]:
    """By somebody's client of SQLite, in another process."""
    made.patch.setattr("exchange.flows.operate.doctor.database.WRITE_S", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(made.home / "node.db")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


@contextmanager
def postgresql_away(made: Made) -> Iterator[None]:
    made.patch.setenv(_URL, f"postgresql+psycopg://ffp:secret@127.0.0.1:{free_port()}/ffp")
    yield


@contextmanager
def postgresql_wrong_login(made: Made) -> Iterator[None]:
    """A server that answers, and does not know who asks."""
    server = made.request.getfixturevalue("postgresql")
    stranger = make_url(server).set(username="nobody_there", password="wrong")
    made.patch.setenv(_URL, stranger.render_as_string(hide_password=False))
    yield


@contextmanager
def postgresql_read_only(made: Made) -> Iterator[None]:
    server = Postgresql(made.request.getfixturevalue("postgresql"))
    address = server.new()
    made.home = made.folder / "on-postgresql"
    port = free_port()
    create_node(
        made.home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port, database_url=address
    )
    for path in (made.home / "keys").glob("identity-*.pem"):
        path.unlink()
    name = make_url(address).database
    server.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        yield
    finally:
        server.run(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        server.drop_all()
