"""PostgreSQL: durable whatever the server's settings, away for a while, one process that serves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import URL, insert, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from exchange.errors import ConfigurationError, StoreFull, StoreUnavailable
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Role
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.store.database.test_engine import add, users

databases = databases_fixture("postgresql")
Open = Callable[[URL], Store]

SERVES = """
import sys
from sqlalchemy import make_url
from exchange.store.database.engine import Store

store = Store(make_url(sys.argv[1]))
with store.served("here"):
    print("serves", flush=True)
    sys.stdin.read()
"""


def shown(session: Session, setting: str) -> str:
    return str(session.execute(text(f"SHOW {setting}")).scalar())


@pytest.fixture
def altered(databases: Postgresql, place: URL) -> Iterator[Callable[[str], None]]:
    """Changes a setting of the database for connections to come, and ends those that there are."""

    def alter(change: str) -> None:
        databases.run(f'ALTER DATABASE "{place.database}" {change}')
        databases.cut(str(place.database))

    return alter


@pytest.fixture
def serving(place: URL) -> Iterator[subprocess.Popen[str]]:
    """Another process that serves the database."""
    address = place.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", SERVES, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert "serves\n" in other.stdout
        yield other
        other.kill()


@pytest.mark.parametrize(
    ("set_to", "held"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")]
)
def test_written_is_on_disk(store: Store, altered: Callable[[str], None], set_to: str, held: str) -> None:
    altered(f"SET synchronous_commit = {set_to}")
    with store.write() as session:
        assert shown(session, "synchronous_commit") == held


def test_what_the_node_relies_on_holds_whatever_the_server_is_set_to(
    store: Store, altered: Callable[[str], None]
) -> None:
    altered("SET default_transaction_isolation = 'serializable'")
    altered("SET lock_timeout = '1h'")
    with store.write() as session:
        assert shown(session, "transaction_isolation") == "read committed"
        assert (shown(session, "lock_timeout"), shown(session, "statement_timeout")) == ("30s", "0")
        assert shown(session, "idle_in_transaction_session_timeout") == "1min"
    with store.read() as session:
        assert shown(session, "transaction_isolation") == "repeatable read"
        assert (shown(session, "transaction_read_only"), shown(session, "statement_timeout")) == ("on", "1min")


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="takes no writes"), store.read() as session:
        session.execute(insert(UserRow).values(pseudonym="one", role="examiner", created_at=""))


def test_connections_that_were_cut_are_made_anew(store: Store, databases: Postgresql, place: URL) -> None:
    add(store, "one")
    assert users(store) == 1
    databases.cut(str(place.database))
    assert users(store) == 1
    databases.cut(str(place.database))
    add(store, "two")


def _cut_after_adding(store: Store, databases: Postgresql, place: URL) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        databases.cut(str(place.database))
        add_user(session, "two", Role.EXAMINER)


def test_a_connection_that_is_cut_in_between_leaves_nothing(store: Store, databases: Postgresql, place: URL) -> None:
    with pytest.raises(StoreUnavailable, match="nothing was stored"):
        _cut_after_adding(store, databases, place)
    assert users(store) == 0
    add(store, "one")


def test_a_connection_that_is_cut_at_the_commit_leaves_open_what_became_of_it(
    store: Store, databases: Postgresql, place: URL
) -> None:
    """The one moment at which "nothing was stored" may be untrue, and must not be said."""
    with store.write() as session:
        session.execute(
            text(
                "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
            )
        )
        session.execute(
            text(
                'CREATE CONSTRAINT TRIGGER cut_at_commit AFTER INSERT ON "user" DEFERRABLE INITIALLY DEFERRED '
                "FOR EACH ROW EXECUTE FUNCTION cut()"
            )
        )
    with pytest.raises(StoreUnavailable, match="not known whether this was stored") as caught:
        add(store, "one")
    assert "nothing was stored" not in str(caught.value)
    assert users(store) == 0


def test_a_database_that_goes_away_for_a_while(store: Store, altered: Callable[[str], None]) -> None:
    add(store, "one")
    altered("ALLOW_CONNECTIONS false")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.check()
        with pytest.raises(StoreUnavailable, match="nothing was stored"):
            add(store, "two")
    altered("ALLOW_CONNECTIONS true")
    store.check()
    add(store, "two")
    assert users(store) == 2


def test_a_server_that_is_not_there(store_at: Open) -> None:
    store = store_at(make_url("postgresql+psycopg://ffp:geheim@127.0.0.1:1/ffp"))
    with pytest.raises(StoreUnavailable, match="refused") as caught:
        store.check()
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(caught.value.__cause__)


def test_a_standby(store: Store, altered: Callable[[str], None]) -> None:
    altered("SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="primary"):
        add(store, "one")
    store.check()


def test_a_disk_that_is_full(store: Store) -> None:
    """As the server says it; the words are in its language, the code is not."""
    with pytest.raises(StoreFull, match="full"), store.write() as session:
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'nema mesta' USING ERRCODE = '53100'; END $$"))


def test_another_error_of_the_server_is_no_refusal(store: Store) -> None:
    with pytest.raises(ProgrammingError, match="syntax"), store.write() as session:
        session.execute(text("SELECT this is no sentence"))


def test_a_database_without_a_node(databases: Postgresql, store_at: Open) -> None:
    with pytest.raises(StoreUnavailable, match="ffp init"):
        store_at(make_url(databases.new())).check()


def test_a_database_with_a_node_in_it_is_left_as_it_is(store: Store) -> None:
    add(store, "one")
    with pytest.raises(ConfigurationError, match="left as it is"):
        store.create()
    assert users(store) == 1


def test_a_database_in_another_encoding(databases: Postgresql, store_at: Open) -> None:
    """In SQL_ASCII the server takes any bytes for text, and finds none of it again."""
    name = str(make_url(databases.new()).database) + "_ascii"
    databases.run(f"CREATE DATABASE \"{name}\" ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    try:
        store = store_at(make_url(databases.new()).set(database=name))
        with pytest.raises(ConfigurationError, match="UTF8"):
            store.create()
    finally:
        databases.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_the_driver_is_not_installed(monkeypatch: pytest.MonkeyPatch, place: URL) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match="ffp extras add postgresql"):
        Store(place)


def test_one_process_serves_it(store: Store, serving: subprocess.Popen[str]) -> None:
    with pytest.raises(ConfigurationError, match="already, here since"), store.served("there"):
        pass
    add(store, "one")  # as `ffp user add` does beside a node that runs
    serving.kill()
    with store.served("there"):
        add(store, "two")
    with store.served("there again"):
        add(store, "three")


def test_a_server_that_was_restored_below_a_process_that_serves(
    store: Store, databases: Postgresql, place: URL
) -> None:
    add(store, "one")
    earlier = databases.copied(str(place.database))
    with store.served("here"):
        add(store, "two")
        databases.run(f'DROP DATABASE "{place.database}" WITH (FORCE)')
        databases.run(f'ALTER DATABASE "{earlier}" RENAME TO "{place.database}"')
        with pytest.raises(StoreUnavailable, match="restarts the node"):
            add(store, "three")
    with store.served("here"):
        add(store, "three")
    assert users(store) == 2


def test_who_lost_the_lock_with_the_server_is_refused_once_another_serves(
    store: Store, databases: Postgresql, place: URL, store_at: Open
) -> None:
    other = store_at(place)
    with store.served("here"):
        databases.cut(str(place.database))
        add(store, "one")
        with other.served("there"):
            with pytest.raises(StoreUnavailable, match="by another process by now, there since"):
                add(store, "two")
            add(other, "three")
    assert users(other) == 2


def test_a_database_that_is_served_is_not_migrated(store: Store, place: URL, store_at: Callable[[URL], Store]) -> None:
    with store.served("here"), pytest.raises(ConfigurationError, match="here"):
        store_at(place).migrate()
    store_at(place).migrate()
