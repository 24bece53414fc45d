"""Two hundred files are dropped, a fifth of them damaged, some written slowly while they are watched, and whoever
watches is killed twice: each is taken once, or refused in words; none is lost, and none is left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Jurisdiction, Role
from tests.chaos.archive import ROI, scans_of

WHOLE, DAMAGED, COPIES = 160, 40, 10
SLOWLY = 40
"""Of the whole ones and the damaged ones together, written by another process."""
SCAN_BYTES = 3_000
SETTLE_S = 0.7
"""Longer than the slow station rests between two pieces."""
LONGEST_S = 500
KILLED_AT = (15, 90)
"""Files that are done."""
STATED = {
    "exhibit.kind": "crime_scene",
    "exhibit.calibre": "9x19",
    "handling.code": "H1",
    "retention_until": "2036-12-31",
    "roi": ROI,
}


@pytest.mark.slow
def test_each_dropped_file_is_taken_once_or_refused_in_words(tmp_path: Path) -> None:
    home, folder, made = tmp_path / "home", tmp_path / "share", tmp_path / "made"
    folder.mkdir()
    made.mkdir()
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "e-1", Role.EXAMINER)
    whole, damaged, copies = _make(made)

    names = sorted({*whole, *damaged})
    slow = set(names[:: len(names) // SLOWLY])
    at_once = [name for name in (*names, *copies) if name not in slow]
    _drop(made, folder, at_once)
    for path in [path for path in made.iterdir() if path.with_suffix(".x3p").name not in slow]:
        path.unlink()
    with _station(made, folder) as station:
        for count in KILLED_AT:
            with _watching(home, folder) as watching:
                _until(partial(_has, folder, count), watching)
                watching.kill()
                watching.wait()
        with _watching(home, folder) as watching:
            _until(lambda: station.poll() is not None and _names(folder) == {"taken", "refused"}, watching)
            watching.send_signal(signal.SIGTERM)
            assert watching.wait(timeout=120) == 0

    taken, refused = _names(folder / "taken"), _names(folder / "refused")
    assert {name for name in taken if name.endswith(".x3p")} == {*whole, *copies}
    assert {name for name in refused if name.endswith(".x3p")} == set(damaged)
    for name, why in damaged.items():
        text = (folder / "refused" / f"{name}.refused.txt").read_text(encoding="utf-8")
        assert why in text, (name, text)
    for name, content in whole.items():
        assert (folder / "taken" / name).read_bytes() == content
    with opened(home) as node, node.store.read() as session:
        cases = {row.statement_id: row.case_reference for row in session.scalars(select(RecordRow))}
        held = [(cases[row.statement_id], row.sha256) for row in session.scalars(select(AcquisitionRow))]
        assert len(list(node.settings.incoming.iterdir())) <= len(KILLED_AT), "cleared at the next start"
    wanted = [
        (f"RS-{name.removesuffix('.x3p')}", hashlib.sha256(content).hexdigest()) for name, content in whole.items()
    ]
    assert sorted(held) == sorted(wanted), "each once, and as what it is"


def _make(made: Path) -> tuple[dict[str, bytes], dict[str, str], list[str]]:
    """The whole scans; the damaged ones, each with what is to be told of it; copies of whole ones under other names."""
    scan = scans_of(SCAN_BYTES)
    whole = {f"scan-{number:03}.x3p": scan(number) for number in range(WHOLE)}
    for name, content in whole.items():
        _write(made, name, content)
    damaged = {}
    for number in range(DAMAGED):
        name, content = f"wrong-{number:03}.x3p", scan(WHOLE + number)
        match number % 5:
            case 0:
                damaged[name] = ""
                _write(made, name, content[: len(content) // 2])
            case 1:
                damaged[name] = "exhibit.calibre: The calibre '9x91' is not known"
                _write(made, name, content, **{"exhibit.calibre": "9x91"})
            case 2:
                damaged[name] = "neither a topography (x3p) nor"
                _write(made, name, f"no scan, number {number}".encode())
            case 3:
                damaged[name] = "There is no sidecar"
                (made / name).write_bytes(content)
            case _:
                damaged[name] = "no JSON"
                _write(made, name, content)
                (made / name).with_suffix(".json").write_text('{"roi": ')
    copies = []
    for number in range(COPIES):
        name = f"copy-{number:03}.x3p"
        copies.append(name)
        _write(made, name, scan(number), case_reference=f"RS-scan-{number:03}")
    return whole, damaged, copies


def _write(made: Path, name: str, content: bytes, **stated: str) -> None:
    said = {"case_reference": f"RS-{name.removesuffix('.x3p')}", **STATED, **stated}
    (made / name).write_bytes(content)
    (made / name).with_suffix(".json").write_text(json.dumps(said))


def _drop(made: Path, folder: Path, names: list[str]) -> None:
    for name in names:
        for path in (made / name, (made / name).with_suffix(".json")):
            with contextlib.suppress(FileNotFoundError):
                (folder / path.name).write_bytes(path.read_bytes())


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _has(folder: Path, count: int) -> bool:
    """Whether so many scans are put away."""
    done = sum(name.endswith(".x3p") for part in ("taken", "refused") for name in _names(folder / part))
    return done >= count


@contextmanager
def _station(made: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.chaos.slow_station", str(made), str(folder)]
    with subprocess.Popen(command) as station:
        try:
            yield station
        finally:
            station.kill()


@contextmanager
def _watching(home: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = ["watch", str(folder), "--as", "e-1", "--settle", str(SETTLE_S), "--every", "0.3", "--home", str(home)]
    command = [sys.executable, "-m", "exchange.cli.main", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ}) as watching:
        try:
            yield watching
        finally:
            watching.kill()


def _until(wanted: Callable[[], bool], watching: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + LONGEST_S
    while not wanted():
        assert watching.poll() is None, "whoever watches has ended by itself"
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.2)
