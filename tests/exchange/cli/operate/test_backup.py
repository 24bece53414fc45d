"""``ffp backup``, ``ffp restore``, ``ffp migrate``: what they say, what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from exchange.flows.node.node import open_node
from exchange.store.database.engine import Store
from exchange.store.migrations import downgrade
from exchange.store.node.lock import sole_server
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.databases import Sqlite
from tests.exchange.flows.network import RS, Network

pytestmark = pytest.mark.slow


@pytest.fixture
def home(ffp: Ffp, tmp_path: Path) -> Path:
    home = tmp_path / "node"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    return home


def set_form(home: Path, form: int) -> None:
    node = open_node(home)
    with node.store.write() as session:
        session.execute(update(SchemaRow).values(version_num=str(form)))
    node.close()


def test_a_database_of_this_release(ffp: Ffp, home: Path) -> None:
    for arguments in ((), ("--check",)):
        said = ffp("migrate", "--home", home, *arguments)
        assert (said.code, said.out) == (
            0,
            f"The database has form {SCHEMA_VERSION}, that of this release. Nothing is to be done.\n",
        )


def test_a_database_of_an_earlier_release(ffp: Ffp, home: Path) -> None:
    """Nothing but `ffp migrate` opens it, and that asks for a backup first."""
    set_form(home, SCHEMA_VERSION - 1)
    assert "run: ffp migrate" in refusal(ffp("status", "--home", home))
    checked = ffp("migrate", "--home", home, "--check")
    assert (checked.code, checked.err) == (1, "")
    assert f"form {SCHEMA_VERSION - 1}" in checked.out


@pytest.mark.sqlite
def test_a_database_of_an_earlier_release_is_backed_up_before_it_is_migrated(ffp: Ffp, tmp_path: Path) -> None:
    """Its tables are those of that release, which lack much of what this one asks for."""
    network = Network(tmp_path / "nodes", Sqlite())
    network.make(Jurisdiction.RS)
    network.record(RS)
    network.close()
    home, again = tmp_path / "nodes" / "RS", tmp_path / "again"
    store = Store(home / "node.db")
    with store._database.changing() as connection:
        downgrade(connection, str(SCHEMA_VERSION - 1))
    store.close()
    said = ffp("backup", tmp_path / "backups", "--home", home)
    assert (said.code, "1 scans, of which 1" in said.out) == (0, True)
    [manifest] = (tmp_path / "backups").glob("*/manifest.json")
    said = ffp("restore", manifest.parent, "--keys", home / "keys", "--verify", "--home", again)
    assert said.code == 0
    assert "Next: ffp migrate" in said.err
    assert ffp("migrate", "--home", again).code == 0
    assert "All is what was signed." in ffp("log", "check", "--home", again).out


def test_what_a_way_back_takes_and_loses_is_shown_without_going(ffp: Ffp, home: Path) -> None:
    said = ffp("migrate", "--to-form", "6", "--plan", "--home", home)
    assert (said.code, said.err) == (0, "")
    facts = dict(line.split("\t", 1) for line in said.out.splitlines()[1:])
    assert {"acquisition", "candidate"} <= set(facts["rewritten"].split(", "))
    assert "MiB are free" in facts["disk"]
    assert (facts["kept"], facts["refused"]) == ("keys, log, records, scans", "no")
    told = json.loads(ffp("migrate", "--to-form", "6", "--plan", "--json", "--home", home).out)
    assert (told["form"], told["target"], told["refused"], told["lost"]) == (SCHEMA_VERSION, 6, None, [])
    assert told["needed_bytes"] > 0
    assert ffp("migrate", "--check", "--home", home).code == 0, "nothing was changed"


def test_a_way_back_wants_a_word_and_a_backup(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    back, backups = ("migrate", "--to-form", "6", "--home", home), tmp_path / "backups"
    assert "--yes" in ffp(*back, "--backup", backups).err
    assert "--backup FOLDER" in ffp(*back, "--yes").err
    assert not backups.exists()
    assert "no way to form 5" in refusal(ffp("migrate", "--to-form", "5", "--plan", "--home", home))
    said = ffp(*back, "--yes", "--backup", backups)
    assert said.code == 0
    assert "Next: install the release of form 6" in said.out
    assert len(list(backups.glob("*/manifest.json"))) == 1
    assert "run: ffp migrate" in refusal(ffp("status", "--home", home))
    assert ffp("migrate", "--home", home).code == 0
    assert ffp("status", "--home", home).code == 0


def test_a_database_of_a_later_release(ffp: Ffp, home: Path) -> None:
    set_form(home, 999)
    for arguments in ((), ("--check",)):
        said = refusal(ffp("migrate", "--home", home, *arguments))
        assert f"form 999, this release needs {SCHEMA_VERSION}: install the release" in said
        assert f"ffp migrate --to-form {SCHEMA_VERSION}" in said


def test_a_node_that_runs_is_left_alone(ffp: Ffp, home: Path) -> None:
    set_form(home, SCHEMA_VERSION - 1)
    with sole_server(home):
        said = ffp("migrate", "--home", home)
    assert said.code == 2
    assert "served by another process" in said.err
    assert "backup" in said.err


@pytest.mark.sqlite
def test_backed_up_and_made_again(ffp: Ffp, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_BACKUP_PASSPHRASE", "long enough for a backup")
    assert ffp("user", "add", "examiner-1", "--role", "examiner", "--home", home).code == 0
    made = ffp("backup", tmp_path / "backups", "--with-keys", "--keep", "1", "--home", home)
    assert made.code == 0
    assert "0 scans" in made.out
    assert "Keys: sealed." in made.out
    [manifest] = (tmp_path / "backups").glob("*/manifest.json")
    said = ffp("restore", manifest.parent, "--verify", "--home", tmp_path / "again")
    assert (said.code, said.err) == (0, "")
    assert "All is what was signed." in said.out
    assert "examiner-1" in ffp("user", "list", "--home", tmp_path / "again").out
    monkeypatch.setenv("FFP_NODE_BACKUP_PASSPHRASE", "another one, as long as that")
    assert "does not open" in refusal(ffp("restore", manifest.parent, "--home", tmp_path / "third"))


@pytest.mark.sqlite
def test_keys_apart_from_the_rest(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    assert "FFP_NODE_BACKUP_PASSPHRASE" in refusal(ffp("backup", tmp_path / "backups", "--with-keys", "--home", home))
    said = ffp("backup", tmp_path / "backups", "--home", home)
    assert (said.code, "Keys: not in it." in said.out) == (0, True)
    [manifest] = (tmp_path / "backups").glob("*/manifest.json")
    again = ("restore", manifest.parent, "--home", tmp_path / "again")
    assert "--keys" in refusal(ffp(*again))
    assert ffp(*again, "--keys", home / "keys").code == 0
    assert "not empty" in refusal(ffp(*again, "--keys", home / "keys"))
    assert "no backup" in refusal(ffp("restore", tmp_path / "backups", "--home", tmp_path / "other"))


def test_a_scan_that_is_missing_is_an_exit_code(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    network = Network(tmp_path / "nodes", Sqlite())
    network.make(Jurisdiction.RS)
    network.record(RS)
    network.close()
    home = tmp_path / "nodes" / "RS"
    [scan] = home.glob("blobs/??/*")
    scan.unlink()
    said = ffp("backup", tmp_path / "backups", "--home", home)
    assert said.code == 1
    assert scan.name in said.err
