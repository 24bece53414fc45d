"""Each stage of the pipeline, and beside it the bare transforms that it cannot do without, in the same run."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.fft

from matcher import DEFAULT_PARAMETERS, DESCRIPTOR_SHAPE, Prepared, compare, correlate, prefilter, read_topography
from matcher.clean import clean
from matcher.comparison import View, compare_cells, register_pair
from matcher.descriptor import describe

pytestmark = pytest.mark.benchmark(timer=time.thread_time, min_rounds=7, max_time=0.5, warmup=True)

RNG = np.random.default_rng(1)
GALLERIES = (100, 1_000, 10_000, 100_000)
PEAKS = DEFAULT_PARAMETERS.rotation_peaks
STEPS = 3
"""Rotation steps that the fine stage looks at in full resolution: the best one and its neighbours."""


def measure(
    benchmark: Any, stage: str, kind: str, run: Callable[[], object], units: int = 1, unit: str = "pair"
) -> None:
    benchmark.extra_info.update(stage=stage, kind=kind, units=units, unit=unit)
    benchmark(run)


def plane(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, np.float32)


def forward(*shapes: tuple[int, ...]) -> list[tuple[Callable[..., object], np.ndarray]]:
    return [(scipy.fft.rfft2, plane(*shape)) for shape in shapes]


def backward(*shapes: tuple[int, ...]) -> list[tuple[Callable[..., object], np.ndarray]]:
    return [(scipy.fft.irfft2, scipy.fft.rfft2(plane(*shape))) for shape in shapes]


def run_all(transforms: list[tuple[Callable[..., object], np.ndarray]]) -> Callable[[], None]:
    def run() -> None:
        for transform, data in transforms:
            transform(data)

    return run


def fine_transforms(reference_moves: bool) -> list[tuple[Callable[..., object], np.ndarray]]:
    """What ``register`` asks for where the query's own spectra are known."""
    turned = [(80, 80), (40, 40), (40, 40)] * PEAKS + [(160, 160)] * STEPS
    plain = [(160, 160), (80, 80), (40, 40), (40, 40)]
    back = [(80, 80), (40, 40), (40, 40), (40, 40)] * 2 * PEAKS + [(160, 160)] * STEPS
    return forward(*(turned if reference_moves else plain)) + backward(*back)


def cell_transforms(cells: int) -> list[tuple[Callable[..., object], np.ndarray]]:
    return forward((cells, 48, 48), (2, cells, 24, 24)) + backward((cells, 48, 48), (3, cells, 24, 24))


def test_read(benchmark: Any, scan_files: list[Path]) -> None:
    measure(benchmark, "read", "own", lambda: read_topography(scan_files[0]), unit="scan")


def test_read_bare(benchmark: Any, scan_files: list[Path]) -> None:
    def unpack() -> None:
        with zipfile.ZipFile(scan_files[0]) as archive:
            for name in archive.namelist():
                archive.read(name)

    measure(benchmark, "read", "bare", unpack, unit="scan")


def test_clean(benchmark: Any, scan_files: list[Path]) -> None:
    scan = read_topography(scan_files[0])
    measure(benchmark, "clean", "own", lambda: clean(scan, DEFAULT_PARAMETERS), unit="scan")


def test_clean_bare(benchmark: Any, scan_files: list[Path]) -> None:
    base, fine, coarse = plane(*read_topography(scan_files[0]).heights_um.shape), plane(320, 320), plane(160, 160)
    turn = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]])

    def filters() -> None:
        for _ in range(2):  # heights and weights
            cv2.GaussianBlur(base, (0, 0), 0.9)
            cv2.warpAffine(base, turn, (320, 320))
            cv2.GaussianBlur(fine, (0, 0), 0.6)
            cv2.GaussianBlur(fine, (0, 0), 5.2)
            cv2.GaussianBlur(coarse, (0, 0), 3.7)

    measure(benchmark, "clean", "bare", filters, unit="scan")


def test_describe(benchmark: Any, scan_files: list[Path]) -> None:
    coarse = clean(read_topography(scan_files[0]), DEFAULT_PARAMETERS).coarse
    measure(benchmark, "descriptor", "own", lambda: describe(coarse), unit="scan")


def test_describe_bare(benchmark: Any) -> None:
    measure(benchmark, "descriptor", "bare", run_all(forward((320, 320))), unit="scan")


def test_to_and_from_bytes(benchmark: Any, in_order: list[Prepared]) -> None:
    stored = in_order[0].to_bytes()
    measure(benchmark, "read prepared", "own", lambda: Prepared.from_bytes(stored), unit="scan")
    benchmark.extra_info.update(bytes_stored=len(stored), bytes_descriptor=in_order[0].descriptor.nbytes)


