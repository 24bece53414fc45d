"""A node's database is brought to the schema version of a next release, and back: what is stated before, what is lost,
what stays."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from exchange.config import load_settings
from exchange.errors import ConfigurationError
from exchange.flows.integrity.log_check import check_and_keep
from exchange.flows.node.node import opened, store_of
from exchange.flows.operate.migration import BESIDE, WRITTEN_ANEW, change_version, plan_migration
from exchange.store.database.engine import Store
from exchange.store.node.lock import serving
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow, StatementRow
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Databases, Postgresql, databases_fixture
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.store.filled import fill, row
from tests.next_release import NEXT_SCHEMA_VERSION, SAY_NOTICE, Release

pytestmark = pytest.mark.slow
databases = databases_fixture("sqlite", "postgresql")
BACK = ("--to-version", str(SCHEMA_VERSION))

PLAN_WITH_DISKS = """
from collections import namedtuple
from exchange.flows.operate import migration as planning

def usage(path):
    free = told["of_backup"] if str(path) == told["disk"] else told["free"]
    return namedtuple("Usage", "total used free")(2**40, 0, free)

planning.shutil.disk_usage = usage
found = planning.plan_migration(Path(told["home"]), 1, backup=Path(told["backup"]))
print(json.dumps([found.refusal(), found.needed_bytes, found.backup_bytes, found.free_bytes, found.one_disk]))
"""
MIGRATE_FILE = """
from exchange.store.database.engine import Store
from exchange.store.migrations.rehearsal import rehearse

file, to = Path(told["file"]), told["to"]
store = Store(file)
before = file.stat().st_size
rewritten = sorted(rehearse(store.schema_version(), to).rewritten - {"laboratory"})
written = store.taken_by(rewritten)
store.migrate(to)
wal = file.with_name("node.db-wal").stat().st_size
store.close()
print(json.dumps([rewritten, written, wal + file.stat().st_size - before]))
"""


@pytest.fixture
def home(tmp_path: Path, databases: Databases) -> Path:
    """The home of Serbia's node, closed: with records of its own and of North Macedonia, and a candidate."""
    network = Network(tmp_path / "nodes", databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    network.enrol_all()
    for scan in (b"one scan", b"other scan"):
        network.record(RS, scan=scan)
    network.record(MK, scan=b"their scan", audience=["RS"])
    network.settle()
    with network.nodes[RS].store.write() as session:
        [first, second, *_] = session.scalars(select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id))
        pair = {"acquisition_a": first.acquisition_id, "acquisition_b": second.acquisition_id, "pair": "1-2"}
        statements = {"statement_a": first.statement_id, "statement_b": second.statement_id}
        said = {"cross_border": False, "same_case": False, "score": 0.5, "congruent_cells": 4, "cells": 9}
        told = {"matcher_version": "4", "comparison": "{}", "parameters": "p", "created_at": "2026-05-01T10:00:00.000Z"}
        session.execute(insert(CandidateRow).values(**pair, **statements, **said, **told))
    home = network.nodes[RS].settings.home
    network.close()
    return home


def held(home: Path) -> dict[str, Any]:
    """What no migration may touch, in the database and next to it."""
    store = store_of(load_settings(home))
    try:
        with store.read() as session:
            statements = select(StatementRow.statement_id, StatementRow.envelope, StatementRow.leaf)
            return {
                "statements": {row[0]: (bytes(row[1]), bytes(row[2])) for row in session.execute(statements)},
                "records": sorted(session.scalars(select(RecordRow.statement_id))),
                "scans": sorted(session.scalars(select(AcquisitionRow.sha256))),
                "heads": sorted(head.note for head in session.scalars(select(CheckpointRow))),
                "candidates": [tuple(row) for row in session.execute(select(CandidateRow.pair, CandidateRow.score))],
                "keys": {path.name: path.read_bytes() for path in (home / "keys").iterdir()},
            }
    finally:
        store.close()


