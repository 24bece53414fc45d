"""`ffp restore-drill` on PostgreSQL: a database beside the node's own, by the rights that its role has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from exchange.flows.node.node import Node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import read_drills
from exchange.store.database.postgresql import lone_engine
from exchange.store.database.scratch_database import scratch_name
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.operate.test_backup import PASSPHRASE
from tests.exchange.flows.operate.test_drill_of_restores import KILLED, left_in, set_back, state_of

pytestmark = pytest.mark.slow

databases = databases_fixture("postgresql")


@pytest.fixture
def network(tmp_path: Path, databases: Postgresql) -> Iterator[Network]:
    made = Network(tmp_path / "nodes", databases)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    made.record(RS, scan=b"one scan")
    home = made.nodes[RS].settings.home
    back_up(home, tmp_path / "backups")
    made_names = [scratch_of(databases, home)]
    yield made
    made.close()
    made_names.append(scratch_of(databases, home))
    databases.run(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in made_names))


def scratch_of(databases: Postgresql, home: Path) -> str:
    return scratch_name(str(make_url(databases.address(home)).database))


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes[RS]


@pytest.fixture
def home(node: Node) -> Path:
    return node.settings.home


@pytest.fixture
def name(databases: Postgresql, home: Path) -> str:
    return scratch_of(databases, home)


def test_what_the_environment_names_is_never_the_twin_s(
    home: Path, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service gets the address of the live database by its environment, which goes before every file."""
    assert node.settings.database_url is not None
    monkeypatch.setenv("FFP_NODE_DATABASE_URL", node.settings.database_url.get_secret_value())
    before = state_of(node)
    assert run_restore_drill(home, WantedDrill()).verified
    assert state_of(node) == before


def there(databases: Postgresql, home: Path, name: str) -> tuple[bool, int]:
    """Whether it is, and how many tables it has."""
    url = make_url(databases.address(home))
    with lone_engine(url, None).connect() as server:
        if not server.scalar(text("SELECT EXISTS (SELECT FROM pg_database WHERE datname = :n)"), {"n": name}):
            return False, 0
    with lone_engine(url.set(database=name), None).connect() as inside:
        return True, inside.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) or 0


def test_one_that_it_made_is_dropped(databases: Postgresql, home: Path, name: str) -> None:
    assert run_restore_drill(home, WantedDrill()).verified
    assert there(databases, home, name) == (False, 0)
    assert run_restore_drill(home, WantedDrill(keep=True)).verified
    assert there(databases, home, name)[1] > 40
    assert run_restore_drill(home, WantedDrill()).verified
    assert there(databases, home, name) == (False, 0)


def test_one_that_it_was_given_is_emptied(databases: Postgresql, home: Path, name: str) -> None:
    databases.run(f'CREATE DATABASE "{name}" TEMPLATE template0')
    for _ in range(2):
        assert run_restore_drill(home, WantedDrill()).verified
        assert there(databases, home, name) == (True, 0)


def test_one_that_holds_something_is_left(databases: Postgresql, home: Path, name: str) -> None:
    databases.run(f'CREATE DATABASE "{name}" TEMPLATE template0')
    with lone_engine(make_url(databases.address(home)).set(database=name), None).connect() as inside:
        inside.exec_driver_sql("CREATE TABLE of_somebody (a int)")
    found = run_restore_drill(home, WantedDrill())
    assert (found.verified, "no drill made" in found.said) == (False, True)
    assert there(databases, home, name) == (True, 1)


def test_a_role_without_the_right_is_told_the_command(
    databases: Postgresql, home: Path, name: str, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with what that command makes it drills."""
    own, role = make_url(databases.address(home)), f"r{name[9:25]}"
    databases.run(f"CREATE ROLE {role} LOGIN NOCREATEDB PASSWORD 'geheim'")
    try:
        with lone_engine(own, None).connect() as inside:
            inside.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        as_role = own.set(username=role, password="geheim").render_as_string(hide_password=False)
        monkeypatch.setenv("FFP_NODE_DATABASE_URL", as_role)
        found = run_restore_drill(home, WantedDrill())
        assert not found.verified
        commands = found.said.split("once: ")[1].rstrip(";").split("; ")
        assert commands[0].startswith(f'CREATE DATABASE "{name}" OWNER "{role}"')
        databases.run(*commands)
        done = run_restore_drill(home, WantedDrill())
        assert done.verified, done.said
        assert there(databases, home, name) == (True, 0)
    finally:
        databases.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        with lone_engine(own, None).connect() as inside:
            inside.exec_driver_sql(f"DROP OWNED BY {role}")
        databases.run(f"DROP ROLE {role}")


def test_what_a_killed_drill_left_goes_at_the_next(
    databases: Postgresql, home: Path, tmp_path: Path, name: str
) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(home), "check_log", str(tmp_path)], check=False)
    assert ended.returncode == -9
    assert there(databases, home, name)[1] > 40
    assert read_drills(home).scratch == tmp_path / "restore-drill-ffp-rs"
    assert run_restore_drill(home, WantedDrill()).verified
    assert there(databases, home, name) == (False, 0)
    assert (left_in(tmp_path), left_in(home)) == ([], [])


def test_keys_that_are_sealed_and_those_of_another(network: Network, home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backups", sealed_with=PASSPHRASE)
    found = run_restore_drill(home, WantedDrill(unsealed_with=PASSPHRASE))
    assert (found.verified, found.keys, found.records) == (True, "sealed in the backup", 1)
    assert not run_restore_drill(home, WantedDrill(keys=network.nodes[MK].settings.keys)).verified


def test_another_history_is_told(network: Network, home: Path, databases: Postgresql, tmp_path: Path) -> None:
    old = databases.backup(home)
    network.record(RS, scan=b"later")
    back_up(home, tmp_path / "backups")
    set_back(network, databases, old)
    for scan in (b"another", b"and one more"):
        network.record(RS, scan=scan)
    found = run_restore_drill(home, WantedDrill())
    assert (found.verified, "not the beginning of the running node's" in found.said) == (False, True)
