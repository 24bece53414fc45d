"""SQLite: on disk when it says so, and every fault of the disk as an answer."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from exchange.errors import StoreFull, StoreUnavailable
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from schemas.vocabulary import Role
from tests.exchange.databases import databases_fixture
from tests.exchange.store.database.test_engine import users

databases = databases_fixture("sqlite")


def _add_more_than_fits(store: Store) -> None:
    with store.write() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        for number in range(500):
            add_user(session, f"user-{number}", Role.EXAMINER)


def test_written_is_on_disk(store: Store, tmp_path: Path) -> None:
    """Seen by another connection at once, and written with full synchronisation."""
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert session.execute(text("PRAGMA secure_delete")).scalar() == 1
    with closing(sqlite3.connect(tmp_path / "node.db")) as other:
        assert other.execute("SELECT pseudonym FROM user").fetchall() == [("one",)]


def test_a_database_that_is_full(store: Store) -> None:
    with pytest.raises(StoreFull, match="full"):
        _add_more_than_fits(store)
    assert users(store) == 0


TAKES_NO_MORE = """
import resource, sys
from pathlib import Path
from exchange.errors import StoreUnavailable
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from schemas.vocabulary import Role

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with Store(Path(sys.argv[1])).write() as session:
        add_user(session, "one", Role.EXAMINER)
except StoreUnavailable as refusal:
    print(refusal)
"""


@pytest.mark.slow
def test_a_disk_that_takes_nothing_more_is_said_to_be_full_or_failing(store: Store, tmp_path: Path) -> None:
    """SQLite says only "disk I/O error" where the file beside the database, of which it makes a part of its memory,
    finds no room: as at a start on a full disk."""
    store.close()
    run = subprocess.run(
        [sys.executable, "-c", TAKES_NO_MORE, str(tmp_path / "node.db")],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "full or failing" in run.stdout


def test_a_database_that_is_missing_is_not_made_anew(store: Store, tmp_path: Path) -> None:
    database = tmp_path / "node.db"
    assert users(store) == 0
    away = database.rename(tmp_path / "away.db")
    with pytest.raises(StoreUnavailable, match="backup"):
        store.check()
    with pytest.raises(StoreUnavailable, match="backup"), store.write():
        pass
    stranger = Store(database)
    with pytest.raises(StoreUnavailable):
        users(stranger)
    stranger.close()
    assert not database.exists()
    away.rename(database)
    store.check()


def test_what_a_program_asks_wrongly_is_no_database_that_is_away(store: Store) -> None:
    """Work that waited for it would wait for ever."""
    with pytest.raises(OperationalError, match="no such column"), store.read() as session:
        session.execute(text("SELECT nothing_of_this_name FROM user"))
    with store.write() as session:
        session.execute(text("DROP TABLE schema_version"))
    with pytest.raises(StoreUnavailable, match="holds no node"):
        store.check()


def test_a_database_that_is_damaged(store: Store, tmp_path: Path) -> None:
    store.close()
    database = tmp_path / "node.db"
    database.write_bytes(b"this is no database any more" * 1000)
    damaged = Store(database)
    with pytest.raises(StoreUnavailable, match="damaged"):
        damaged.check()
    damaged.close()


@pytest.mark.parametrize("name", ["with space", "question?mark", "hash#tag", "per%20cent", "çelik"])
def test_a_home_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    store = Store(folder / "node.db")
    store.create()
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (folder / "node.db").stat().st_mode & 0o077 == 0
