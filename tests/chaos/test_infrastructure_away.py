"""The cluster, the database and the object store are away for a while, ten minutes each where $FFP_CHAOS says so: no
job is dead at any moment, and all is done soon after they are back.

In the short trial one attempt is all that a job has: a single one that is counted by mistake makes it dead.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.chaos.away import SERVICES, service
from tests.chaos.nodes.processes import Process
from tests.chaos.sizes import report, sized
from tests.exchange.running_nodes import free_port, metadata

pytestmark = pytest.mark.slow

SECONDS = sized(8, 600)
ATTEMPTS = sized(1, 8)
DONE_S = 150
"""The longest pause is a minute; the rest is for the work itself, on a machine that is busy with other tests."""
DURING = ("SQLite", "PostgreSQL")
"""While these are away nothing can be submitted."""


@pytest.mark.parametrize("name", SERVICES)
def test_no_job_is_dead_and_all_is_done_soon_after(name: str, tmp_path: Path, scans: dict[str, Path]) -> None:
    home, port, folder = tmp_path / "rs", free_port(), tmp_path / "service"
    folder.mkdir()
    with service(name, folder) as used:
        create_node(
            home,
            jurisdiction=Jurisdiction.RS,
            url=f"http://127.0.0.1:{port}",
            port=port,
            database_url=used.database_url,
        )
        settings = used.settings | {"MAX_ATTEMPTS": str(ATTEMPTS), "WORKERS": "1"}
        node = Process(home, port, {f"FFP_NODE_{key}": value for key, value in settings.items()})
        with node.running():
            for scan in ("1-1", "2-1"):
                _submit(node, scans[scan])
            node.wait_for(lambda status: _is_done(status, 2), DONE_S)
            used.before(home)
            used.away(home)
            waits = _watch(node, [] if name in DURING else [scans["1-2"], scans["2-2"]])
            used.back(home)
            back = time.monotonic()
            node.wait_for(lambda status: _is_done(status, 2 if name in DURING else 4), DONE_S)
            took_s = round(time.monotonic() - back, 1)
    report(f"{name} away", {"seconds": SECONDS, "put back meanwhile": waits, "dead": 0, "all done after": took_s})


def _submit(node: Process, scan: Path) -> None:
    files = {"metadata": (None, json.dumps(metadata()), "application/json"), "scan": ("scan.x3p", scan.read_bytes())}
    answer = node.http.post("/v1/records", headers=node.examiner, files=files)
    assert answer.status_code == 201, answer.text


def _watch(node: Process, submitted: list[Path]) -> int:
    """While it is away, and until a job was tried more often than anything that fails by itself: nothing is given up.
    Returns how often the job that was tried most was put back without an attempt."""
    began = time.monotonic()
    for scan in submitted:
        _submit(node, scan)
    while (lasts := time.monotonic() - began) < SECONDS or (submitted and _most_waits(node) <= ATTEMPTS):
        assert lasts < SECONDS + DONE_S, node.log_end
        answer = node.http.get("/v1/status", headers=node.examiner)
        if answer.status_code == httpx.codes.OK:
            assert "dead" not in answer.json()["jobs"], node.log_end
        time.sleep(sized(1, 10) / 2)
    return _most_waits(node)


def _most_waits(node: Process) -> int:
    lines = [json.loads(line) for line in node.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    subjects = [line["subject"] for line in lines if line.get("event") == "job waits" and line["kind"] == "correlate"]
    return max(map(subjects.count, set(subjects)), default=0)


def _is_done(status: dict[str, Any], scans: int) -> bool:
    assert "dead" not in status["jobs"], status
    return status["jobs"] == {} and status["acquisitions"] == {"correlated": scans}
