"""Form 6 says by whose records scans are here; what form 5 cannot tell is fetched anew."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from alembic.command import downgrade
from alembic.config import Config
from sqlalchemy import MetaData, inspect, select
from sqlalchemy.orm import Session

from exchange.store.database.engine import Store
from exchange.store.migrations import FORMS
from exchange.store.tables.records import AcquisitionRow, CandidateRow
from exchange.store.tables.work import JobRow
from tests.exchange.databases import Databases
from tests.exchange.store.released import changing
from tests.exchange.store.test_migrations import StoreAt, made
from tests.exchange.store.write_form import row

ARRIVED = "2026-05-01T10:00:00.000Z"


def _put(store: Store, table: str, **told: Any) -> None:
    with changing(store) as connection:
        tables = MetaData()
        tables.reflect(connection)
        of = tables.tables[table]
        connection.execute(of.insert(), [{**row(of, 2), **told}])


def a_record(store: Store, number: int, issuer: str, scan: str, *, state: str = "correlated", **told: Any) -> None:
    name = f"record-{number}"
    _put(store, "statement", statement_id=name, issuer=issuer, log_index=number, type="record")
    of = {"statement_id": name, "sequence": number, "issuer": issuer, "received_at": ARRIVED, "restricted": False}
    _put(store, "record", **{**of, "submitted_by": "examiner-1" if issuer == "own" else None, **told})
    told = {"acquisition_id": number, "statement_id": name, "position": 0, "sha256": scan, "state": state}
    _put(store, "acquisition", **told, parameters="prepared so")


def delivered(session: Session) -> dict[int, str | None]:
    rows = session.scalars(select(AcquisitionRow))
    return {found.acquisition_id: found.delivered_at for found in rows}


@pytest.fixture
def store(databases: Databases, tmp_path: Path, store_at: StoreAt) -> Store:
    return made(databases.place(tmp_path), store_at, 5)


@pytest.mark.slow
def test_what_had_come_is_told_from_what_was_only_named(store: Store) -> None:
    a_record(store, 1, "own", "a")
    a_record(store, 2, "mk", "a")
    a_record(store, 3, "mk", "b")
    a_record(store, 4, "mk", "c")
    a_record(store, 5, "xk", "c")
    a_record(store, 6, "xk", "d", state="awaiting-scan")
    a_record(store, 7, "mk", "a", restricted=True)
    a_record(store, 8, "own", "e", state="failed")
    a_record(store, 9, "own", "f", state="failed")
    _put(store, "job", job_id=1000, kind="fetch-scan", subject="9", state="dead")
    _put(store, "audit", number=1, act="take-scan")
    for position, subject in enumerate(("c", "record-4")):
        _put(store, "audit_subject", number=1, position=position, subject=subject)
    for number, pair in enumerate(((1, 2), (1, 3)), start=1):
        sides = {"acquisition_a": pair[0], "acquisition_b": pair[1], "pair": str(pair), "parameters": "those"}
        _put(store, "candidate", candidate_id=number, comparison=zlib.compress(b"{}"), **sides)
    store.migrate()
    with store.read() as session:
        came = {number for number, at in delivered(session).items() if at is not None}
        assert came == {1, 3, 4, 7, 8}
        assert set(delivered(session).values()) == {ARRIVED, None}
        doubtful = session.get_one(AcquisitionRow, 2), session.get_one(AcquisitionRow, 5)
        assert [(one.state, one.parameters) for one in doubtful] == [("awaiting-scan", None)] * 2
        promised = session.scalars(select(JobRow).where(JobRow.kind == "fetch-scan", JobRow.state == "pending"))
        assert {job.subject for job in promised} == {"2", "5"}
        assert [found.candidate_id for found in session.scalars(select(CandidateRow))] == [2]


def test_the_way_back_drops_it(store: Store) -> None:
    a_record(store, 1, "own", "a")
    store.migrate()
    with changing(store) as connection:
        config = Config()
        config.set_main_option("script_location", str(FORMS.parent))
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", str(FORMS))
        config.attributes["connection"] = connection
        downgrade(config, "5")
        looked = inspect(connection)
        assert "delivered_at" not in {column["name"] for column in looked.get_columns("acquisition")}
        assert "kept" not in {column["name"] for column in looked.get_columns("tombstone")}
