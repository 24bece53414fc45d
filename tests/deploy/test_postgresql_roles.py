"""The roles of PostgreSQL: a node runs as one that changes no table, reports are made by one that sees no case."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from exchange.config import load_settings
from exchange.config_files import write_secret
from exchange.flows.node.node import create_node
from exchange.flows.operate.doctor.database import examine_reading_roles
from exchange.flows.operate.findings import Cause
from exchange.store.database.engine import Store
from exchange.store.operate.reading_roles import CALLED, Unbounded, reading_roles
from exchange.store.tables.columns import Base
from schemas.vocabulary import Jurisdiction
from tests.exchange import postgresql_server
from tests.exchange.databases import Postgresql
from tests.exchange.running_nodes import free_port, node_starter
from tests.next_release import make_next_release

ROLES = Path(__file__).parents[2] / "deploy" / "postgresql" / "roles.sql"
FIRST_START = ROLES.with_name("first-start.sh")
WATCHDOG = ROLES.with_name("watchdog.sql")
INSUFFICIENT_PRIVILEGE, READ_ONLY = "42501", "25006"
TOO_MANY_CONNECTIONS, LIMIT_EXCEEDED = "53300", "53400"
RESET = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off"
)
WAIT_S = 20
COUNTED = {"node_hours", "log_state", "schema_version"}


@pytest.fixture(scope="module")
def server(postgresql: str) -> Iterator[Postgresql]:
    made = Postgresql(postgresql)
    yield made
    made.drop_all()
    made.run("DROP ROLE IF EXISTS ffp_owner, ffp_node, ffp_report, ffp_watchdog")


def psql() -> str:
    binaries = postgresql_server.binaries()
    found = shutil.which("psql") or (str(binaries / "psql") if binaries else None)
    assert found, "psql is missing"
    return found


class Prepared:
    """An empty database of which the script made what it makes. On the tests' server ``ffp`` is the superuser, so the
    role that runs a node has another name here."""

    home: Path

    def __init__(self, server: Postgresql, folder: Path) -> None:
        self._address = make_url(server.new())
        self._script = folder / "roles.sql"
        self._script.write_text(re.sub(r"\bffp\b", "ffp_node", ROLES.read_text(encoding="utf-8")), encoding="utf-8")
        self.run_script()

    def run_script(self) -> None:
        url = self._address.set(drivername="postgresql").render_as_string(hide_password=False)
        command = [
            psql(),
            "--no-psqlrc",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--file={self._script}",
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def address(self, role: str) -> str:
        return self._address.set(username=role).render_as_string(hide_password=False)

    @contextmanager
    def reporting(self, settings: str = RESET) -> Iterator[psycopg.Connection[Any]]:
        """A session of the reporting role that has reset its settings."""
        url = self._address.set(drivername="postgresql", username="ffp_report").render_as_string(hide_password=False)
        with contextlib.closing(psycopg.connect(url, autocommit=True)) as session:
            session.execute("RESET ALL; " + settings)
            yield session

    @contextmanager
    def watched(self, folder: Path, *, quickly: bool = False) -> Iterator[None]:
        """While the watchdog runs; ``quickly``: with short limits of time."""
        script = WATCHDOG.read_text(encoding="utf-8")
        if quickly:
            script = script.replace("'60 s'", "'0.5 s'").replace("'5 s'", "'0.5 s'").replace("'10 min'", "'1 s'")
        (folder / "watchdog.sql").write_text(script, encoding="utf-8")
        url = self._address.set(drivername="postgresql", username="ffp_watchdog").render_as_string()
        command = [psql(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={folder / 'watchdog.sql'}", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "every 0.3s" in said
            reader = threading.Thread(target=process.stdout.read)
            reader.start()
            try:
                yield
                assert process.poll() is None, "the watchdog has ended by itself"
            finally:
                process.kill()
                reader.join()

    def refused(self, role: str, statement: str) -> str:
        """The SQLSTATE with which a statement is refused, or what is said at the door; empty when it is not."""
        engine = create_engine(self.address(role), poolclass=NullPool)
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", None) or error)
        return ""


@pytest.fixture(scope="module")
def prepared(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """With the tables of a node, made by their owner, and the script run again as the page says."""
    made = Prepared(server, tmp_path_factory.mktemp("roles"))
    home = tmp_path_factory.mktemp("owner") / f"node-{Jurisdiction.RS}"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    address = made.address("ffp_owner")
    create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=port, database_url=address)
    made.run_script()
    made.home = home
    return made


def test_a_node_takes_a_record_as_the_role_that_runs_it_while_reports_attack(
    prepared: Prepared, scans: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_secret("database_url", prepared.address("ffp_node"), prepared.home)
    with (
        prepared.watched(tmp_path),
        attacked(prepared),
        node_starter(prepared.home.parent, monkeypatch) as start,
    ):
        node = start(Jurisdiction.RS)
        sent = node.submit(scans["1-1"])
        assert sent.status_code == 201, sent.text
        node.wait_correlated(1)
        assert node.get(f"/v1/records/{sent.json()['statement_id']}").status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE audit",
        "TRUNCATE audit",
        "ALTER TABLE record ADD COLUMN x int",
        "CREATE TABLE x (x int)",
        "CREATE SCHEMA x",
        "CREATE TEMPORARY TABLE x (x int)",
        "UPDATE schema_version SET version_num = '99'",
        "SET ROLE ffp_owner",
        "COPY record TO PROGRAM 'true'",
    ],
)
def test_who_runs_a_node_changes_no_table(prepared: Prepared, statement: str) -> None:
    assert prepared.refused("ffp_node", statement) == INSUFFICIENT_PRIVILEGE


ATTACKS = (
    "SELECT pg_advisory_lock(7181, 1)",
    "BEGIN; SELECT count(kind) FROM job; SELECT pg_sleep(600)",
    "BEGIN; ALTER ROLE ffp_report SET work_mem = '1MB'; SELECT pg_sleep(600)",
    "BEGIN; LOCK TABLE node_hours, log_state, schema_version IN ACCESS SHARE MODE; SELECT pg_sleep(600)",
)


@contextmanager
def attacked(prepared: Prepared) -> Iterator[None]:
    """While sessions of the reporting role do one thing after the other, and come back when they were ended."""
    over = threading.Event()

    def attack(statement: str) -> None:
        while not over.is_set():
            with contextlib.suppress(psycopg.Error), prepared.reporting() as session:
                open_sessions.add(session)
                session.execute(statement)
            over.wait(0.05)

    open_sessions: set[psycopg.Connection[Any]] = set()
    threads = [threading.Thread(target=attack, args=(statement,)) for statement in ATTACKS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            while thread.is_alive():
                for session in list(open_sessions):
                    with contextlib.suppress(psycopg.Error):
                        session.cancel()
                thread.join(0.05)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(7181, 1)",
        "SELECT pg_try_advisory_xact_lock_shared(1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT pg_notify('a', 'b')",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
        "SELECT pg_current_xact_id()",
        "CREATE TEMPORARY TABLE x (x int)",
        "CREATE TABLE x (x int)",
        "CREATE SCHEMA x",
        "DO 'BEGIN LOOP END LOOP; END'",
        "SELECT 1 FROM log_state FOR SHARE",
        "BEGIN; LOCK TABLE log_state IN ROW SHARE MODE",
        "SET temp_file_limit = -1",
        "SET log_min_messages = debug5",
        "ALTER ROLE ffp_report RESET temp_file_limit",
        "ALTER ROLE ffp_report CONNECTION LIMIT -1",
        "REVOKE ffp_report FROM ffp_watchdog",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ffp_watchdog'",
        "SELECT pg_export_snapshot()",
        "SELECT pg_sleep(0) FROM record",
    ],
)
def test_the_reporting_role_takes_nothing_from_the_node(prepared: Prepared, tmp_path: Path, statement: str) -> None:
    with prepared.watched(tmp_path), prepared.reporting() as session, pytest.raises(psycopg.Error) as refused:
        session.execute(statement)
    assert refused.value.sqlstate == INSUFFICIENT_PRIVILEGE


def test_the_reporting_role_that_resets_itself_keeps_its_limits(prepared: Prepared) -> None:
    try:
        with prepared.reporting() as session:
            session.execute("ALTER ROLE ffp_report RESET ALL")
        with prepared.reporting("") as session:
            shown = [
                session.execute(f"SHOW {name}").fetchone()
                for name in ("statement_timeout", "temp_file_limit", "log_min_messages")
            ]
            assert shown == [("0",), ("256MB",), ("fatal",)]
    finally:
        prepared.run_script()


def test_the_reporting_role_has_few_connections_and_little_of_the_disk(prepared: Prepared) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(4):
            session = opened.enter_context(prepared.reporting())
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"), prepared.reporting():
            pass
        assert prepared.refused("ffp_node", "SELECT 1") == ""
        held = "DECLARE held CURSOR WITH HOLD FOR SELECT repeat('x', 1000000) FROM generate_series(1, 1000)"
        with pytest.raises(psycopg.Error) as refused:
            session.execute(held)
        assert refused.value.sqlstate == LIMIT_EXCEEDED


@pytest.mark.parametrize(
    "held",
    [
        "SELECT pg_sleep(600)",
        "BEGIN; SELECT count(kind) FROM job",
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM log_state; SAVEPOINT a; SELECT 1/0",
        "PREPARE kept AS SELECT 1",
        "LISTEN all_that_is_said",
    ],
)
def test_the_watchdog_ends_what_lasts(prepared: Prepared, tmp_path: Path, held: str) -> None:
    with prepared.watched(tmp_path, quickly=True), prepared.reporting() as session:
        assert is_ended(session, held)


def test_the_watchdog_ends_who_fills_the_table_of_locks(prepared: Prepared, tmp_path: Path) -> None:
    nested = "".join(f"SAVEPOINT s{i}; ALTER ROLE ffp_report SET work_mem = '{64 + i}kB';" for i in range(300))
    with prepared.watched(tmp_path), prepared.reporting() as session:
        assert is_ended(session, f"BEGIN; {nested} SELECT pg_sleep(30)")


def is_ended(session: psycopg.Connection[Any], held: str) -> bool:
    """Whether the server ends a session that executes this, or rests after it."""
    with contextlib.suppress(psycopg.Error):
        session.execute(held)
    if not session.closed:
        select.select([session.fileno()], [], [], WAIT_S)
    with contextlib.suppress(psycopg.Error):
        session.execute("SELECT 1")
    return session.closed


class Undone(Exception):
    """Leaves the tables of the module's node as they were."""


