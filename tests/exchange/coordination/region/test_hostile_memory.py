"""A file of whoever costs the coordinator's desk some times its own size, and nothing once it is refused."""

from __future__ import annotations

import base64
import gc
import json
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.report_file import Believed, DeskKeys, RefusedFile

MOST_TIMES = 16
"""As much memory as so many times the file, and 16 MB."""

READ = """
import sys
from pathlib import Path
from exchange.errors import ExchangeError
from exchange.coordination.half_year.half_years import parse_period
from exchange.coordination.meetings.pack.signed_inputs import verify_inputs
from exchange.coordination.region.read_regional import read_public_region
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.report_file import Believed
from exchange.coordination.public_site.publication import publication_of
from exchange.coordination.region_files.report_file import DeskKeys
from exchange.coordination.region.indicators import shipped_indicators

def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

def as_report(data):
    (refused,) = read_reports([("a.json", data)], parse_period("2026H2"), Believed()).refused

def as_inputs(data):
    verify_inputs(data, Believed())

def as_regional(data):
    read_public_region(data, "a.json")

def published(data):
    publication_of([("a.json", data)], [], DeskKeys(Believed(), None), shipped_indicators())

act, data = globals()[sys.argv[1]], Path(sys.argv[2]).read_bytes()
as_report(b"{}")
before = peak()
try:
    act(data)
except ExchangeError:
    pass
else:
    assert act is as_report, "it is taken"
print(peak() - before)
"""
"""In a process of its own, whose memory is its own."""


def keys(count: int) -> bytes:
    return b",".join(b'"k%d":0' % number for number in range(count))


def report(**more: str) -> bytes:
    parts = dict.fromkeys(("manifest", "public", "proof"), "AA==")
    said = {"format": "ffp-report-file/1", "node": "ffp-rs", "period": "2026H2", "restricted": None, **parts, **more}
    return json.dumps(said).encode()


def surplus(form: bytes, count: int = 300_000) -> bytes:
    return b'{"format":"%s",%s}' % (form, keys(count))


CASES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "surplus keys": ("as_report", lambda: surplus(b"ffp-report-file/1")),
    "surplus keys of a part": (
        "as_report",
        lambda: report(restricted="HERE").replace(b'"HERE"', b"{" + keys(300_000) + b"}"),
    ),
    "fewer keys than another kind of file may have": ("as_report", lambda: surplus(b"ffp-report-file/1", 32_000)),
    "surplus keys of the proof": (
        "as_report",
        lambda: report(proof=base64.b64encode(b"{" + keys(300_000) + b"}").decode()),
    ),
    "strings": ("as_report", lambda: b"[" + b'"",' * 1_000_000 + b"0]"),
    "strings of no array": ("as_report", lambda: b"[" + b'""' * 1_000_000 + b"]"),
    "brackets": ("as_report", lambda: b"[" + b"[]," * 1_000_000 + b"0]"),
    "brackets that nobody opened": ("as_report", lambda: b"[" + b"]" * 4_000_000),
    "surplus keys of inputs": ("as_inputs", lambda: surplus(b"ffp-approved-document/1")),
    "cells of a regional report": (
        "as_regional",
        lambda: (
            b'{"format":"ffp-regional-report/1","edition":"public","period":"2026H2","figures":'
            b'[{"id":"leads","cells":{%s}}]}' % keys(200_000)
        ),
    ),
    "what is to be published": ("published", lambda: surplus(b"ffp-report-file/1")),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_one_file_takes_some_times_its_size(case: str, tmp_path: Path) -> None:
    act, made = CASES[case]
    path = tmp_path / "a.json"
    path.write_bytes(made())
    command = [sys.executable, "-c", READ, act, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    size, taken = path.stat().st_size, int(run.stdout)
    assert taken < MOST_TIMES * size + 16 * 2**20, f"{size:,} bytes took {taken:,}"


def test_the_desk_keeps_words_of_a_refused_file_and_only_while_it_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[weakref.ref[object]] = []

    class Noted(bytearray):
        """Bytes of a file that can be looked for later."""

    def noted(path: Path, _most: int) -> Noted:
        found = Noted(path.read_bytes())
        read.append(weakref.ref(found))
        return found

    monkeypatch.setattr("exchange.coordination.desk.pack_desk.read_bounded", noted)
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_bytes(b'{"format":"ffp-report-file/1","x":0}')
    desk = PackDesk(tmp_path, DeskKeys(Believed(), None), shipped_indicators())
    gc.disable()
    try:
        listed = desk.listed()
        left = [found() for found in read]
    finally:
        gc.enable()
    assert len(read) == 2
    assert left == [None, None], "nothing holds the files, also before memory is swept"
    for item in listed:
        assert isinstance(item.refused, RefusedFile)
        assert item.refused.code == "no-report"

    kept = weakref.ref(listed[0])
    del listed, item
    (tmp_path / "a.json").unlink()
    assert [found.name for found in desk.listed()] == ["b.json"]
    gc.collect()
    assert kept() is None, "what is known of a file goes with it"


def test_inputs_are_kept_as_words_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"format":"ffp-approved-document/1","document":"","proof":"","x":0}')
    desk = PackDesk(tmp_path, DeskKeys(Believed(), None), shipped_indicators())
    [first], [again] = desk.inputs_listed(), desk.inputs_listed()
    assert first is again, "it is verified once"
    assert isinstance(first.refused, RefusedFile)
