"""Programs read and submit without mercy while the node correlates: nobody waits long, and memory has a bound."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import matcher
from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from exchange.web.metrics import pss_bytes
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.chaos.nodes.processes import Process
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.running_nodes import free_port, metadata
from tests.load.curve import draw
from tests.load.people import percentile
from tests.load.sizes import is_full, report
from tests.load.traffic import (
    CONNECTIONS,
    READS_A_S,
    SUBMISSION,
    SUBMISSIONS_A_S,
    Known,
    Told,
    another,
    crowd,
    traffic,
)

pytestmark = [pytest.mark.long, pytest.mark.alone]

READ_MS, SUBMISSION_MS = 250, 1_500
"""99 of 100 within that, on two cores that do nothing else."""
GENEROUS = 8
"""So many times that on a machine that does other things too."""
MEMORY_MB = 1_000
TOKENS = 8
DRAWN = 12
"""Scans of so many firearms, each submitted as many files."""
SENDERS = 100
CROWD_MS = 10_000
"""99 of 100 that are let in are answered within that, however many wait outside."""
databases = databases_fixture("sqlite", *(["postgresql"] if is_full() else []))


def test_reads_and_submissions_come_through_while_the_node_correlates(databases: Databases, tmp_path: Path) -> None:
    """$FFP_LOAD=full: three minutes on each engine; else fifteen seconds on SQLite."""
    seconds, before = (180.0, 60) if is_full() else (15.0, 6)
    home, port = tmp_path / "rs", free_port()
    url = f"http://127.0.0.1:{port}"
    create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=port, database_url=databases.new())
    with opened(home) as node, node.store.write() as session:
        known = Known([add_user(session, f"program-{number}", Role.EXAMINER) for number in range(TOKENS)])
    scans = _drawn(tmp_path / "scans")
    node = Process(home, port)
    with node.running():
        _fill(node, known, scans, before)
        figures = _measured(node, known, scans, seconds)

    curve = figures.pop("memory")
    figures |= {"MB at most": max(mb for _, mb in curve), "MB at the end": curve[-1][1]}
    report(f"traffic, {databases.name}", figures)
    named = os.environ.get("FFP_LOAD_CURVE")
    if named:
        draw({databases.name: curve}, Path(named.format(databases.name)))
    assert figures["errors"] == {}
    assert figures["correlated meanwhile"] > 0
    assert figures["MB at most"] < MEMORY_MB
    idle = figures["load of the machine before"] <= (os.cpu_count() or 1)
    times = 1 if is_full() and idle else GENEROUS
    assert figures["answers"]["all reads"]["p99 ms"] < times * READ_MS, figures
    assert figures["answers"][SUBMISSION]["p99 ms"] < times * SUBMISSION_MS, figures


def test_a_hundred_senders_wait_outside_not_inside(tmp_path: Path) -> None:
    """$FFP_LOAD=full: a minute; else fifteen seconds. Who is sent away and comes again when told to gets through: each
    that began is stored once, and none is answered with an error."""
    seconds = 60.0 if is_full() else 15.0
    home, port = tmp_path / "rs", free_port()
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    with opened(home) as node, node.store.write() as session:
        known = Known([add_user(session, f"program-{number}", Role.EXAMINER) for number in range(TOKENS)])
    scans = _drawn(tmp_path / "scans")
    node = Process(home, port)
    with node.running():
        _fill(node, known, scans, 2)
        load, before = os.getloadavg()[0], node.get("/v1/status")["records"]
        told, away = crowd(node.url, known, scans, SENDERS, seconds)
        stored = node.get("/v1/status")["records"] - before
    answered = _percentiles(told.took_ms[SUBMISSION])
    figures = {
        "senders": SENDERS,
        "load of the machine before": round(load, 2),
        "answers": answered,
        "sent away": away,
        "errors": dict(told.errors),
    }
    report("a hundred senders", figures)
    assert figures["errors"] == {}
    assert stored == answered["count"] >= SENDERS
    assert away > 0
    assert answered["p99 ms"] < CROWD_MS, figures


def _drawn(folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{firearm}.x3p" for firearm in range(DRAWN)]
    for firearm, path in enumerate(paths):
        matcher.write_topography(breech_face.draw(firearm, 1), path, instrument="synthetic")
    return paths


def _fill(node: Process, known: Known, scans: Sequence[Path], count: int) -> None:
    """Something to read, correlated."""
    for number in range(count):
        scan = another(scans[number % len(scans)].read_bytes(), number)
        files = {"metadata": (None, json.dumps(_said(number))), "scan": ("scan.x3p", scan)}
        headers = {"Authorization": f"Bearer {known.tokens[number % TOKENS]}"}
        answer = node.http.post("/v1/records", headers=headers, files=files)
        assert answer.status_code == 201, answer.text
        known.records.append(answer.json()["statement_id"])
    for record in known.records:
        known.scans += [one["sha256"] for one in node.get(f"/v1/records/{record}")["acquisitions"]]
    node.wait_for(lambda status: status["jobs"] == {}, seconds=300)


def _said(number: int) -> dict[str, Any]:
    return metadata() | {"case_reference": f"RS-BEFORE-{number}"}


def _measured(node: Process, known: Known, scans: Sequence[Path], seconds: float) -> dict[str, Any]:
    load, before, cpu = os.getloadavg()[0], node.get("/v1/status"), node.cpu_s()
    with _Scales(node) as scales:
        began = time.monotonic()
        told = traffic(node.url, known, scans, seconds, seed=1)
        took = time.monotonic() - began
    cpu, after = node.cpu_s() - cpu, node.get("/v1/status")
    return {
        "seconds": round(took, 1),
        "connections": CONNECTIONS,
        "reads and submissions a second": [READS_A_S, SUBMISSIONS_A_S],
        "load of the machine before": round(load, 2),
        "load of the machine after": round(os.getloadavg()[0], 2),
        "answers": _answers(told),
        "errors": dict(told.errors),
        "the generator was late by ms at most": round(told.late_ms, 1),
        "correlated meanwhile": _correlated(after) - _correlated(before),
        "still waiting": after["acquisitions"].get("queued", 0),
        "share of a core, the serving process": round(cpu / took, 2),
        "memory": scales.curve,
    }


def _answers(told: Told) -> dict[str, dict[str, float]]:
    reads = [one for kind, took in told.took_ms.items() if kind != SUBMISSION for one in took]
    kinds = {**dict(sorted(told.took_ms.items())), "all reads": reads}
    return {kind: _percentiles(took) for kind, took in kinds.items()}


def _percentiles(took: list[float]) -> dict[str, float]:
    return {
        "count": len(took),
        "p50 ms": round(percentile(took, 0.50), 1),
        "p95 ms": round(percentile(took, 0.95), 1),
        "p99 ms": round(percentile(took, 0.99), 1),
        "most ms": round(max(took), 1),
    }


def _correlated(status: dict[str, Any]) -> int:
    found: int = status["acquisitions"].get("correlated", 0)
    return found


class _Scales:
    """Weighs the node and its processes once a second while the block runs."""

    def __init__(self, node: Process) -> None:
        self._node, self._ended = node, threading.Event()
        self.curve: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._weigh, daemon=True)

    def __enter__(self) -> _Scales:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _weigh(self) -> None:
        began = time.monotonic()
        while True:
            mb = sum(map(pss_bytes, self._node.session())) / 1e6
            self.curve.append((round(time.monotonic() - began, 1), round(mb, 1)))
            if self._ended.wait(1):
                return
