"""Each stage of the pipeline, and beside it, in the same run, the bare transforms and products it cannot do without."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.fft

from matcher import DEFAULT_PARAMETERS, Parameters, Prepared, compare, correlate, prefilter, read_topography
from matcher.areal.cells import FineView
from matcher.areal.comparison import ComparisonView, compare_cells, register_pair
from matcher.areal.descriptor import FIRST_HARMONICS, HARMONICS, RINGS, describe, polar_magnitude
from matcher.areal.polar import PolarGrid
from matcher.areal.polar_column import PolarQuery
from matcher.areal.pose_search import DIRECTIONS, search_code, search_poses, search_waves
from matcher.areal.prepared import tells_its_rotation
from matcher.areal.registration import CoarseView, place_roughly, register
from matcher.mark.clean import COARSE_POINTS, FINE_POINTS, clean
from matcher.mark.flatten import flattened

pytestmark = pytest.mark.benchmark(timer=time.thread_time, min_rounds=7, max_time=0.5, warmup=True)

RNG = np.random.default_rng(1)
GALLERIES = (100, 1_000, 10_000, 100_000)
GRID_TURN = np.array([[0.8, 0.6, -30.0], [-0.6, 0.8, 60.0]])
STEPS_A_PLACE = 3
"""The rotation steps around a place that a parabola needs."""
HALVED, GRID = COARSE_POINTS // 2, (COARSE_POINTS, COARSE_POINTS)
SEARCHED = replace(DEFAULT_PARAMETERS, least_directedness=2.0)
"""As if no mark told how it is turned: all rotations are searched, as for parts of marks and noisy ones."""
ROWS, PACKED = cv2.DFT_ROWS, cv2.DFT_ROWS | cv2.DFT_SCALE


def measure(
    benchmark: Any, stage: str, kind: str, run: Callable[[], object], units: int = 1, unit: str = "pair"
) -> None:
    benchmark.extra_info.update(stage=stage, kind=kind, units=units, unit=unit)
    benchmark(run)


def plane(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, np.float32)


def warp(points: int) -> Callable[[], object]:
    grid = plane(points, points)
    return lambda: cv2.warpAffine(grid, GRID_TURN, (points, points), flags=cv2.INTER_LINEAR)


def transform(*shape: int, flags: int = 0) -> Callable[[], object]:
    grid = plane(*shape)
    return lambda: cv2.dft(grid, flags=flags)


def product(left: tuple[int, ...], right: tuple[int, ...]) -> Callable[[], object]:
    one, other = plane(*left), plane(*right)
    return lambda: np.matmul(one, other)


def all_of(*parts: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for part in parts:
            part()

    return run


@pytest.fixture(scope="module")
def coarse(in_order: list[Prepared]) -> list[CoarseView]:
    return [CoarseView(scan, DEFAULT_PARAMETERS) for scan in in_order]


@pytest.fixture(scope="module")
def whole(in_order: list[Prepared]) -> list[Prepared]:
    """Those that tell how they are turned."""
    return [scan for scan in in_order if tells_its_rotation(scan, DEFAULT_PARAMETERS)]


# what the stages of a comparison cannot do without, with the shapes of the default parameters


def bare_polar_query(view: CoarseView) -> Callable[[], None]:
    """Circles of all rings around all centres, with no more directions than twice their harmonics."""
    grid = PolarGrid(view.reach / 2)
    harmonics = 2.0 * np.pi * grid.radii / grid.shortest_wave
    centres = len(grid.shifts)
    return all_of(*(transform(centres, cv2.getOptimalDFTSize(int(2 * top)), flags=ROWS) for top in harmonics))


def bare_code(view: CoarseView) -> Callable[[], None]:
    """A transform of circles, and of each harmonic a product that leads from circles to rings."""
    hankel = search_waves(view.reach).marks.hankel
    harmonics, _, circles = hankel.shape
    return all_of(transform(circles, DIRECTIONS, flags=ROWS), product(hankel.shape, (harmonics, circles, 2)))


def bare_search(view: CoarseView) -> Callable[[], None]:
    """Of each band the products of all harmonics that differ little, and those that integrate over wave numbers; those
    that sum for each ring of shifts; one transform back."""
    waves = search_waves(view.reach).marks
    parts: list[Callable[[], object]] = []
    for band in waves.bands:
        differences, _, numbers = band.bessel.shape
        parts.append(elementwise(numbers, band.harmonics, differences))
        parts.append(product(band.bessel.shape, (differences, numbers, 2 * band.harmonics)))
    # a complex product is four real ones
    parts += [
        product((2 * len(each), each.shape[1]), (each.shape[1], 2 * waves.harmonics_used))
        for ring in waves.around
        for each in ring
    ]
    return all_of(*parts, transform(waves.shifts, DIRECTIONS, flags=PACKED | cv2.DFT_INVERSE))


def elementwise(numbers: int, harmonics: int, differences: int) -> Callable[[], object]:
    one, other = (plane(numbers, 2 * harmonics).view(np.complex64) for _ in range(2))
    out = np.empty((differences, numbers, harmonics), np.complex64)
    return lambda: np.multiply(one, other, out=out)


def bare_places(places: int) -> Callable[[], None]:
    """At the first place all shifts of the rotations that descriptors name, on half as many points a side, and those
    of one in full; of each other place those too."""
    small, full = transform(HALVED, HALVED, flags=cv2.DFT_INVERSE), transform(*GRID, flags=cv2.DFT_INVERSE)
    return all_of(*[small] * (2 * DEFAULT_PARAMETERS.rotations), *[full] * places)


def bare_registration(places: int) -> Callable[[], None]:
    """A reference's transforms, the places, three steps of the climb, and two warps."""
    once = transform(*GRID), transform(HALVED, HALVED)
    return all_of(*once, bare_places(places), *[warp(COARSE_POINTS)] * (STEPS_A_PLACE + 2))


