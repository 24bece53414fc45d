"""How much work a gallery makes: counted in calls, bytes and open files, never by the clock."""

from __future__ import annotations

import hashlib
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, DESCRIPTOR_SHAPE, Gallery, GalleryWriter, Prepared, Reference, ScanRefused
from matcher.areal.comparison import ComparisonView, placement_of
from matcher.areal.polar_column import POLAR_BYTES
from matcher.gallery import growing
from matcher.gallery.generation import Generation, publish_generation
from matcher.gallery.growing import Batch, GrowingShard
from matcher.gallery.names import Names
from matcher.gallery.schema import COLUMNS, ROW
from matcher.gallery.shard import CAPACITY

SHARD = 250
SIZES = (250, 1_000, 4_000)


def name(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def entries(scan: Prepared, start: int, stop: int) -> Iterator[tuple[Reference, Prepared]]:
    rng = np.random.default_rng(start)
    for number in range(start, stop):
        told = Reference(name(number), "9 mm Luger", "breech_face", "topography", "RS")
        yield told, replace(scan, descriptor=rng.integers(-40, 41, DESCRIPTOR_SHAPE, dtype=np.int8))


def calls(act: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    count = 0

    def note(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.slow
def test_making_and_checking_cost_the_same_a_reference_and_a_change_costs_one_change(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "CAPACITY", SHARD)
    scan, work = prepared[0, 0], dict[int, dict[str, float]]()
    for size in SIZES:
        folder = tmp_path / str(size)
        with GalleryWriter(folder) as writer:
            done = {"make, each": calls(lambda: writer.append(entries(scan, 0, size))) / size}  # noqa: B023
            done["add"] = calls(lambda: writer.append(entries(scan, size, size + 1)))  # noqa: B023
            done["remove"] = calls(lambda: writer.remove([name(7)]))
            done["erase"] = calls(lambda: writer.erase([name(9)]))
            done["compact one shard"] = calls(lambda: writer.compact(0.0))

        def again(there: GalleryWriter = writer, number: int = size) -> None:
            there.reopen(tidy=False)
            there.append(entries(scan, number + 1, number + 2))
            there.close()

        done["open again and add"] = calls(again)
        done["verify, each"] = calls(lambda: Gallery(folder).verify()) / size  # noqa: B023
        work[size] = done
    print("", *(f"{size}: {done}" for size, done in work.items()), sep="\n")
    small, middle, large = (work[size] for size in SIZES)
    shards = (SIZES[2] - SIZES[1]) // SHARD
    for act in ("make, each", "verify, each"):
        assert large[act] == pytest.approx(middle[act], rel=0.1)
    for act in ("add", "remove", "compact one shard"):
        assert large[act] <= 1.2 * small[act], act
    # a shard, not a reference: its name in the folder, or its head
    assert (large["erase"] - middle["erase"]) / shards < 20
    assert (large["open again and add"] - middle["open again and add"]) / shards < 300


def test_what_is_on_disk_is_what_a_search_looks_at(tmp_path: Path, prepared: dict[tuple[int, int], Prepared]) -> None:
    scan, size = prepared[0, 0], 40
    with GalleryWriter(tmp_path) as writer:
        writer.append(entries(scan, 0, size))
    taken = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) / size
    columns = sum(column.row_bytes for column in COLUMNS)
    assert taken < ROW.itemsize + columns + len(scan.coarse_grid.data) + 300
    assert taken < 0.45 * len(scan.to_bytes())


def test_a_searched_scan_is_compared_as_the_whole_one_is(prepared: dict[tuple[int, int], Prepared]) -> None:
    a, b = prepared[0, 0], prepared[0, 1]
    columns = b.descriptor.tobytes() + b.polar.tobytes()
    kept = Prepared.from_searched_bytes(b.to_searched_bytes(), columns)
    query = ComparisonView(a, DEFAULT_PARAMETERS)
    assert placement_of(query, ComparisonView(kept, DEFAULT_PARAMETERS)) == placement_of(
        query, ComparisonView(b, DEFAULT_PARAMETERS)
    )
    assert kept.digest == b.digest
    assert kept.to_searched_bytes() == b.to_searched_bytes()
    for refused in (lambda: kept.fine, lambda: kept.fine_weights, kept.to_bytes):
        with pytest.raises(ScanRefused, match="without this grid"):
            refused()
    for data, beside in (
        (b.to_searched_bytes()[:50], columns),
        (b.to_searched_bytes(), columns[:-1]),
        (b.to_searched_bytes(), bytes(len(columns))),
    ):
        with pytest.raises(ScanRefused, match=r"digest|version"):
            Prepared.from_searched_bytes(data, beside)


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _without_scans(folder: Path, shards: int) -> None:
    """A gallery of whole shards whose references have names and nothing else."""
    generation, rng, made = Generation.of(folder, DEFAULT_PARAMETERS.digest), np.random.default_rng(5), []
    generation.create()
    columns = [np.zeros((CAPACITY, *column.shape), np.int8) for column in COLUMNS]
    assert columns[-1].shape[1] == POLAR_BYTES
    for _ in range(shards):
        rows = np.zeros(CAPACITY, ROW)
        rows["reference"] = np.frombuffer(rng.bytes(32 * CAPACITY), "V32")
        made.append(generation.new_shard())
        GrowingShard.create(made[-1]).append(Batch(rows, columns, [b""] * CAPACITY))
    generation.write_shards(made)
    publish_generation(folder, generation)


@pytest.mark.slow
def test_a_writer_keeps_few_bytes_of_each_reference_and_no_file_open(tmp_path: Path) -> None:
    _without_scans(tmp_path, 3)
    files = _open_files()
    tracemalloc.start()
    try:
        with GalleryWriter(tmp_path) as writer:
            kept, peak = (size / len(writer) for size in tracemalloc.get_traced_memory())
            assert _open_files() - files <= 1 + 2 * 3, "the lock, and of each shard what is mapped"
    finally:
        tracemalloc.stop()
    assert kept < 32
    assert peak < 64


def test_names_are_found_as_in_a_dictionary(tmp_path: Path, prepared: dict[tuple[int, int], Prepared]) -> None:
    """Whatever was added, removed, replaced and compacted away, in tables that grow meanwhile."""
    chance, model = random.Random(3), dict[bytes, list[tuple[GrowingShard, int]]]()
    names, shards, scan = Names(), list[GrowingShard](), prepared[0, 0]
    for number in range(12):
        shard = GrowingShard.create(tmp_path / f"shard-{number}")
        for _ in range(chance.randint(1, 3)):
            rows = np.zeros(chance.randint(1, 200), ROW)
            told = [name(chance.randrange(1_500)) for _ in rows]
            rows["reference"] = np.array([np.void(one) for one in told])
            columns = [np.repeat(column.of(scan)[None], len(rows), 0) for column in COLUMNS]
            start = shard.count
            shard.append(Batch(rows, columns, [b""] * len(rows)))
            names.add(shard)
            for row, one in enumerate(told, start):
                model.setdefault(one, []).append((shard, row))
        shard.remove(sorted(chance.sample(range(shard.count), shard.count // 3)))
        shards.append(shard)
        if number % 4 == 3:
            gone = shards.pop(chance.randrange(len(shards)))
            names.forget(gone)
            model = {one: [place for place in places if place[0] is not gone] for one, places in model.items()}
    for one in map(name, range(1_600)):
        expected = model.get(one, [])
        assert set(names.named(one)) == set(expected)
        assert set(names.living(one)) == {(shard, row) for shard, row in expected if shard.live[row]}


def test_a_writer_that_is_opened_again_knows_what_others_did(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "CAPACITY", 8)
    scan = prepared[0, 0]
    first = GalleryWriter(tmp_path)
    first.append(entries(scan, 0, 20))
    first.close()
    with GalleryWriter(tmp_path) as second:
        second.remove([name(0), name(17)])
        second.erase([name(1)])
        second.append(entries(scan, 20, 30))
        second.append(entries(scan, 3, 4))
        second.compact(0.0)
    first.reopen()
    there = {name(number) for number in range(30)} - {name(0), name(1), name(17)}
    assert set(first.references()) == there
    assert len(first) == len(there)
    first.append(entries(scan, 1, 2))
    first.append(entries(scan, 5, 6))
    first.close()
    with GalleryWriter(tmp_path, afresh=True) as second:
        assert name(5) not in second
    first.reopen()
    assert first.references() == []
    first.close()


def test_what_should_be_there_is_held_against_what_is(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared]
) -> None:
    with GalleryWriter(tmp_path) as writer:
        writer.append(entries(prepared[0, 0], 0, 6))
        writer.remove([name(2)])
        marks = writer.marks()
        assert [marks.mark(name(number)) for number in (0, 2, 5, 9)] == [True, False, True, False]
        assert set(marks.unmarked()) == {name(1), name(3), name(4)}


def test_shards_are_verified_in_as_many_calls_as_one_wants(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "CAPACITY", 4)
    with GalleryWriter(tmp_path) as writer:
        writer.append(entries(prepared[0, 0], 0, 10))
    gallery = Gallery(tmp_path)
    first, second, third = gallery.shards()
    path = next(tmp_path.glob(f"*/{second}/blobs"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert gallery.count() == len(gallery) == 10
    assert gallery.verify({first}) == gallery.verify({third}) == ()
    assert gallery.verify({second}) == gallery.verify() == (name(7),)
