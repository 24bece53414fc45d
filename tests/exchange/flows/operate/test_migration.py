"""A node's database is brought back to form 6 and up again: what is said before, what is lost, what stays."""

from __future__ import annotations

import shutil
import uuid
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, insert, select

from exchange.config import load_settings
from exchange.errors import ConfigurationError
from exchange.flows.integrity.log_check import check_and_keep
from exchange.flows.node.node import opened, store_of
from exchange.flows.operate.migration import plan as planning
from exchange.flows.operate.migration.change_form import change_form
from exchange.flows.operate.migration.plan import CONTRACT_READ, EARLIEST, Loss, plan_migration
from exchange.flows.operate.restore import Secrets, restore
from exchange.store.database.engine import Store
from exchange.store.entry.instrument_checks import last_check
from exchange.store.migrations.rehearsal import rehearse
from exchange.store.node.jobs import JobKind, promise
from exchange.store.node.lock import serving
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.records import AcquisitionRow, CandidateRow, RecordRow, StatementRow
from exchange.store.tables.schema_version import SCHEMA_VERSION
from exchange.store.tables.work import JobRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Databases, Postgresql, databases_fixture
from tests.exchange.flows.kept_checks import STATED, keep_check
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.store.released import changing
from tests.exchange.store.test_migrations import made
from tests.exchange.store.write_form import row
from tests.schemas.examples import acquisition_fields, record_fields

pytestmark = pytest.mark.slow
databases = databases_fixture("sqlite", "postgresql")
FORMS_BACK = range(EARLIEST, SCHEMA_VERSION)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def home(tmp_path: Path, databases: Databases) -> Path:
    """Of Serbia's node, closed: with records of its own and of North Macedonia, and a check of an instrument."""
    network = Network(tmp_path / "nodes", databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    network.enrol_all()
    for scan in (b"one scan", b"other scan"):
        network.record(RS, scan=scan)
    network.record(MK, scan=b"their scan", audience=["RS"])
    network.settle()
    with network.nodes[RS].store.write() as session:
        keep_check(session)
        [first, second, *_] = session.scalars(select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id))
        first.mark_mm2 = 7.5
        pair = {"acquisition_a": first.acquisition_id, "acquisition_b": second.acquisition_id, "pair": "1-2"}
        statements = {"statement_a": first.statement_id, "statement_b": second.statement_id}
        said = {"cross_border": False, "same_case": False, "score": 0.5, "congruent_cells": 4, "cells": 9}
        told = {"matcher_version": "4", "comparison": "{}", "parameters": "p", "created_at": "2026-05-01T10:00:00.000Z"}
        session.execute(insert(CandidateRow).values(**pair, **statements, **said, **told))
    home = network.nodes[RS].settings.home
    network.close()
    return home


def held(home: Path) -> dict[str, Any]:
    """What no change of form may touch, as it lies in the database and beside it."""
    store = store_of(load_settings(home))
    try:
        with store.read() as session:
            statements = select(StatementRow.statement_id, StatementRow.envelope, StatementRow.leaf)
            return {
                "statements": {row[0]: (bytes(row[1]), bytes(row[2])) for row in session.execute(statements)},
                "records": sorted(session.scalars(select(RecordRow.statement_id))),
                "scans": sorted(session.scalars(select(AcquisitionRow.sha256))),
                "heads": sorted(head.note for head in session.scalars(select(CheckpointRow))),
                "candidates": session.execute(select(CandidateRow.pair, CandidateRow.score)).all(),
                "keys": {path.name: path.read_bytes() for path in (home / "keys").iterdir()},
            }
    finally:
        store.close()


def form_of(home: Path) -> int:
    store = store_of(load_settings(home))
    try:
        return store.form()
    finally:
        store.close()


@pytest.mark.parametrize("form", FORMS_BACK)
def test_back_and_up_again_keeps_identity_log_and_records(home: Path, tmp_path: Path, form: int) -> None:
    before = held(home)
    assert len(before["records"]) == 3
    assert len(before["candidates"]) == 1
    plan, made = change_form(home, form, backup=tmp_path / "backups")
    assert (form_of(home), plan.goes_back) == (form, True)
    assert made is not None
    assert held(home) == before
    for _ in range(2):  # the second time there is nothing to do
        change_form(home)
        assert form_of(home) == SCHEMA_VERSION
    assert held(home) == before
    with opened(home) as node:
        checked = check_and_keep(node, lambda _what, _done, _total: None)
    assert (checked.good, checked.findings) == (True, [])


