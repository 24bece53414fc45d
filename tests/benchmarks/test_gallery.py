"""Whole queries of persistent galleries, warm and cold, on two worker processes; the prefilter up to a million.

Wall time here: it is what the examiner waits. Distractors are mixtures of drawn faces, each with its own bytes on disk;
their chance scores are compared with those of real pairs of different firearms where $FFP_DATA names the scans.
"""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from matcher import (
    DEFAULT_PARAMETERS,
    Filters,
    Gallery,
    GalleryWriter,
    Parameters,
    Prepared,
    Reference,
    Topography,
    prefilter,
    prepare,
    read_topography,
)
from matcher.areal.comparison import ComparisonView
from matcher.areal.descriptor import FIRST_HARMONICS
from matcher.areal.polar_column import POLAR_BYTES
from matcher.areal.prepared import is_partial, tells_its_rotation
from matcher.areal.ranking import polar_query
from matcher.evaluate.conditions import Conditions
from matcher.gallery.generation import Generation, publish_generation
from matcher.gallery.growing import Batch, GrowingShard
from matcher.gallery.schema import ROW
from matcher.gallery.shard import CAPACITY
from matcher.synthetic import breech_face
from matcher.synthetic.marks import Mixtures

pytestmark = pytest.mark.benchmark(timer=time.perf_counter)

FACES = 64
CHUNK = 2048
LARGE = pytest.mark.slow
SIZES = (1_000, pytest.param(10_000, marks=LARGE), pytest.param(100_000, marks=LARGE))
ONE_CANDIDATE = Parameters(descriptor_candidates=1, fine_candidates=1, listed_candidates=1)
WORKERS = 2
DIRECTIONS = 240


@pytest.fixture(scope="module")
def faces() -> list[Prepared]:
    return [prepare(breech_face.draw(firearm, 0)) for firearm in range(FACES)]


@pytest.fixture(scope="module")
def queries() -> list[Prepared]:
    """The first three tell how they are turned, as nineteen in twenty real whole marks do; the last one does not."""
    drawn = [prepare(breech_face.draw(firearm, 0)) for firearm in range(FACES, FACES + 4)]
    return sorted(drawn, key=lambda scan: not tells_its_rotation(scan, DEFAULT_PARAMETERS))


@pytest.fixture(scope="module")
def gallery(faces: list[Prepared], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Path]]:
    """Galleries by their size, made when first asked for."""
    folders: dict[int, Path] = {}

    def made(size: int) -> Path:
        if size not in folders:
            folders[size] = tmp_path_factory.mktemp(f"gallery-{size}-")
            with GalleryWriter(folders[size]) as writer:
                for start in range(0, size, CHUNK):
                    mixed = Mixtures.drawn(faces, min(CHUNK, size - start), start)
                    columns = zip(mixed.descriptors(), mixed.polar_rows(), strict=True)
                    writer.append(
                        (named(start + place), replace(faces[place % FACES], descriptor=descriptor, polar=polar))
                        for place, (descriptor, polar) in enumerate(columns)
                    )
        return folders[size]

    yield made
    for folder in folders.values():
        for path in folder.rglob("blobs"):
            path.unlink()


def named(number: int) -> Reference:
    digest = hashlib.sha256(b"%d" % number).digest()
    return Reference(digest, "9 mm Luger", "breech_face", "topography", "RS" if number % 2 else "MK")


@pytest.fixture
def workers() -> Iterator[ProcessPoolExecutor]:
    """Two processes that are up, with nothing mapped."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
            patch.setenv(name, "1")
        with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
            scan = np.zeros((1, 45, 96), np.int8)
            list(pool.map(prefilter, [scan] * 8, [np.zeros((20_000, 45, 96), np.int8)] * 8))
            yield pool


def measure(benchmark: Any, stage: str, work: dict[str, int], units: int = 1, cores: int = WORKERS) -> None:
    """``work``: of which stages, timed bare in the same run, a query's floor is made up, and how many units of each."""
    wall = f", wall, {cores} processes" if cores > 1 else ", one core"
    floor = {stage: count / units / cores for stage, count in work.items()}
    benchmark.extra_info.update(stage=stage + wall, kind="own", units=units, unit="query", floor=floor)