def version_of(home: Path) -> int | str:
    """The schema version as it stands in the database."""
    store = store_of(load_settings(home))
    try:
        with store.read() as session:
            return int(session.scalar(text("SELECT version_num FROM schema_version")) or 0)
    finally:
        store.close()


def test_up_and_back_keeps_identity_log_and_records(home: Path, tmp_path: Path, next_release: Release) -> None:
    """What is lost is stated before, and is in the backup that the way back makes."""
    before = held(home)
    assert (len(before["records"]), len(before["candidates"])) == (3, 1)
    # a backup of the database as an earlier release left it, and a restore of that
    assert next_release.try_ffp("migrate", "--check", "--home", home).returncode == 1
    next_release.ffp("backup", tmp_path / "before", "--home", home)
    [made] = (tmp_path / "before").glob("*/manifest.json")
    upgraded = json.loads(next_release.ffp("migrate", "--json", "--home", home))
    assert (upgraded["version"], upgraded["needed"], upgraded["migrated"]) == (1, NEXT_SCHEMA_VERSION, True)
    assert version_of(home) == NEXT_SCHEMA_VERSION
    assert held(home) == before
    checked = json.loads(next_release.ffp("log", "check", "--json", "--home", home))
    assert checked["findings"] == []

    plan = json.loads(next_release.ffp("migrate", *BACK, "--plan", "--json", "--home", home))
    assert [loss[:2] for loss in map(list_of, plan["lost"])] == [["laboratory", None], ["record", "laboratory"]]
    assert (plan["refused"], plan["unread"], plan["target"]) == (None, 0, SCHEMA_VERSION)
    assert "record" in plan["rewritten"]
    back = json.loads(
        next_release.ffp("migrate", *BACK, "--yes", "--backup", tmp_path / "backups", "--json", "--home", home)
    )
    assert back["migrated"]
    assert back["backup"].startswith(str(tmp_path / "backups"))
    assert version_of(home) == SCHEMA_VERSION
    assert held(home) == before
    change_version(home)  # of this release: there is nothing to do
    with opened(home) as node:
        found = check_and_keep(node, lambda _what, _done, _total: None)
    assert (found.good, found.findings) == (True, [])
    if load_settings(home).database_url is None:
        again = tmp_path / "again"
        told = next_release.try_ffp("restore", made.parent, "--keys", home / "keys", "--verify", "--home", again)
        assert (told.returncode, "Next: ffp migrate" in told.stderr) == (0, True)
        next_release.ffp("migrate", "--home", again)
        next_release.ffp("log", "check", "--home", again)


def list_of(loss: Any) -> list[Any]:
    return list(loss.values()) if isinstance(loss, dict) else list(loss)


def test_no_way_back_without_a_backup(home: Path, tmp_path: Path, next_release: Release) -> None:
    next_release.ffp("migrate", "--home", home)
    for more, because in (
        (("--yes",), "--backup FOLDER"),
        (("--backup", tmp_path / "backups"), "--yes"),
        (("--yes", "--backup", home / "backups"), "outside of"),  # a backup within the home is none
    ):
        told = next_release.try_ffp("migrate", *BACK, *more, "--home", home)
        assert (told.returncode, because in told.stderr) == (2, True), told.stderr
    for scan in (home / "blobs").rglob("*"):
        if scan.is_file():
            scan.unlink()
    told = next_release.try_ffp("migrate", *BACK, "--yes", "--backup", tmp_path / "backups", "--home", home)
    assert (told.returncode, "lacks 3 scans" in told.stderr) == (2, True), told.stderr
    assert version_of(home) == NEXT_SCHEMA_VERSION


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_schema_version_to_which_there_is_no_way(home: Path, version: int) -> None:
    with pytest.raises(ConfigurationError, match=f"no way to schema version {version}: .* 1 to {SCHEMA_VERSION}"):
        plan_migration(home, version)