def test_reports_do_not_stop_a_migration(prepared: Prepared, tmp_path: Path) -> None:
    """Also not by a deadlock: the session that waits for one table holds the other."""
    store = Store(make_url(prepared.address("ffp_owner")), patience_s=WAIT_S)
    with prepared.watched(tmp_path), prepared.reporting() as session, attacked(prepared):
        session.execute("BEGIN; SELECT count(kind) FROM job")
        crossing = threading.Thread(target=is_ended, args=(session, "SELECT * FROM node_hours"))
        with contextlib.suppress(Undone), store.changing() as migration:
            migration.exec_driver_sql("ALTER TABLE node_hours ADD COLUMN later int")
            crossing.start()
            for table in ("job", "log_state", "schema_version", "approved_document"):
                migration.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN later int")
            raise Undone
        crossing.join()
        assert session.closed
    store.close()


@pytest.mark.slow
def test_ffp_migrate_goes_through_while_reports_attack(server: Postgresql, tmp_path: Path) -> None:
    """The migration of a made-up next release, which also changes each table that reports read."""
    readable = sorted(COUNTED | {"job", "approved_document"})
    changes = "\n    ".join(f'op.execute("ALTER TABLE {table} ADD COLUMN later int")' for table in readable)
    later = make_next_release(tmp_path / "next", upgrade_ends=changes)
    (folder := tmp_path / "roles").mkdir()
    prepared = Prepared(server, folder)
    home, address = tmp_path / "node", prepared.address("ffp_owner")
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9, database_url=address)
    prepared.run_script()
    with prepared.watched(tmp_path), attacked(prepared):
        later.ffp("migrate", "--home", home)
    prepared.run_script()
    assert prepared.refused("ffp_report", "SELECT later FROM node_hours") == ""
    assert json.loads(later.ffp("log", "check", "--json", "--home", home))