def whole_query(references: int, *, parts: bool = False, directed: bool = True) -> dict[str, int]:
    """What a query asks for: see ``matcher.Gallery.correlate``. Of two scans that are registered one is moved."""
    of = DEFAULT_PARAMETERS
    second = min(references, max(references // 16, 4 * of.descriptor_candidates))
    searched = of.fine_candidates_of_parts if parts else of.fine_candidates
    marks = "parts or noise" if parts or not directed else "whole marks"
    scored = {f"scored, {marks}, fresh reference": of.listed_candidates}
    if directed and not parts:
        scored = dict.fromkeys((*scored, "scored, whole marks, fresh reference moved"), of.listed_candidates // 2)
    return {
        "first pass, 10,000": references,
        "second pass, 10,000": second,
        "polar column": references if parts else min(references, of.descriptor_candidates),
        f"rough sift, {marks}, fresh reference": searched,
        "polar query": 1,
        **scored,
    }


@pytest.mark.parametrize("size", SIZES)
def test_a_query_warm(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], workers: ProcessPoolExecutor, size: int
) -> None:
    folder = Gallery(gallery(size))
    for _ in range(3):  # until both processes have looked at all of it
        folder.correlate(queries[:1], executor=workers)
    measure(benchmark, f"query of {size:,}, warm", whole_query(size))
    benchmark.pedantic(lambda: folder.correlate(queries[:1], executor=workers), rounds=5)
    benchmark.extra_info.update(stage_seconds(folder, queries[0], workers) | memory(workers))
    benchmark.extra_info["bytes_on_disk"] = sum(path.stat().st_size for path in gallery(size).rglob("*")) // size


@pytest.mark.parametrize("size", SIZES)
def test_a_query_of_a_mark_without_directions(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], workers: ProcessPoolExecutor, size: int
) -> None:
    """Each of its pairs is searched at all rotations."""
    folder = Gallery(gallery(size))
    for _ in range(3):
        folder.correlate(queries[-1:], executor=workers)
    measure(benchmark, f"query of {size:,} by a mark without directions, warm", whole_query(size, directed=False))
    benchmark.pedantic(lambda: folder.correlate(queries[-1:], executor=workers), rounds=3)


@pytest.mark.benchmark(timer=time.thread_time)
@pytest.mark.parametrize("size", SIZES)
def test_a_query_on_one_core(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], size: int
) -> None:
    """Processor time of the whole, all in one thread: two cores need half of it."""
    folder = Gallery(gallery(size))
    measure(benchmark, f"query of {size:,}, warm", whole_query(size), cores=1)
    benchmark.pedantic(lambda: folder.correlate(queries[:1]), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("size", SIZES)
def test_a_query_cold(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], workers: ProcessPoolExecutor, size: int
) -> None:
    """Nothing in the page cache, nothing mapped, nothing checked before: the first query after a start."""
    folder = gallery(size)
    forget(folder)
    measure(benchmark, f"query of {size:,}, cold", whole_query(size))
    benchmark.pedantic(lambda: Gallery(folder).correlate(queries[:1], executor=workers), rounds=1)


@pytest.fixture(scope="module")
def half() -> Prepared:
    return half_of(breech_face.draw(FACES, 0), 0)


@pytest.mark.parametrize("size", SIZES)
def test_a_query_for_parts_of_marks(
    benchmark: Any, gallery: Callable[[int], Path], half: Prepared, workers: ProcessPoolExecutor, size: int
) -> None:
    """Half a mark: every reference is searched at all rotations and shifts."""
    folder = Gallery(gallery(size))
    for _ in range(2):
        folder.correlate([half], executor=workers, thorough=True)
    measure(benchmark, f"query of {size:,} for parts of marks, warm", whole_query(size, parts=True))
    benchmark.pedantic(lambda: folder.correlate([half], executor=workers, thorough=True), rounds=3)
    benchmark.extra_info.update(stage_seconds(folder, half, workers, thorough=True))


