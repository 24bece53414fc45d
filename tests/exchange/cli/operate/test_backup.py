"""``ffp backup``, ``ffp restore``, ``ffp migrate``: what they say, what they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from exchange.flows.node.node import open_node
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


def set_version(home: Path, version: int) -> None:
    node = open_node(home)
    with node.store.write() as session:
        session.execute(update(SchemaRow).values(version_num=str(version)))
    node.close()


def test_a_database_of_this_release(ffp: Ffp, home: Path) -> None:
    for arguments in ((), ("--check",)):
        said = ffp("migrate", "--home", home, *arguments)
        assert (said.code, said.out) == (
            0,
            f"The database has schema version {SCHEMA_VERSION}, that of this release. There is nothing to do.\n",
        )


def test_a_database_of_a_later_release(ffp: Ffp, home: Path) -> None:
    set_version(home, 999)
    for arguments in ((), ("--check",)):
        said = refusal(ffp("migrate", "--home", home, *arguments))
        assert f"schema version 999, this release needs {SCHEMA_VERSION}: install the release" in said
        assert f"ffp migrate --to-version {SCHEMA_VERSION}" in said


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