def test_doctor_names_a_database_whose_roles_lack_these_limits(
    prepared: Prepared, server: Postgresql, tmp_path: Path
) -> None:
    assert CALLED in ROLES.read_text(encoding="utf-8")
    store = Store(make_url(prepared.address("ffp_node")))

    def unbounded(name: str = "ffp_report") -> frozenset[Unbounded]:
        with store.read() as session:
            found = {role.name: role.unbounded for role in reading_roles(session)}[name]
        return found - {Unbounded.ELSEWHERE}  # databases of other tests

    with prepared.watched(tmp_path):
        assert unbounded() == unbounded("ffp_watchdog") == frozenset()
    database = make_url(prepared.address("ffp_node")).database
    server.run(
        "ALTER ROLE ffp_report CONNECTION LIMIT -1",
        "ALTER ROLE ffp_report RESET temp_file_limit",
        f'GRANT TEMPORARY ON DATABASE "{database}" TO ffp_report',
    )
    try:
        assert unbounded() == {Unbounded.CONNECTIONS, Unbounded.FILES, Unbounded.OBJECTS, Unbounded.TIME}
        [finding] = [
            one for one in examine_reading_roles(load_settings(prepared.home), store) if "ffp_report" in one.what
        ]
        assert finding.cause is Cause.DATABASE_ROLES
    finally:
        server.run(f'REVOKE TEMPORARY ON DATABASE "{database}" FROM ffp_report')
        prepared.run_script()
        store.close()


