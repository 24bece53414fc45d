"""The database: one writer at a time, durable, and every fault of the disk as an answer."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from exchange.errors import ConfigurationError, StoreFull, StoreUnavailable
from exchange.store.engine import Store
from exchange.store.tables import SCHEMA_VERSION, SchemaRow, UserRow
from exchange.store.users import add_user
from schemas.vocabulary import Role


def users(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(UserRow)) or 0


def _add(store: Store, pseudonym: str) -> None:
    with store.write() as session:
        add_user(session, pseudonym, Role.EXAMINER)


def _add_and_fail(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        raise RuntimeError


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


def test_what_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError):
        _add_and_fail(store)
    assert users(store) == 0


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.read() as reading:
        count = select(func.count()).select_from(UserRow)
        before = reading.scalar(count)
        with store.write() as session:
            add_user(session, "one", Role.EXAMINER)
        assert reading.scalar(count) == before == 0
    assert users(store) == 1


def test_writers_wait_for_each_other(store: Store) -> None:
    """Of two that read and then write, none works with what the other has changed meanwhile."""

    def add() -> None:
        with store.write() as session:
            seen = session.scalar(select(func.count()).select_from(UserRow))
            time.sleep(0.01)
            add_user(session, f"user-{seen}", Role.EXAMINER)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert users(store) == 8


def test_a_violated_constraint_is_a_fault_of_the_program(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as session:
        session.execute(text("INSERT INTO schema_version VALUES (7), (7)"))


def test_a_database_that_is_full(store: Store) -> None:
    with pytest.raises(StoreFull, match="full"):
        _add_more_than_fits(store)
    assert users(store) == 0


def test_a_database_that_is_held_by_another(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.store.engine.BUSY_TIMEOUT_S", 0.1)
    impatient = Store(tmp_path / "node.db")
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        with pytest.raises(StoreUnavailable, match="locked"):
            _add(impatient, "two")
    _add(impatient, "two")
    impatient.close()
    assert users(store) == 2


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


def test_a_database_that_is_damaged(store: Store, tmp_path: Path) -> None:
    store.close()
    database = tmp_path / "node.db"
    database.write_bytes(b"this is no database any more" * 1000)
    damaged = Store(database)
    with pytest.raises(StoreUnavailable, match="damaged"):
        damaged.check()
    damaged.close()


def test_a_database_of_another_release(store: Store) -> None:
    with store.write() as session:
        session.get_one(SchemaRow, SCHEMA_VERSION).version = 99
    with pytest.raises(ConfigurationError, match="99"):
        store.check()


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
