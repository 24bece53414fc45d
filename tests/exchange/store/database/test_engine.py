"""The database, on either engine: one writer at a time, readers that see one moment, nothing half stored."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select, text
from sqlalchemy.exc import IntegrityError

from exchange.errors import ConfigurationError, StoreUnavailable
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from exchange.store.tables.log import LogStateRow
from exchange.store.tables.peer_tables import NonceRow
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Role
from tests.exchange.databases import Databases

COUNTS = """
import sys, time
from pathlib import Path
from sqlalchemy import make_url
from exchange.store.database.engine import Store
from exchange.store.tables.log import LogStateRow

store = Store(make_url(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1]))
print("ready", flush=True)
for _ in range(50):
    with store.write() as session:
        row = session.get_one(LogStateRow, 1)
        row.size += 1
print("done", flush=True)
"""

HOLDS = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from exchange.store.database.engine import Store
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Role

store = Store(make_url(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1]))
with store.write() as session:
    add_user(session, "killed", Role.EXAMINER)
    session.flush()
    print("held", flush=True)
    sys.stdin.read()
"""


def users(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(UserRow)) or 0


def add(store: Store, pseudonym: str) -> None:
    with store.write() as session:
        add_user(session, pseudonym, Role.EXAMINER)


def _add_and_fail(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        raise RuntimeError


def argument(place: Path | URL) -> str:
    return place.render_as_string(hide_password=False) if isinstance(place, URL) else str(place)


def test_what_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError):
        _add_and_fail(store)
    assert users(store) == 0


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.read() as reading:
        count = select(func.count()).select_from(UserRow)
        before = reading.scalar(count)
        add(store, "one")
        assert reading.scalar(count) == before == 0
        assert reading.scalar(select(func.max(UserRow.pseudonym))) is None, "of no table anything later"
    assert users(store) == 1


def test_who_has_read_before_it_may_write_sees_what_was_written_meanwhile(store: Store) -> None:
    """Of two that read and then write, none works with what the other has changed meanwhile."""

    def add_one() -> None:
        with store.write() as session:
            seen = session.scalar(select(func.count()).select_from(UserRow))
            time.sleep(0.01)
            add_user(session, f"user-{seen}", Role.EXAMINER)

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert users(store) == 8


def test_more_writers_and_readers_than_connections(store: Store) -> None:
    """None gives up, and none is passed over."""
    with ThreadPoolExecutor(100) as pool:
        done = [pool.submit(add, store, f"user-{number}") for number in range(100)]
        seen = [pool.submit(users, store) for _ in range(100)]
    assert [one.exception() for one in done] == [None] * 100
    assert all(0 <= one.result() <= 100 for one in seen)
    assert users(store) == 100


@pytest.mark.slow
def test_two_processes_take_turns(store: Store, place: Path | URL) -> None:
    command = [sys.executable, "-c", COUNTS, argument(place)]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [other.communicate()[0] for other in others] == ["ready\ndone\n"] * 2
    with store.read() as session:
        assert session.get_one(LogStateRow, 1).size == 100


@pytest.mark.slow
def test_a_writer_that_is_killed_holds_nobody_up_and_leaves_nothing(store: Store, place: Path | URL) -> None:
    command = [sys.executable, "-c", HOLDS, argument(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        other.kill()
    began = time.monotonic()
    add(store, "one")
    assert time.monotonic() - began < 10
    assert users(store) == 1


def test_a_violated_constraint_is_a_fault_of_the_program(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as session:
        session.execute(text("INSERT INTO schema_version VALUES ('7'), ('7')"))


@pytest.mark.slow
def test_a_database_that_is_held_by_another(store: Store, place: Path | URL) -> None:
    impatient = Store(place, patience_s=0.1)
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        for number in range(40):  # more than there are connections: a refusal gives its own back
            with pytest.raises(StoreUnavailable, match=r"locked|another writer"):
                add(impatient, f"two-{number}")
        assert users(impatient) == 0, "readers wait for no writer"
    add(impatient, "two")
    impatient.close()
    assert users(store) == 2


def test_text_sorts_by_its_bytes(store: Store) -> None:
    """Whatever language the server sorts by: times and ids must stand in their own order."""
    names = ["a", "B", "b-1", "b1", "B-2", "č", "Z", "_", "ž"]
    with store.write() as session:
        for name in names:
            add_user(session, name, Role.EXAMINER)
    with store.read() as session:
        ordered = list(session.scalars(select(UserRow.pseudonym).order_by(UserRow.pseudonym)))
        assert ordered == sorted(names, key=str.encode)
        above = set(session.scalars(select(UserRow.pseudonym).where(UserRow.pseudonym > "a")))
        assert above == {name for name in names if name.encode() > b"a"}
        assert session.scalar(select(func.min(UserRow.pseudonym))) == "B"


@pytest.mark.parametrize("number", [2**31, 2**62])
def test_numbers_of_64_bits(store: Store, number: int) -> None:
    with store.write() as session:
        session.add(NonceRow(key_id="key", nonce="one", expires=number))
        session.get_one(LogStateRow, 1).size = number
    with store.read() as session:
        assert session.get_one(LogStateRow, 1).size == number
        assert session.scalar(select(NonceRow.expires).where(NonceRow.expires >= number)) == number


def test_a_nul_in_text_is_refused_by_neither_engine(store: Store) -> None:
    add(store, "a\0b")
    with store.read() as session:
        assert session.scalars(select(UserRow.pseudonym)).all() == ["a\N{REPLACEMENT CHARACTER}b"]
        assert session.scalar(select(UserRow).where(UserRow.pseudonym == "\0")) is None


def test_tables_are_made_once(databases: Databases, tmp_path: Path, store_at: Callable[[Path | URL], Store]) -> None:
    place = databases.place(tmp_path)
    store_at(place).create()
    add(store_at(place), "one")
    with pytest.raises(ConfigurationError, match="left as it is"):
        store_at(place).create()
    assert users(store_at(place)) == 1
