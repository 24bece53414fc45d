"""Thousands of damaged scans are sent to a node: each is stored or refused with a reason, none is a fault of the
server, and nothing stays: no memory, no open files, nothing of what was refused on disk."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from schemas.vocabulary import Jurisdiction
from tests.chaos.sizes import report, sized
from tests.exchange.running_nodes import metadata
from tests.exchange.served import Served, serving
from tests.matcher import mutations
from tests.matcher.read.test_fuzz import TARGETS

pytestmark = pytest.mark.slow

SEED = 10
FORMATS = ("x3p", "al3d", "sur", "plux", "image")
WARM = 50
"""Uploads before the first look: pools have started, caches are full."""
GROWTH_BYTES = 40_000_000
"""Of all processes that lived all the while: what allocators keep, and what thousands of stored rows take."""
MORE_PROCESSES = 1
"""A worker process begins when a scan is to be read while the others are at work, and ends after a minute of rest."""
REFUSED = {400, 413, 415, 422}


def test_damaged_scans_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    count, dice = sized(100, 10_000), random.Random(SEED)
    good = {name: TARGETS[name].good() for name in FORMATS}
    with serving(tmp_path / "node", Jurisdiction.RS) as node, httpx.Client(timeout=60, trust_env=False) as http:
        answers: Counter[int] = Counter()
        begun, seen = time.monotonic(), {}
        for number in range(WARM + count):
            if number in (WARM, WARM + count // 2):
                node.wait_idle()  # a process that correlates starts with the first good scan, and takes its time
                seen[number] = _held(node)
            name = dice.choice(FORMATS)
            status = _send(http, node, _damaged(dice, name, good), number)
            assert status == 201 or status in REFUSED, (number, name, status, node.log.read_text()[-3000:])
            answers[status] += 1
        seconds = time.monotonic() - begun
        node.wait_idle()
        first, half, last = *seen.values(), _held(node)
        grown = {process: last[process].memory - held.memory for process, held in first.items() if process in last}
        node.process.terminate()
        assert node.process.wait(60) == 0
        left = [path for path in (node.home / "incoming").iterdir() if path.is_file()]
        blobs = list((node.home / "blobs").glob("??/*"))
    report(
        "damaged uploads",
        {
            "uploads": WARM + count,
            "seed": SEED,
            "answers": dict(sorted(answers.items())),
            "a second": round((WARM + count) / seconds, 1),
            "memory of no file (MB), open files and processes after the first fifty": _together(first),
            "half way": _together(half),
            "in the end": _together(last),
            "grown by, those that lived all the while (MB)": [round(grow / 1e6, 1) for grow in grown.values()],
        },
    )
    assert answers[201] > 0
    assert sum(answers[status] for status in REFUSED) > 0
    assert node.process.pid in grown
    assert sum(grown.values()) < GROWTH_BYTES
    assert sum(last[process].files - first[process].files for process in grown) <= 8  # connections that still close
    assert len(last) <= len(first) + MORE_PROCESSES
    assert left == []
    assert len(blobs) <= answers[201]


def _damaged(dice: random.Random, name: str, good: dict[str, list[bytes]]) -> bytes:
    content = dice.choice(good[name])
    for _ in range(dice.choice((1, 1, 2))):
        try:
            content = dice.choice(mutations.PLAIN + 2 * TARGETS[name].mutations)(dice, content or b"x", good[name])
        except mutations.CANNOT:
            continue
    return content


def _send(http: httpx.Client, node: Served, content: bytes, number: int) -> int:
    """As a topography or, every second time, as a photograph, whatever it is."""
    acquisition = {"roi": "breech_face", "modality": "topography", "file": "scan"}
    if number % 2:
        acquisition |= {"modality": "reflectance", "lateral_resolution_um": 2.5}
    sent = metadata() | {"case_reference": f"RS-{number}", "acquisitions": [acquisition]}
    files = {"metadata": (None, json.dumps(sent)), "scan": ("scan", content)}
    return http.post(f"{node.url}/v1/records", headers=node.bearer, files=files).status_code


@dataclass(frozen=True)
class _Held:
    """Bytes of memory that are of no file (galleries are mapped, and grow with what is stored), and open files."""

    memory: int
    files: int


def _held(node: Served) -> dict[int, _Held]:
    """Of each of the node's processes."""
    found = {}
    for process in node.processes():
        folder = Path(f"/proc/{process}")
        rollup = (folder / "smaps_rollup").read_text()
        memory = 1024 * next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:"))
        found[process] = _Held(memory, len(list((folder / "fd").iterdir())))
    return found


def _together(held: dict[int, _Held]) -> list[float]:
    memory = sum(one.memory for one in held.values())
    return [round(memory / 1e6, 1), sum(one.files for one in held.values()), len(held)]