def test_a_node_that_is_served_stays_as_it_is(home: Path, tmp_path: Path, next_release: Release) -> None:
    with serving(home):
        told = next_release.try_ffp("migrate", "--backup", tmp_path / "backups", "--home", home)
    assert (told.returncode, "served by another process" in told.stderr) == (2, True), told.stderr
    assert version_of(home) == SCHEMA_VERSION
    assert not (tmp_path / "backups").exists(), "the node's lock comes first"


def test_a_statement_that_the_older_release_does_not_read_keeps_the_version(
    home: Path, tmp_path: Path, next_release: Release
) -> None:
    """Its own log would hold what it cannot read."""
    next_release.ffp("migrate", "--home", home)
    next_release.run(SAY_NOTICE, home=home, to=[])
    told = next_release.try_ffp("migrate", *BACK, "--plan", "--json", "--home", home)
    plan = json.loads(told.stdout)
    assert (told.returncode, plan["unread"], plan["contract"]) == (1, 1, "1.0")
    told = next_release.try_ffp("migrate", *BACK, "--yes", "--backup", tmp_path / "backups", "--home", home)
    assert (told.returncode, "stay with this release" in told.stderr) == (2, True)
    assert version_of(home) == NEXT_SCHEMA_VERSION


def test_disk_that_is_missing_is_asked_for_before(
    home: Path, tmp_path: Path, databases: Databases, next_release: Release
) -> None:
    """The node does not see the disk of a database server; it sees that of a backup."""
    next_release.ffp("migrate", "--home", home)
    disks = {"home": home, "backup": tmp_path / "backups", "disk": "", "of_backup": 0}
    refused, needed, backup, free, one_disk = next_release.run(PLAN_WITH_DISKS, free=2**40, **disks)
    on_server = isinstance(databases, Postgresql)
    assert (refused, free is None, one_disk) == (None, on_server, not on_server)
    short = backup // 2 if on_server else needed + backup - 1  # a server's own tidying changes its size
    refused, *_ = next_release.run(PLAN_WITH_DISKS, free=short, **disks)
    assert "free space there" in refused


def test_a_backup_on_a_disk_of_its_own_takes_none_from_the_database(
    home: Path, tmp_path: Path, next_release: Release
) -> None:
    other = Path("/dev/shm") if tmp_path.stat().st_dev != Path("/dev/shm").stat().st_dev else Path("/tmp")  # noqa: S108
    if other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one disk here")
    next_release.ffp("migrate", "--home", home)
    disks = {"home": home, "backup": other / f"ffp-backups-{uuid.uuid4().hex}", "disk": other, "free": 2**40}
    _, _, backup, _, one_disk = next_release.run(PLAN_WITH_DISKS, of_backup=2**40, **disks)
    assert not one_disk
    refused, *_ = next_release.run(PLAN_WITH_DISKS, of_backup=backup // 2, **disks)
    assert "another disk" in refused


def test_a_real_migration_takes_no_more_than_was_stated(tmp_path: Path, next_release: Release) -> None:
    """With 20,000 records, on SQLite: its log of changes, and what the database grows by."""
    file = tmp_path / "node.db"
    store = Store(file)
    store.create()
    _fill_records(store, 20_000)
    store.close()
    for to in (NEXT_SCHEMA_VERSION, SCHEMA_VERSION):
        rewritten, written, taken = next_release.run(MIGRATE_FILE, file=file, to=to)
        assert rewritten == ["record"]
        assert written > 2**20, "parts of the database, and not a few pages"
        assert written / 2 < taken <= WRITTEN_ANEW * written + BESIDE


def _fill_records(store: Store, count: int) -> None:
    fill(store)
    tables = RecordRow.metadata.tables
    of = {name: row(tables[name], 2) for name in ("statement", "record")}
    with store.changing() as connection:
        names = [(number, f"{number:064x}") for number in range(10, count)]
        statements = [of["statement"] | {"statement_id": name, "log_index": number} for number, name in names]
        connection.execute(tables["statement"].insert(), statements)
        records = [of["record"] | {"statement_id": name, "sequence": number} for number, name in names]
        connection.execute(tables["record"].insert(), records)
