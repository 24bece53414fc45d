"""Scans for the benchmarks, one thread, and the closing table: seconds a unit, and the ratio to the bare transforms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from matcher import Prepared, prepare, read_topography, synthetic, write_topography


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        yield
    cv2.setNumThreads(threads)


@pytest.fixture(scope="session")
def scan_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen real scans where $FFP_DATA names them, else drawn ones."""
    named = os.environ.get("FFP_DATA")
    if named:
        return sorted(Path(named, "fadul").glob("*.x3p"))[:16]
    folder = tmp_path_factory.mktemp("scans")
    paths = []
    for number in range(16):
        path = folder / f"{number}.x3p"
        write_topography(synthetic.draw(number // 2, number % 2), path, instrument=synthetic.INSTRUMENT)
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def in_order(scan_files: list[Path]) -> list[Prepared]:
    """The scans prepared, in the order of their digests: of two, the earlier one is moved."""
    return sorted((prepare(read_topography(path)) for path in scan_files), key=lambda scan: scan.digest)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    session = getattr(config, "_benchmarksession", None)
    if session is None or not session.benchmarks:
        return
    seconds: dict[str, dict[str, float]] = {}
    notes: dict[str, str] = {}
    for bench in session.benchmarks:
        info = bench.extra_info
        if "stage" not in info:
            continue
        seconds.setdefault(info["stage"], {})[info["kind"]] = bench.stats.median / info["units"]
        notes[info["stage"]] = info.get("unit", "pair")
    title = "CPU time at one thread (median); bare: the transforms alone, same shapes and number"
    table = Table(title=title, title_justify="left")
    for heading in ("stage", "unit", "us a unit", "bare, us", "ratio", "units a second"):
        table.add_column(heading, justify="left" if heading in ("stage", "unit") else "right")
    for stage, found in seconds.items():
        own, bare = found.get("own"), found.get("bare")
        if own is None:
            continue
        floor = (f"{bare * 1e6:,.2f}", f"{own / bare:.2f}") if bare else ("", "")
        table.add_row(stage, notes[stage], f"{own * 1e6:,.2f}", *floor, f"{1.0 / own:,.0f}")
    width = max(110, terminalreporter._tw.fullwidth)
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    terminalreporter.write_line("")
    terminalreporter.write(capture.get())
    for bench in session.benchmarks:
        if "bytes_stored" in bench.extra_info:
            stored, descriptor = bench.extra_info["bytes_stored"], bench.extra_info["bytes_descriptor"]
            terminalreporter.write_line(f"A reference takes {stored:,} bytes, of which {descriptor:,} in memory.")
