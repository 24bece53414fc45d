"""The roles of PostgreSQL: a node runs as one that changes no table, reports are made by one that sees no case."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from exchange.config_files import write_secret
from exchange.flows.node.node import create_node
from exchange.store.tables.columns import Base
from schemas.vocabulary import Jurisdiction
from tests.exchange import postgresql_server
from tests.exchange.conftest import free_port, node_starter
from tests.exchange.databases import Postgresql

ROLES = Path(__file__).parents[2] / "deploy" / "postgresql" / "roles.sql"
FIRST_START = ROLES.with_name("first-start.sh")
INSUFFICIENT_PRIVILEGE, READ_ONLY = "42501", "25006"
COUNTED = {"monitoring_report", "node_hours", "log_state", "schema_version"}


@pytest.fixture(scope="module")
def server(postgresql: str) -> Iterator[Postgresql]:
    made = Postgresql(postgresql)
    yield made
    made.drop_all()
    made.run("DROP ROLE IF EXISTS ffp_owner, ffp_node, ffp_report")


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


def test_a_node_takes_a_record_as_the_role_that_runs_it(
    prepared: Prepared, scans: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_secret("database_url", prepared.address("ffp_node"), prepared.home)
    with node_starter(prepared.home.parent, monkeypatch) as start:
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


def test_reports_see_counts_and_no_case(prepared: Prepared) -> None:
    refused = {name for name in Base.metadata.tables if prepared.refused("ffp_report", f'TABLE "{name}"')}
    assert set(Base.metadata.tables) - refused == COUNTED
    assert prepared.refused("ffp_report", "SELECT kind, state, count(*) FROM job GROUP BY kind, state") == ""
    assert prepared.refused("ffp_report", "SELECT subject FROM job") == INSUFFICIENT_PRIVILEGE
    assert prepared.refused("ffp_report", "SELECT period, public FROM monitoring_edition") == ""
    assert prepared.refused("ffp_report", "SELECT restricted FROM monitoring_edition") == INSUFFICIENT_PRIVILEGE
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
        engine = create_engine(address.set(database="postgres"), poolclass=NullPool)
        with engine.connect() as connection:
            asked = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'ffp_contained'"
            assert connection.exec_driver_sql(asked).scalar() is False
    finally:
        server.run(
            'DROP DATABASE IF EXISTS "ffp_contained" WITH (FORCE)',
            'DROP DATABASE IF EXISTS "ffp_drill" WITH (FORCE)',
            "DROP ROLE IF EXISTS ffp_contained",
        )
