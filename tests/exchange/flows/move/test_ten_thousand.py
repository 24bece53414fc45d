"""10,000 records from SQLite to PostgreSQL and back, killed twice on each way: the same head, the same answers."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import insert, select

from exchange.clock import stamp
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, opened
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import AcquisitionState, add_records
from exchange.store.log.statement_rows import append_own
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from exchange.web.app import create_app
from schemas import Record, parse_statement
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction, Role
from tests.chaos.archive import ROI, enrol_with_each_other, fill
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.flows.move.killed import Ended, moved_until
from tests.exchange.running_nodes import free_port
from tests.schemas.examples import acquisition_fields, encoded, record_fields

databases = databases_fixture("postgresql")
RECORDS = int(os.environ.get("FFP_MOVE_RECORDS", "10000"))
CANDIDATES = 2000
ON_THE_LANE = RECORDS // 10
LOOKED_AT = 25
A_TRANSACTION = 500
ROWS_A_TIME = min(2000, RECORDS // 5)
ROLES = (Role.EXAMINER, Role.HEAD, Role.OPERATOR, Role.AUDITOR)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made(tmp_path)


def made(folder: Path) -> Path:
    """A node of that many signed records, a tenth on a peer's lane, with candidates."""
    homes = {code: folder / code for code in ("RS", "MK")}
    for code, place in homes.items():
        create_node(place, jurisdiction=Jurisdiction(code), url=f"http://{code.lower()}.test", port=9)
    with opened(homes["RS"]) as rs, opened(homes["MK"]) as mk:
        enrol_with_each_other(rs, mk)
        fill(rs, ON_THE_LANE)
        _fill_quickly(rs, RECORDS - ON_THE_LANE)
        _add_candidates(rs)
        sign_head(rs)
    return homes["RS"]


def _fill_quickly(node: Node, count: int) -> None:
    """More records, each signed and in the log, for nobody else."""
    for start in range(0, count, A_TRANSACTION):
        signed = []
        for number in range(start, min(start + A_TRANSACTION, count)):
            blob = {"sha256": f"{number:064x}", "size": 9, "media_type": "application/x-x3p"}
            fields: dict[str, Any] = record_fields(
                issuer=node.node_id,
                nonce=f"{number:064x}",
                case_reference=f"RS-more-{number}",
                acquisitions=[acquisition_fields(blob=blob, roi=ROI)],
            )
            payload = encoded(fields)
            record = parse_statement(payload)
            assert isinstance(record, Record)
            signed.append((statement_id(payload), record, node.keys.statement.sign(payload)))
        with node.store.write() as session:
            for name, record, envelope in signed:
                append_own(session, name, record, record.type, envelope)
            named = [(name, record) for name, record, _ in signed]
            add_records(session, named, submitted_by="examiner-7", state=AcquisitionState.AWAITING_SCAN)


def _add_candidates(node: Node) -> None:
    dice = random.Random(11)
    with node.store.write() as session:
        scans = session.execute(select(AcquisitionRow.acquisition_id, AcquisitionRow.statement_id)).all()
        pairs = {tuple(sorted(dice.sample(range(len(scans)), 2))) for _ in range(CANDIDATES)}
        rows = [
            {
                "pair": f"{scans[a].acquisition_id}-{scans[b].acquisition_id}",
                "acquisition_a": scans[a].acquisition_id,
                "acquisition_b": scans[b].acquisition_id,
                "statement_a": scans[a].statement_id,
                "statement_b": scans[b].statement_id,
                "cross_border": True,
                "same_case": False,
                "score": dice.random(),
                "congruent_cells": 12,
                "cells": 40,
                "rotation_deg": dice.uniform(-180, 180),
                "matcher_version": "4",
                "comparison": '{"cells": []}' * dice.randint(1, 400),
                "parameters": "of-this-test",
                "created_at": stamp(),
            }
            for a, b in pairs
        ]
        session.execute(insert(CandidateRow), rows)