def test_doctor_names_a_database_that_was_never_prepared(server: Postgresql) -> None:
    place = make_url(server.new())
    store = Store(place)
    store.create()
    server.run("CREATE ROLE ffp_reader LOGIN")
    try:
        with store.read() as session:
            found = {role.name: role.unbounded for role in reading_roles(session)}
        assert found["ffp_reader"] - {Unbounded.ELSEWHERE} == set(Unbounded) - {Unbounded.PREPARED, Unbounded.ELSEWHERE}
    finally:
        store.close()
        server.run("DROP ROLE ffp_reader")


def test_the_node_says_itself_where_its_tables_are(prepared: Prepared, server: Postgresql) -> None:
    """Whatever its role, or the database, has for a search_path."""
    server.run("ALTER ROLE ffp_node SET search_path = elsewhere, pg_catalog")
    try:
        store = Store(make_url(prepared.address("ffp_node")))
        store.check()
        with store.write() as session:
            assert session.connection().exec_driver_sql("SHOW search_path").scalar() == "public, pg_temp"
        store.close()
    finally:
        server.run("ALTER ROLE ffp_node RESET search_path")


def test_reports_see_counts_and_no_case(prepared: Prepared) -> None:
    refused = {name for name in Base.metadata.tables if prepared.refused("ffp_report", f'TABLE "{name}"')}
    assert set(Base.metadata.tables) - refused == COUNTED
    assert prepared.refused("ffp_report", "SELECT kind, state, count(*) FROM job GROUP BY kind, state") == ""
    assert prepared.refused("ffp_report", "SELECT subject FROM job") == INSUFFICIENT_PRIVILEGE
    assert prepared.refused("ffp_report", "SELECT period, public FROM approved_document") == ""
    assert prepared.refused("ffp_report", "SELECT restricted FROM approved_document") == INSUFFICIENT_PRIVILEGE
    assert prepared.refused("ffp_report", "DELETE FROM job") in {INSUFFICIENT_PRIVILEGE, READ_ONLY}


def test_nobody_else_gets_in(prepared: Prepared, server: Postgresql) -> None:
    server.run("CREATE ROLE ffp_stranger LOGIN")
    try:
        assert "permission denied for database" in prepared.refused("ffp_stranger", "SELECT 1")
    finally:
        server.run("DROP ROLE ffp_stranger")


def test_new_tables_of_a_migration_are_the_nodes_at_once(prepared: Prepared) -> None:
    assert prepared.refused("ffp_owner", "CREATE TABLE of_a_later_release (x int)") == ""
    assert prepared.refused("ffp_node", "INSERT INTO of_a_later_release VALUES (1)") == ""
    assert prepared.refused("ffp_report", "SELECT * FROM of_a_later_release") == INSUFFICIENT_PRIVILEGE


def test_the_containers_first_start_makes_a_database_for_a_node(server: Postgresql, tmp_path: Path) -> None:
    """Under another name: on the tests' server ``ffp`` is the superuser."""
    script = tmp_path / "first-start.sh"
    script.write_text(re.sub(r"\bffp\b", "ffp_contained", FIRST_START.read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / "password").write_text("it's a secret\n", encoding="utf-8")
    place = make_url(server.new())
    folder = str(Path(psql()).parent)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PGHOST": str(place.query["host"]),
        "POSTGRES_USER": str(place.username),
        "FFP_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
    }
    done = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    try:
        assert done.returncode == 0, done.stderr
        address = place.set(username="ffp_contained", password="it's a secret", database="ffp_contained")
        create_node(
            tmp_path / "node",
            jurisdiction=Jurisdiction.RS,
            url="http://127.0.0.1:9",
            port=9,
            database_url=address.render_as_string(hide_password=False),
        )
        engine = create_engine(address, poolclass=NullPool)
        with engine.connect() as connection:
            asked = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'ffp_contained'"
            assert connection.exec_driver_sql(asked).scalar() is False
    finally:
        server.run(
            'DROP DATABASE IF EXISTS "ffp_contained" WITH (FORCE)',
            'DROP DATABASE IF EXISTS "ffp_drill" WITH (FORCE)',
            "DROP ROLE IF EXISTS ffp_contained",
        )