def bare_cells(view: FineView, cells: int) -> Callable[[], None]:
    """Two warps, and the sums of products at all displacements of so many cells."""
    side, places = view.tiling.cell, 2 * view.tiling.reach + 1
    half = product((4, cells, places**2, side**2), (4, cells, side**2, 1))
    near = product((cells, 25, 4 * side**2), (cells, 4 * side**2, 1))
    return all_of(warp(FINE_POINTS), warp(FINE_POINTS // 2), half, near)


def mean_cells(scans: list[Prepared]) -> int:
    return round(float(np.mean([compare(scans[0], scan).n_cells for scan in scans[1:]])))


def unpack(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            archive.read(name)


def clean_filters(shape: tuple[int, ...]) -> Callable[[], None]:
    base, fine, small = plane(*shape), plane(320, 320), plane(160, 160)

    def run() -> None:
        for _ in range(2):  # heights and weights
            cv2.GaussianBlur(base, (0, 0), 0.9)
            cv2.warpAffine(base, GRID_TURN, (320, 320))
            cv2.GaussianBlur(fine, (0, 0), 0.6)
            cv2.GaussianBlur(fine, (0, 0), 5.2)
            cv2.GaussianBlur(small, (0, 0), 3.7)

    return run


def test_read(benchmark: Any, scan_files: list[Path]) -> None:
    measure(benchmark, "read", "own", lambda: read_topography(scan_files[0]), unit="scan")


def test_read_bare(benchmark: Any, scan_files: list[Path]) -> None:
    measure(benchmark, "read", "bare", lambda: unpack(scan_files[0]), unit="scan")


def test_clean(benchmark: Any, scan_files: list[Path]) -> None:
    scan = read_topography(scan_files[0])
    measure(benchmark, "clean", "own", lambda: clean(scan, DEFAULT_PARAMETERS), unit="scan")


def test_clean_bare(benchmark: Any, scan_files: list[Path]) -> None:
    filters = clean_filters(read_topography(scan_files[0]).heights_um.shape)
    measure(benchmark, "clean", "bare", filters, unit="scan")


@pytest.mark.data
def test_read_and_clean_raw(benchmark: Any, ffp_data: Path) -> None:
    """As it comes from the instrument, 1220 x 1220: the mark has to be found first."""
    path = sorted((ffp_data / "fadul-raw").glob("*.x3p"))[0]
    measure(
        benchmark,
        "read and clean, raw 1220 x 1220",
        "own",
        lambda: clean(read_topography(path), DEFAULT_PARAMETERS),
        unit="scan",
    )


@pytest.mark.data
def test_read_and_clean_raw_bare(benchmark: Any, ffp_data: Path) -> None:
    """Unpacking, and the filters of a scan whose mark is known already."""
    path = sorted((ffp_data / "fadul-raw").glob("*.x3p"))[0]
    filters = clean_filters(read_topography(path).heights_um.shape)
    stage = "read and clean, raw 1220 x 1220"
    measure(benchmark, stage, "bare", all_of(lambda: unpack(path), filters), unit="scan")


def test_flatten(benchmark: Any, scan_files: list[Path]) -> None:
    copy = clean(read_topography(scan_files[0]), DEFAULT_PARAMETERS).coarse
    measure(benchmark, "flatten", "own", lambda: flattened(copy.heights, copy.weights, (2.0, 20.0), 3.0), unit="scan")


def test_flatten_bare(benchmark: Any) -> None:
    padded = 2 * COARSE_POINTS
    there, back = transform(padded, padded), transform(padded, padded, flags=cv2.DFT_INVERSE)
    measure(benchmark, "flatten", "bare", all_of(there, back), unit="scan")


def test_describe(benchmark: Any, scan_files: list[Path]) -> None:
    coarse = clean(read_topography(scan_files[0]), DEFAULT_PARAMETERS).coarse
    measure(benchmark, "descriptor", "own", lambda: describe(polar_magnitude(coarse)), unit="scan")


def test_describe_bare(benchmark: Any) -> None:
    grid = plane(320, 320)
    measure(benchmark, "descriptor", "bare", lambda: scipy.fft.rfft2(grid), unit="scan")


def test_to_and_from_bytes(benchmark: Any, in_order: list[Prepared]) -> None:
    stored = in_order[0].to_bytes()
    measure(benchmark, "read prepared", "own", lambda: Prepared.from_bytes(stored), unit="scan")
    benchmark.extra_info.update(bytes_stored=len(stored), bytes_descriptor=in_order[0].descriptor.nbytes)


@pytest.mark.parametrize("references", GALLERIES)
def test_first_pass(benchmark: Any, in_order: list[Prepared], references: int) -> None:
    """What is computed for every reference that passes the filters."""
    gallery = descriptors(references, FIRST_HARMONICS)
    query = in_order[0].descriptor[None]
    measure(benchmark, f"first pass, {references:,}", "own", lambda: prefilter(query, gallery), references)


@pytest.mark.parametrize("references", GALLERIES)
def test_first_pass_bare(benchmark: Any, references: int) -> None:
    measure(benchmark, f"first pass, {references:,}", "bare", bare_prefilter(references, FIRST_HARMONICS), references)


def test_second_pass(benchmark: Any, in_order: list[Prepared]) -> None:
    gallery, query = descriptors(10_000, HARMONICS), in_order[0].descriptor[None]
    measure(benchmark, "second pass, 10,000", "own", lambda: prefilter(query, gallery), 10_000)


def test_second_pass_bare(benchmark: Any) -> None:
    measure(benchmark, "second pass, 10,000", "bare", bare_prefilter(10_000, HARMONICS), 10_000)


def descriptors(references: int, harmonics: int) -> np.ndarray:
    return RNG.integers(-60, 60, (references, harmonics, 2 * RINGS), dtype=np.int8)


def bare_prefilter(references: int, harmonics: int) -> Callable[[], None]:
    """The two matrix products, on blocks that are float already and stay in the cache."""
    block = plane(harmonics, 128, 2 * RINGS).view(np.complex64)
    query = plane(harmonics, 2 * RINGS, 1).reshape(harmonics, RINGS, 2).view(np.complex64)
    products, synthesis = plane(2 * harmonics, 128), plane(64 if harmonics == FIRST_HARMONICS else 128, 2 * harmonics)
    times = -(-references // 128)
    return all_of(*[lambda: np.matmul(block, query), lambda: np.matmul(synthesis, products)] * times)


def test_polar_query(benchmark: Any, coarse: list[CoarseView]) -> None:
    """Once for a whole gallery, in each process."""
    view = coarse[0]
    measure(
        benchmark, "polar query", "own", lambda: PolarQuery(view.signal, view.weights, view.reach / 2), unit="query"
    )


def test_polar_query_bare(benchmark: Any, coarse: list[CoarseView]) -> None:
    measure(benchmark, "polar query", "bare", bare_polar_query(coarse[0]), unit="query")


def test_code(benchmark: Any, coarse: list[CoarseView]) -> None:
    view = coarse[0]
    measure(benchmark, "search code", "own", lambda: search_code(view.signal, view.weights, view.reach), unit="scan")


def test_code_bare(benchmark: Any, coarse: list[CoarseView]) -> None:
    measure(benchmark, "search code", "bare", bare_code(coarse[0]), unit="scan")


def test_search(benchmark: Any, coarse: list[CoarseView]) -> None:
    moving, *fixed = (view.code for view in coarse)

    def run() -> None:
        for code in fixed:
            search_poses(moving, code, coarse[0].reach, DEFAULT_PARAMETERS.min_overlap, DEFAULT_PARAMETERS.places)

    measure(benchmark, "search", "own", run, len(fixed))


def test_search_bare(benchmark: Any, coarse: list[CoarseView]) -> None:
    measure(benchmark, "search", "bare", bare_search(coarse[0]))


def register_all(query: CoarseView, references: list[Prepared], parameters: Parameters) -> Callable[[], None]:
    def run() -> None:
        for scan in references:
            register(query, CoarseView(scan, parameters), parameters)

    run()  # the query keeps its turned spectra
    return run


def test_rough_sift(benchmark: Any, whole: list[Prepared]) -> None:
    query, references = CoarseView(whole[0], DEFAULT_PARAMETERS), whole[1:]

    def run() -> None:
        for scan in references:
            place_roughly(query, CoarseView(scan, DEFAULT_PARAMETERS), DEFAULT_PARAMETERS)

    measure(benchmark, "rough sift, whole marks, fresh reference", "own", run, len(references))


def test_rough_sift_bare(benchmark: Any) -> None:
    bare = all_of(transform(*GRID), transform(HALVED, HALVED), bare_places(1))
    measure(benchmark, "rough sift, whole marks, fresh reference", "bare", bare)


def test_rough_sift_of_parts(benchmark: Any, in_order: list[Prepared]) -> None:
    query, references = CoarseView(in_order[0], SEARCHED), in_order[1:]

    def run() -> None:
        for scan in references:
            place_roughly(query, CoarseView(scan, SEARCHED), SEARCHED)

    measure(benchmark, "rough sift, parts or noise, fresh reference", "own", run, len(references))


def test_rough_sift_of_parts_bare(benchmark: Any, coarse: list[CoarseView]) -> None:
    bare = all_of(bare_code(coarse[0]), bare_search(coarse[0]))
    measure(benchmark, "rough sift, parts or noise, fresh reference", "bare", bare)


def test_registration(benchmark: Any, whole: list[Prepared]) -> None:
    run = register_all(CoarseView(whole[0], DEFAULT_PARAMETERS), whole[1:], DEFAULT_PARAMETERS)
    measure(benchmark, "scored, whole marks, fresh reference", "own", run, len(whole) - 1)


def test_registration_bare(benchmark: Any) -> None:
    measure(benchmark, "scored, whole marks, fresh reference", "bare", bare_registration(1))


def test_registration_where_the_reference_moves(benchmark: Any, whole: list[Prepared]) -> None:
    """Of half of the pairs the reference has the lower digest: it needs turned spectra of its own."""
    fixed = CoarseView(whole[-1], DEFAULT_PARAMETERS)

    def run() -> None:
        for scan in whole[:-1]:
            register(CoarseView(scan, DEFAULT_PARAMETERS), fixed, DEFAULT_PARAMETERS)

    run()
    measure(benchmark, "scored, whole marks, fresh reference moved", "own", run, len(whole) - 1)


def test_registration_where_the_reference_moves_bare(benchmark: Any) -> None:
    halves = [warp(HALVED), transform(HALVED, HALVED)] * DEFAULT_PARAMETERS.rotations
    bare = all_of(bare_registration(1), *halves, warp(COARSE_POINTS), transform(*GRID))
    measure(benchmark, "scored, whole marks, fresh reference moved", "bare", bare)


def test_registration_of_parts(benchmark: Any, in_order: list[Prepared]) -> None:
    run = register_all(CoarseView(in_order[0], SEARCHED), in_order[1:], SEARCHED)
    measure(benchmark, "scored, parts or noise, fresh reference", "own", run, len(in_order) - 1)


def test_registration_of_parts_bare(benchmark: Any, coarse: list[CoarseView]) -> None:
    places = 1 + DEFAULT_PARAMETERS.places
    bare = all_of(bare_code(coarse[0]), bare_search(coarse[0]), bare_registration(places))
    measure(benchmark, "scored, parts or noise, fresh reference", "bare", bare)


def test_cells(benchmark: Any, in_order: list[Prepared]) -> None:
    query, references = ComparisonView(in_order[0], DEFAULT_PARAMETERS), in_order[1:]
    pairs = [(scan, register_pair(query, ComparisonView(scan, DEFAULT_PARAMETERS))) for scan in references]

    def run() -> None:
        for scan, registration in pairs:
            compare_cells(query, ComparisonView(scan, DEFAULT_PARAMETERS), registration)

    measure(benchmark, "cells of a pair that is looked at", "own", run, len(pairs))


def test_cells_bare(benchmark: Any, in_order: list[Prepared]) -> None:
    view = FineView(in_order[0], DEFAULT_PARAMETERS)
    measure(benchmark, "cells of a pair that is looked at", "bare", bare_cells(view, mean_cells(in_order)))


@pytest.mark.benchmark(min_rounds=2)
@pytest.mark.parametrize("references", [100, 1_000])
def test_whole_query(benchmark: Any, in_order: list[Prepared], references: int) -> None:
    """Columns of all, sift of the best 200, registration of the best 50; references read from stored bytes."""
    stored = [scan.to_bytes() for scan in in_order]
    gallery = [Prepared.from_bytes(stored[row % len(stored)]) for row in range(references)]
    measure(
        benchmark,
        f"whole query of {references:,}",
        "own",
        lambda: correlate(in_order[0], gallery),
        unit="query",
    )