@pytest.mark.parametrize("references", GALLERIES)
def test_prefilter(benchmark: Any, in_order: list[Prepared], references: int) -> None:
    gallery = RNG.integers(-60, 60, (references, *DESCRIPTOR_SHAPE), dtype=np.int8)
    stage = f"prefilter of {references:,}"
    measure(benchmark, stage, "own", lambda: prefilter(in_order[0].descriptor[None], gallery), references)


@pytest.mark.parametrize("references", GALLERIES)
def test_prefilter_bare(benchmark: Any, references: int) -> None:
    """The two matrix products, on blocks that are float already and stay in the cache."""
    harmonics, rings = DESCRIPTOR_SHAPE
    size = min(256, references)
    block, kernel = plane(harmonics, size, rings), plane(harmonics, rings, 2)
    products, synthesis = plane(size, 2 * harmonics), plane(2 * harmonics, 128)

    def multiply() -> None:
        for _ in range(-(-references // size)):
            np.matmul(block, kernel)
            np.matmul(products, synthesis)

    measure(benchmark, f"prefilter of {references:,}", "bare", multiply, references)


def test_fine_where_the_query_moves(benchmark: Any, in_order: list[Prepared]) -> None:
    query = View(in_order[0], DEFAULT_PARAMETERS)
    references = in_order[1:]

    def run() -> None:
        for reference in references:
            register_pair(query, View(reference, DEFAULT_PARAMETERS))

    run()
    measure(benchmark, "fine, query turned (kept)", "own", run, len(references))


def test_fine_where_the_query_moves_bare(benchmark: Any) -> None:
    measure(benchmark, "fine, query turned (kept)", "bare", run_all(fine_transforms(reference_moves=False)))


def test_fine_where_the_reference_moves(benchmark: Any, in_order: list[Prepared]) -> None:
    query = View(in_order[-1], DEFAULT_PARAMETERS)
    references = in_order[:-1]

    def run() -> None:
        for reference in references:
            register_pair(query, View(reference, DEFAULT_PARAMETERS))

    run()
    measure(benchmark, "fine, reference turned", "own", run, len(references))


def test_fine_where_the_reference_moves_bare(benchmark: Any) -> None:
    measure(benchmark, "fine, reference turned", "bare", run_all(fine_transforms(reference_moves=True)))


def test_cells(benchmark: Any, in_order: list[Prepared]) -> None:
    query = View(in_order[-1], DEFAULT_PARAMETERS)
    pairs = [(view, register_pair(query, view)) for view in (View(s, DEFAULT_PARAMETERS) for s in in_order[:-1])]

    def run() -> None:
        for view, registration in pairs:
            compare_cells(query, view, registration)

    run()
    measure(benchmark, "cells", "own", run, len(pairs))


def test_cells_bare(benchmark: Any, in_order: list[Prepared]) -> None:
    counts = [compare(in_order[-1], scan).n_cells for scan in in_order[:-1]]
    transforms = [entry for count in counts if count for entry in cell_transforms(count)]
    measure(benchmark, "cells", "bare", run_all(transforms), len(counts))


def test_full(benchmark: Any, in_order: list[Prepared]) -> None:
    """A query with each reference, prepared: fine and cells, half of the references being turned."""
    query = View(in_order[len(in_order) // 2], DEFAULT_PARAMETERS)
    references = [scan for scan in in_order if scan is not query.prepared]

    def run() -> None:
        for reference in references:
            view = View(reference, DEFAULT_PARAMETERS)
            compare_cells(query, view, register_pair(query, view))

    run()
    measure(benchmark, "full (fine and cells)", "own", run, len(references))


def test_full_bare(benchmark: Any, in_order: list[Prepared]) -> None:
    cells = round(np.mean([compare(in_order[-1], scan).n_cells for scan in in_order[:-1]]))
    transforms = [
        *(entry for moves in (False, True) for entry in fine_transforms(moves)),
        *(entry for _ in range(2) for entry in cell_transforms(cells)),
    ]
    measure(benchmark, "full (fine and cells)", "bare", run_all(transforms), 2)


@pytest.mark.benchmark(min_rounds=2)
@pytest.mark.parametrize("references", [100, 1_000])
def test_whole_query(benchmark: Any, in_order: list[Prepared], references: int) -> None:
    """Columns of all, search of the best 500, full comparison of the best 50; references read from stored bytes."""
    stored = [scan.to_bytes() for scan in in_order]
    gallery = [Prepared.from_bytes(stored[row % len(stored)]) for row in range(references)]
    measure(
        benchmark,
        f"whole query of {references:,}",
        "own",
        lambda: correlate(in_order[0], gallery),
        unit="query",
    )
