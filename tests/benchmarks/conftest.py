"""Scans for the benchmarks, and one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from threadpoolctl import threadpool_limits

from matcher import Prepared, prepare, read_topography, write_topography
from matcher.synthetic import breech_face


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
        write_topography(breech_face.draw(number // 2, number % 2), path, instrument=breech_face.INSTRUMENT)
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def in_order(scan_files: list[Path]) -> list[Prepared]:
    """The scans prepared, in the order of their digests: of two, the earlier one is moved."""
    return sorted((prepare(read_topography(path)) for path in scan_files), key=lambda scan: scan.digest)