@contextmanager
def _asked(node: Node) -> Iterator[httpx.Client]:
    """The node answers, and does no work of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(node, works=False), port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as client:
        yield client
    node.news.close()
    server.should_exit = True
    thread.join()


def _pages(client: httpx.Client, headers: dict[str, str], path: str, most: int = 1000) -> Iterator[dict[str, Any]]:
    """All pages of a list."""
    cursor: object = None
    for _ in range(most):
        more = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = client.get(path, headers=headers, params=more)
        assert page.status_code == 200, page.text
        yield page.json()
        cursor = page.json()["next"]
        if not cursor:
            return


def answers(home: Path, tokens: dict[Role, str]) -> dict[str, Any]:
    """What the node says to its users and peers, by path."""
    found: dict[str, Any] = {}
    with opened(home) as node, _asked(node) as client:
        headers = {role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}
        examiner = headers[Role.EXAMINER]
        listed = list(_pages(client, examiner, "/v1/records"))
        found["/v1/records"] = listed
        names = [record["statement_id"] for page in listed for record in page["items"]]
        assert len(names) == RECORDS
        found["/v1/candidates"] = list(_pages(client, examiner, "/v1/candidates"))
        for name in random.Random(3).sample(sorted(names), LOOKED_AT):
            for what in ("", "/envelope", "/bundle", "/candidates"):
                said = client.get(f"/v1/records/{name}{what}", headers=examiner)
                assert said.status_code == 200, said.text
                found[f"/v1/records/{name}{what}"] = said.content
        for role, path in (
            (Role.EXAMINER, "/v1/records?case_reference=RS-77"),
            (Role.EXAMINER, "/v1/records?calibre=9x19&limit=7"),
            (Role.EXAMINER, "/v1/candidates?min_score=0.9"),
            (Role.OPERATOR, "/v1/peers"),
            (Role.EXAMINER, "/v1/policy"),
            (Role.EXAMINER, "/v1/node"),
            (Role.EXAMINER, "/v1/node/keys"),
            (Role.EXAMINER, "/v1/log/checkpoint"),
            (Role.EXAMINER, f"/v1/log/tile/0/00{min(RECORDS // 256 - 1, 9)}"),
            (Role.EXAMINER, f"/v1/log/tile/1/000.p/{RECORDS // 256}"),
        ):
            said = client.get(path, headers=headers[role])
            assert said.status_code == 200, (path, said.text)
            found[path] = said.content
        status = client.get("/v1/status", headers=headers[Role.OPERATOR]).json()
        found["/v1/status"] = {name: status[name] for name in ("log_size", "signed_size", "records", "acquisitions")}
    return found


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.sqlite
def test_ten_thousand_records_there_and_back(home: Path, databases: Postgresql) -> None:
    address = databases.new()
    with opened(home) as node, node.store.write() as session:
        tokens = {role: add_user(session, f"{role}-1", role) for role in ROLES}
    before = answers(home, tokens)
    size = (home / "node.db").stat().st_size / 2**20
    head = (home / "last-head").read_bytes()

    there = _killed_twice(home, address, (f"statement >= {RECORDS // 3}", "lane_item, compared"))
    on_postgresql = answers(home, tokens)
    assert _differing(before, on_postgresql) == []

    back = _killed_twice(home, "sqlite", (f"log_node >= {RECORDS // 2}", "log checked"))
    assert _differing(before, answers(home, tokens)) == []
    assert (home / "last-head").read_bytes() == head
    with opened(home) as node:
        assert check_log(node, scans_too=False).findings == []
    print(f"\n{RECORDS:,} records, {size:.0f} MiB of SQLite, {len(before)} answers alike")
    for way, runs in (("to PostgreSQL", there), ("to SQLite", back)):
        seconds, last = runs
        rate = last.rows / last.seconds if last.rows else float("nan")
        print(f"{way}: {seconds:.0f} s in three runs; the last {last.seconds:.0f} s ({last.cpu_s:.0f} s of processor)")
        print(f"  {last.rows:,} rows compared, {rate:,.0f} a second with all, peak {last.peak_mib:.0f} MiB")


def _killed_twice(home: Path, to: str, at: tuple[str, str]) -> tuple[float, Ended]:
    began = time.monotonic()
    for step in at:
        assert moved_until(home, to, step, rows_a_time=ROWS_A_TIME).killed, step
    ended = moved_until(home, to, "never", rows_a_time=ROWS_A_TIME)
    assert not ended.killed
    assert ended.first is not None
    if at[0].startswith("statement"):
        assert ended.first["statement"] > RECORDS, "nothing was moved twice"
    return time.monotonic() - began, ended


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
