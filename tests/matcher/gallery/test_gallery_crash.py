"""A gallery whose writer dies at any moment, and one whose files were altered."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from matcher import (
    DESCRIPTOR_SHAPE,
    CandidateList,
    Gallery,
    GalleryDamaged,
    GalleryWriter,
    NotComparable,
    Parameters,
    Prepared,
    Reference,
    prepare,
)
from matcher.gallery import gallery_tasks as tasks
from matcher.gallery import growing
from matcher.synthetic import breech_face


def name(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def entry(scan: Prepared, number: int) -> tuple[Reference, Prepared]:
    drawn = np.random.default_rng(number).integers(-40, 41, DESCRIPTOR_SHAPE, dtype=np.int8)
    told = Reference(name(number), "9 mm Luger", "breech_face", "topography", "RS")
    return told, replace(scan, descriptor=drawn)


WRITER = """
import sys
from pathlib import Path
from random import Random
from matcher import GalleryWriter, Prepared
from matcher.gallery import growing
from tests.matcher.gallery.test_gallery_crash import entry, name

growing.CAPACITY = 50
folder, scan, start = Path(sys.argv[1]), Prepared.from_bytes(Path(sys.argv[2]).read_bytes()), int(sys.argv[3])
chance = Random(start)
with GalleryWriter(folder) as writer:
    there = []
    while True:
        step = chance.random()
        if step < 0.6 or len(there) < 20:
            numbers = list(range(start, start + chance.randint(1, 30)))
            start, there = numbers[-1] + 1, there + numbers
            print("add", *numbers, flush=True)
            writer.append(entry(scan, number) for number in numbers)
        elif step < 0.9:
            numbers = chance.sample(there, 10)
            there = [number for number in there if number not in numbers]
            print("remove", *numbers, flush=True)
            writer.remove(map(name, numbers))
        else:
            print("compact", flush=True)
            writer.compact(0.1)
        print("done", flush=True)