def test_what_is_lost_is_said_before_and_is_in_the_backup(home: Path, tmp_path: Path, databases: Databases) -> None:
    plan = plan_migration(home, 6)
    assert {Loss("instrument_check", None, 1), Loss("acquisition", "mark_mm2", 1)} <= set(plan.lost)
    assert all(loss.rows for loss in plan.lost)
    assert plan_migration(home).lost == ()
    _, made = change_form(home, 6, backup=tmp_path / "backups")
    assert made is not None
    change_form(home)
    with opened(home) as node, node.store.read() as session:
        assert last_check(session) is None
    again = databases.new()
    restore(made.folder, tmp_path / "again", Secrets(keys=home / "keys", database_url=again))
    with opened(tmp_path / "again") as node, node.store.read() as session:
        assert last_check(session) is not None


def test_no_way_back_without_a_backup(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--backup FOLDER"):
        change_form(home, 6)
    with pytest.raises(ConfigurationError, match="outside of"):  # a backup within the home is none
        change_form(home, 6, backup=home / "backups")
    for scan in (home / "blobs").rglob("*"):
        if scan.is_file():
            scan.unlink()
    with pytest.raises(ConfigurationError, match=r"lacks 3 scans .* left as it was"):
        change_form(home, 6, backup=tmp_path / "backups")
    assert form_of(home) == SCHEMA_VERSION


@pytest.mark.parametrize("form", [0, EARLIEST - 1, SCHEMA_VERSION + 1])
def test_a_form_to_which_there_is_no_way(home: Path, form: int) -> None:
    with pytest.raises(ConfigurationError, match=f"no way to form {form}: .* from {EARLIEST} to {SCHEMA_VERSION}"):
        plan_migration(home, form)


def test_a_node_that_is_served_stays_as_it_is(home: Path, tmp_path: Path) -> None:
    with serving(home), pytest.raises(ConfigurationError, match="served by another process"):
        change_form(home, 6, backup=tmp_path / "backups")
    assert form_of(home) == SCHEMA_VERSION
    assert not (tmp_path / "backups").exists(), "the node's lock comes first"


def test_a_statement_that_the_older_release_does_not_read_keeps_the_form(tmp_path: Path, databases: Databases) -> None:
    """Its own log would hold what it cannot read."""
    network = Network(tmp_path / "nodes", databases)
    network.make(Jurisdiction.RS)
    node = network.nodes[RS]
    check = {"specimen": "SRM 2461-7", "checked_on": "2026-11-20", "warning": False, "digest": "cd" * 32}
    scans = [acquisition_fields(instrument=STATED, instrument_check=check)]
    record, envelope = network.signed(node, record_fields(contract="1.1", issuer=RS, acquisitions=scans))
    network.enter(node, record, envelope)
    home = node.settings.home
    network.close()
    plan = plan_migration(home, 6, backup=tmp_path / "backups")
    assert plan.unread == 1
    with pytest.raises(ConfigurationError, match=r"1 statements .* form 6 read \(1\.0\).*stay with this release"):
        change_form(home, 6, backup=tmp_path / "backups")
    assert form_of(home) == SCHEMA_VERSION


def test_of_each_form_it_is_known_which_contract_its_releases_read() -> None:
    """Where this fails, a new form has no line in CONTRACT_READ."""
    assert CONTRACT_READ.keys() == set(range(EARLIEST, SCHEMA_VERSION + 1))


def _disks(monkeypatch: pytest.MonkeyPatch, free: Callable[[Path], int]) -> None:
    def usage(path: Path) -> Usage:
        return Usage(2**40, 2**40 - free(path), free(path))

    monkeypatch.setattr(planning.shutil, "disk_usage", usage)
    assert planning.shutil is shutil


def test_disk_that_is_not_there_is_asked_for_before(
    home: Path, tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own disk a node does not see; that of a backup it does."""
    backups = tmp_path / "backups"
    plan = plan_migration(home, 6, backup=backups)
    assert plan.database_bytes > 0
    assert set(plan.rewritten) >= {"acquisition", "candidate"}
    needed = plan.needed_bytes + plan.backup_bytes
    on_server = isinstance(databases, Postgresql)
    assert (plan.free_bytes is None, plan.one_disk) == (on_server, not on_server)
    with monkeypatch.context() as patched:
        _disks(patched, lambda _path: needed)
        assert plan_migration(home, 6, backup=backups).refusal() is None
        short = plan.backup_bytes // 2 if on_server else needed - 1  # a server's own tidying changes its size
        _disks(patched, lambda _path: short)
        with pytest.raises(ConfigurationError, match=r"MiB .* free .*: free space there, or"):
            change_form(home, 6, backup=backups)
    assert form_of(home) == SCHEMA_VERSION
    assert not backups.exists()


def test_a_backup_on_a_disk_of_its_own_takes_none_from_the_database(
    home: Path, tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path("/dev/shm") if tmp_path.stat().st_dev != Path("/dev/shm").stat().st_dev else Path("/tmp")  # noqa: S108
    if other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one disk here")
    backups = other / f"ffp-backups-{uuid.uuid4().hex}"  # is not to be made
    plan = plan_migration(home, 6, backup=backups)
    assert not plan.one_disk
    _disks(monkeypatch, lambda path: plan.backup_bytes // 2 if path == other else 2**40)
    with pytest.raises(ConfigurationError, match=r"backup takes .* name a folder on another disk"):
        change_form(home, 6, backup=backups)
    assert not backups.exists()


@pytest.mark.parametrize(("form", "to"), [(6, 7), (7, 6)])
def test_a_real_migration_takes_no_more_than_was_said(tmp_path: Path, form: int, to: int) -> None:
    """Of 20,000 scans and as many pairs, on SQLite: its log of changes, and what the database grows by."""
    file = tmp_path / "node.db"
    store = made(file, Store, form)
    _fill(store, 20_000)
    store.close()
    before = file.stat().st_size
    rewritten = rehearse(form, to).rewritten
    written = store.taken_by(rewritten) if rewritten else 0
    store.migrate(to)
    log_of_changes = file.with_name("node.db-wal").stat().st_size
    store.close()
    taken = log_of_changes + file.stat().st_size - before
    assert taken <= planning.WRITTEN_ANEW * written + planning.BESIDE
    if written:
        assert store.taken_by() > written > 2**20, "parts of the database, and not a few pages"
        assert taken > written / 2, "what is said is of the size of what is taken"
    store.close()


def _fill(store: Store, rows: int) -> None:
    with changing(store) as connection:
        tables = MetaData()
        tables.reflect(connection)
        of = {name: {**row(table, 2)} for name, table in tables.tables.items()}
        told: dict[str, list[dict[str, Any]]] = {"statement": [], "acquisition": [], "candidate": []}
        for number in range(rows):
            name, blob = f"{number:064x}", f"{number + rows:064x}"
            told["statement"].append(
                of["statement"] | {"statement_id": name, "log_index": number, "envelope": bytes(200)}
            )
            scan = {"acquisition_id": number, "statement_id": name, "position": 0, "sha256": blob}
            told["acquisition"].append(of["acquisition"] | scan)
            pair = {"acquisition_a": number, "acquisition_b": number, "statement_a": name, "statement_b": name}
            told["candidate"].append(
                of["candidate"] | pair | {"candidate_id": number, "pair": name, "comparison": bytes(300)}
            )
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, many in told.items():
            connection.execute(tables.tables[table].insert(), many)
        record = {"statement_id": "", "sequence": 0}
        connection.execute(
            tables.tables["record"].insert(),
            [of["record"] | record | {"statement_id": f"{n:064x}", "sequence": n} for n in range(rows)],
        )


def test_work_that_the_older_release_does_not_know_goes(home: Path, tmp_path: Path) -> None:
    with opened(home) as node, node.store.write() as session:
        promise(session, JobKind.PROBE, session.scalars(select(AcquisitionRow.acquisition_id)).first() or 0)
    change_form(home, 6, backup=tmp_path / "backups")
    store = store_of(load_settings(home))
    with store.read() as session:
        assert "probe" not in set(session.scalars(select(JobRow.kind)))
    store.close()