@pytest.mark.benchmark(timer=time.thread_time)
def test_the_polar_column(benchmark: Any, faces: list[Prepared], half: Prepared) -> None:
    rows = Mixtures.drawn(faces, 2_048, 0).polar_rows()
    query = polar_query(ComparisonView(half, DEFAULT_PARAMETERS))
    benchmark.extra_info.update(stage="polar column", kind="own", units=len(rows), unit="pair")
    benchmark.pedantic(lambda: query.agreements(rows), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(timer=time.thread_time)
def test_the_polar_column_bare(benchmark: Any, half: Prepared) -> None:
    """The products of each block of harmonics, and one transform back, of as many references as share them."""
    query = polar_query(ComparisonView(half, DEFAULT_PARAMETERS))
    rng, together = np.random.default_rng(1), 16
    kernels = [rng.standard_normal(kernel.shape, np.float32) for kernel in query.kernels]
    rows = [rng.standard_normal((*kernel.shape[::2], together), np.float32) for kernel in kernels]
    packed = rng.standard_normal((together * kernels[0].shape[1] // 2, DIRECTIONS), np.float32)

    def bare() -> None:
        for kernel, row in zip(kernels, rows, strict=True):
            np.matmul(kernel, row)
        cv2.idft(packed, flags=cv2.DFT_ROWS | cv2.DFT_SCALE)

    benchmark.extra_info.update(stage="polar column", kind="bare", units=together, unit="pair")
    benchmark(bare)


@pytest.mark.slow
def test_four_queries_in_one_pass(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], workers: ProcessPoolExecutor
) -> None:
    folder = Gallery(gallery(100_000))
    for _ in range(2):
        folder.correlate(queries, executor=workers)
    work = {stage: 4 * count for stage, count in whole_query(100_000).items()}
    measure(benchmark, "four queries of 100,000, warm", work, units=4)
    benchmark.pedantic(lambda: folder.correlate(queries, executor=workers), rounds=3)


@pytest.mark.slow
def test_a_query_of_half_the_references(
    benchmark: Any, gallery: Callable[[int], Path], queries: list[Prepared], workers: ProcessPoolExecutor
) -> None:
    folder, half = Gallery(gallery(100_000)), Filters(owners=frozenset({"RS"}))
    for _ in range(2):
        folder.correlate(queries[:1], half, executor=workers)
    measure(benchmark, "query of 100,000, every second one asked for, warm", whole_query(50_000))
    benchmark.pedantic(lambda: folder.correlate(queries[:1], half, executor=workers), rounds=5)


@pytest.fixture(scope="module")
def million(faces: list[Prepared], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A gallery of 999,424 references without prepared scans, in 61 shards with the same 16,384 descriptors."""
    folder = tmp_path_factory.mktemp("million")
    generation = Generation.of(folder, ONE_CANDIDATE.digest)
    generation.create()
    drawn = Mixtures.drawn(faces, CAPACITY, 0).descriptors()
    rows, polar = np.zeros(CAPACITY, ROW), np.zeros((CAPACITY, POLAR_BYTES), np.int8)
    rows["partial"] = is_partial(faces[0], DEFAULT_PARAMETERS)
    shards = []
    for _ in range(1_000_000 // CAPACITY):
        shards.append(generation.new_shard())
        shard = GrowingShard.create(shards[-1])
        shard.append(Batch(rows, [drawn[:, :FIRST_HARMONICS], drawn[:, FIRST_HARMONICS:], polar], [b""] * CAPACITY))
    generation.write_shards(shards)
    publish_generation(folder, generation)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 4])
def test_the_prefilter_of_a_million(
    benchmark: Any, million: Path, queries: list[Prepared], workers: ProcessPoolExecutor, together: int
) -> None:
    """A query that stops behind the prefilter: its one candidate has no prepared scan."""
    asked = [replace(query, parameters_digest=ONE_CANDIDATE.digest) for query in queries[:together]]
    folder = Gallery(million, ONE_CANDIDATE)
    for _ in range(3):
        folder.correlate(asked, executor=workers)
    work = {"first pass, 10,000": 999_424 * together, "second pass, 10,000": 999_424 // 16 * together}
    measure(benchmark, f"prefilter of 999,424, {together} at once", work, units=together)
    benchmark.pedantic(lambda: folder.correlate(asked, executor=workers), rounds=5)
    benchmark.extra_info.update(memory(workers))


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.thread_time)
def test_the_prefilter_of_a_million_on_one_core(benchmark: Any, million: Path, queries: list[Prepared]) -> None:
    asked = [replace(queries[0], parameters_digest=ONE_CANDIDATE.digest)]
    folder = Gallery(million, ONE_CANDIDATE)
    work = {"first pass, 10,000": 999_424, "second pass, 10,000": 999_424 // 16}
    measure(benchmark, "prefilter of 999,424", work, cores=1)
    benchmark.pedantic(lambda: folder.correlate(asked), rounds=3, warmup_rounds=1)


@pytest.mark.data
def test_distractors_are_as_hard_as_real_pairs(benchmark: Any, ffp_data: Path, faces: list[Prepared]) -> None:
    """By both columns: descriptors of whole marks; halves by polar column, which is there for them."""
    with (ffp_data / "fadul" / "truth.csv").open() as file:
        truth = {row["scan"]: row["firearm"] for row in csv.DictReader(file)}
    scans = [read_topography(ffp_data / "fadul" / f"{name}.x3p") for name in truth]
    whole = [prepare(scan) for scan in scans]
    halves = [half_of(scan, place) for place, scan in enumerate(scans)]
    firearms = np.array(list(truth.values()))
    unrelated = firearms[:, None] != firearms
    mixed = Mixtures.drawn(faces, 5_000, 0)

    descriptors = np.stack([scan.descriptor for scan in whole])
    rows, mixed_rows = np.stack([scan.polar for scan in whole]), mixed.polar_rows()[:1_000]
    queries = [polar_query(ComparisonView(half, DEFAULT_PARAMETERS)) for half in halves]
    scores = {
        "descriptor, real": prefilter(descriptors, descriptors)[unrelated],
        "descriptor, drawn": benchmark.pedantic(lambda: prefilter(descriptors, mixed.descriptors()), rounds=1),
        "polar, real": np.stack([query.agreements(rows) for query in queries])[unrelated],
        "polar, drawn": np.stack([query.agreements(mixed_rows) for query in queries]),
    }
    percentiles = {f"chance 99.9, {kind}": float(np.percentile(found, 99.9)) for kind, found in scores.items()}
    benchmark.extra_info.update(percentiles)
    for column in ("descriptor", "polar"):
        assert percentiles[f"chance 99.9, {column}, drawn"] >= percentiles[f"chance 99.9, {column}, real"]


def half_of(scan: Topography, place: int) -> Prepared:
    cropped = Conditions(crop=0.5, rotate=1).apply(scan, place)
    assert isinstance(cropped, Topography)
    return prepare(cropped)


def forget(folder: Path) -> None:
    """Take a gallery's files out of the page cache; those that are mapped somewhere stay."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def stage_seconds(
    gallery: Gallery, query: Prepared, workers: ProcessPoolExecutor, *, thorough: bool = False
) -> dict[str, float]:
    """When each stage of one query ended, in seconds from its beginning."""
    ends: dict[str, float] = {}
    start = time.perf_counter()

    def note(stage: str, _done: int, _all: int) -> None:
        ends[stage] = time.perf_counter() - start

    gallery.correlate([query], executor=workers, progress=note, thorough=thorough)
    return {f"seconds_to_end_of_{stage.replace(' ', '_')}": end for stage, end in ends.items()}


def memory(workers: ProcessPoolExecutor) -> dict[str, float]:
    """Resident memory of each worker in kB: its own, and what it has mapped of files."""
    found: dict[str, float] = {}
    for place, process in enumerate(workers._processes.values()):
        status = Path(f"/proc/{process.pid}/status").read_text()
        for kind in ("RssAnon", "RssFile"):
            line = next(line for line in status.splitlines() if line.startswith(kind))
            found[f"worker_{place}_{kind}_kb"] = int(line.split()[1])
    return found