"""


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_when_the_writer_is_killed(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared]
) -> None:
    scan, folder, expected = tmp_path / "scan", tmp_path / "gallery", set[int]()
    scan.write_bytes(prepared[0, 0].to_bytes())
    chance = random.Random(4)
    steps = 0
    for start in range(0, 30_000, 10_000):
        command = [sys.executable, "-c", WRITER, str(folder), str(scan), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(chance.uniform(0.05, 0.6))
            process.send_signal(signal.SIGKILL)
            lines = [first, *process.stdout.read().splitlines()]
        assert process.returncode == -signal.SIGKILL
        unsure = set[int]()
        for line in lines:
            verb, *rest = line.split()
            numbers = set(map(int, rest))
            if verb == "done":
                steps += 1
                unsure = set()
            elif verb == "add":
                unsure, expected = numbers, expected | numbers
            elif verb == "remove":
                unsure, expected = numbers, expected - numbers
        with GalleryWriter(folder) as writer:
            found = set(writer.references())
            assert {name(number) for number in expected - unsure} <= found
            assert found <= {name(number) for number in expected | unsure}
            assert len(Gallery(folder)) == len(found)
        assert Gallery(folder).verify() == ()
        expected = {number for number in expected | unsure if name(number) in found}
    assert steps >= 5


class Died(BaseException):
    pass


class Fuse:
    """Lets so many system calls through, and dies in the next one: a write is then done by a third."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
        self.left = calls
        for call in ("fdatasync", "fsync", "ftruncate", "mkdir", "replace", "rename", "rmdir", "unlink"):
            monkeypatch.setattr(os, call, self.fused(getattr(os, call)))
        write = os.pwrite

        def by_a_third(descriptor: int, data: memoryview, offset: int) -> int:
            if self.left == 0:
                write(descriptor, data[: len(data) // 3], offset)
            self.burn()
            return write(descriptor, data, offset)

        monkeypatch.setattr(os, "pwrite", by_a_third)

    def burn(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died

    def fused(self, call: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **more: object) -> object:
            self.burn()
            return call(*arguments, **more)

        return run


CHANGES: dict[str, Callable[[GalleryWriter, Prepared], object]] = {
    "append": lambda writer, scan: writer.append(entry(scan, number) for number in range(10, 13)),
    "replace": lambda writer, scan: writer.append([entry(scan, 1)]),
    "remove": lambda writer, scan: writer.remove([name(1), name(4)]),
    "compact": lambda writer, scan: (writer.compact(0.0), writer.compact(0.0)),
    "publish": lambda writer, scan: writer.publish(),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_death_in_any_system_call_leaves_each_reference_whole_or_not_at_all(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(growing, "CAPACITY", 4)
    scan = prepared[0, 0]
    kept = {name(number) for number in (1, 2, 3, 4, 5, 6)}
    may_go = {name(1), name(4)} if change == "remove" else set()
    may_come = {name(number) for number in range(10, 13)} if change == "append" else set()
    for calls in count():
        folder = tmp_path / str(calls)
        with GalleryWriter(folder) as writer:
            writer.append(entry(scan, number) for number in range(7))
            writer.remove([name(0)])
        writer = GalleryWriter(folder)
        died = False
        with monkeypatch.context() as fused:
            Fuse(fused, calls)
            try:
                CHANGES[change](writer, scan)
            except Died:
                died = True
        os.close(writer._lock)  # as its death would
        assert kept - may_go <= {*_served(folder)} <= kept | may_come
        with GalleryWriter(folder) as again:
            found = set(again.references())
            assert kept - may_go <= found <= kept | may_come
            again.append([entry(scan, 20)])
            again.compact(0.0)
        assert {*_served(folder)} == found | {name(20)}
        assert Gallery(folder).verify() == ()
        if not died:
            assert found == (kept - may_go) | may_come
            break
    assert calls >= 3


def _served(folder: Path) -> list[bytes]:
    return list(Gallery(folder).references())


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Parameters, Prepared, CandidateList]:
    """A gallery in two shards with one removal, a query, and the good answer."""
    folder = tmp_path_factory.mktemp("gallery")
    parameters = Parameters(fine_candidates=3, listed_candidates=2)
    scans = [prepare(breech_face.draw(firearm, 0), parameters) for firearm in range(3)]
    with pytest.MonkeyPatch.context() as patch, GalleryWriter(folder, parameters) as writer:
        patch.setattr(growing, "CAPACITY", 4)
        told = [Reference(name(place), "9 mm Luger", "breech_face", "topography", "RS") for place in range(6)]
        writer.append(zip(told, scans + scans, strict=True))
        writer.remove([name(5)])
    (answer,) = Gallery(folder, parameters).correlate([scans[0]])
    assert answer.damaged == ()
    return folder, parameters, scans[0], answer


FILES = ("current", "manifest", "head", "rows", "removed", "blobs", "first", "rest")


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_altered_and_cut_files_are_told_of_and_never_used(
    asked: tuple[Path, Parameters, Prepared, CandidateList], file: str
) -> None:
    folder, parameters, query, good = asked
    chance = random.Random(file)
    for path in folder.rglob(file):
        content = path.read_bytes()
        if not content:
            continue
        # the reference in the second half of the second shard was removed: nobody looks at its bytes any more
        length = len(content) // 3 if file in ("blobs", "first", "rest") else len(content)
        flips = [chance.randrange(length) for _ in range(3)]
        bad = [content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :] for at in flips]
        for altered in (*bad, content[: len(content) // 3], b"", None):
            path.unlink()
            if altered is not None:
                path.write_bytes(altered)
            tasks._shard.cache_clear()
            try:
                assert _told(folder, parameters) or file == "head", path  # of which there are two
                (answer,) = Gallery(folder, parameters).correlate([query])
            except GalleryDamaged:
                continue
            except NotComparable:
                assert (file, altered) == ("current", None)
                continue
            finally:
                path.unlink(missing_ok=True)
                path.write_bytes(content)
            assert file in ("blobs", "first", "rest", "head")
            assert file != "head" or answer == good
            sound = {entry.reference: entry for entry in good.candidates if entry.reference not in answer.damaged}
            for candidate in answer.candidates:
                assert sound.get(candidate.reference, candidate) == candidate
                assert candidate.reference not in answer.damaged
    tasks._shard.cache_clear()
    assert Gallery(folder, parameters).correlate([query]) == [good]


def _told(folder: Path, parameters: Parameters) -> bool:
    """Whether the damage is found by whoever looks: the references that it struck are named."""
    return len(Gallery(folder, parameters).verify()) > 0


def test_a_writer_does_not_open_a_damaged_gallery(asked: tuple[Path, Parameters, Prepared, CandidateList]) -> None:
    folder, parameters, _, _ = asked
    for file in ("manifest", "head", "rows", "removed", "blobs"):
        path = next(path for path in sorted(folder.rglob(file)) if path.stat().st_size)
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        with pytest.raises(GalleryDamaged, match="rebuild the gallery"):
            GalleryWriter(folder, parameters)
        path.write_bytes(content)
    GalleryWriter(folder, parameters).close()


def test_a_damaged_gallery_is_emptied_and_filled_again(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared]
) -> None:
    scan = prepared[0, 0]
    with GalleryWriter(tmp_path) as writer:
        writer.append([entry(scan, 1)])
    for path in (*tmp_path.rglob("manifest"), *tmp_path.rglob("head")):
        path.write_bytes(b"altered")
    with pytest.raises(GalleryDamaged):
        GalleryWriter(tmp_path)
    with GalleryWriter(tmp_path, afresh=True) as writer:
        assert _served(tmp_path) == []
        writer.append([entry(scan, 2)])
    assert _served(tmp_path) == [name(2)]
    assert len(list(tmp_path.rglob("head"))) == 1


def test_a_full_disk_changes_nothing_and_the_same_call_may_be_tried_again(
    tmp_path: Path, prepared: dict[tuple[int, int], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, write = prepared[0, 0], os.pwrite
    with GalleryWriter(tmp_path) as writer:
        writer.append([entry(scan, 1)])
        for failing in range(5):
            calls = count()

            def full(descriptor: int, data: memoryview, offset: int) -> int:
                if next(calls) == failing:  # noqa: B023  # used within the same turn of the loop
                    raise OSError(28, "No space left on device")
                return write(descriptor, data, offset)

            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", full)
                with pytest.raises(OSError, match="No space left"):
                    writer.append([entry(scan, 2), entry(scan, 3)])
            assert _served(tmp_path) == [name(1)]
        writer.append([entry(scan, 2)])
        assert _served(tmp_path) == [name(1), name(2)]
    with GalleryWriter(tmp_path) as writer:
        assert writer.references() == [name(1), name(2)]
    assert Gallery(tmp_path).verify() == ()
