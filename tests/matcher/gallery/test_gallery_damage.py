"""What a bad disk, a kill and a hand in the folder leave of a gallery: told of, never believed, and erased."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, Gallery, GalleryDamaged, GalleryWriter, Prepared, Reference
from matcher.gallery import files, growing
from matcher.gallery import gallery_query as query
from matcher.gallery import gallery_tasks as tasks
from matcher.gallery.generation import Generation
from matcher.gallery.shard import Shard

Scans = dict[tuple[int, int], Prepared]
SHARD = 4


def name(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def reference(number: int) -> Reference:
    return Reference(name(number), "9 mm Luger", "breech_face", "topography", "RS")


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(growing, "CAPACITY", SHARD)
    yield
    tasks._shard.cache_clear()


@pytest.fixture
def two_shards(tmp_path: Path, prepared: Scans) -> Path:
    """Of each another row was removed."""
    scans = list(prepared.values())
    with GalleryWriter(tmp_path / "gallery") as writer:
        writer.append((reference(number), scans[number % len(scans)]) for number in range(7))
        writer.remove([name(1), name(6)])
    return tmp_path / "gallery"


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def shards(folder: Path) -> list[Path]:
    return Generation.of(folder, DEFAULT_PARAMETERS.digest).shards()


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_being_appended_is_erased_too(
    two_shards: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Prepared scan and columns are on disk before the rows, by which alone they are known."""
    scan = prepared[0, 0]
    gone = replace(scan, polar=np.full_like(scan.polar, 77))
    writer = GalleryWriter(two_shards)
    with monkeypatch.context() as patch:
        patch.setattr(growing.GrowingShard, "_complete", _full)
        with pytest.raises(OSError, match="No space left"):
            writer.append([(reference(9), gone)])
    assert gone.polar.tobytes() in stored(two_shards)
    if killed:
        os.close(writer._lock)  # as its death would
        writer = GalleryWriter(two_shards)
    assert writer.erase([name(9)]) == 0
    assert gone.polar.tobytes() not in stored(two_shards)
    writer.append([(reference(9), gone)])
    writer.close()
    assert Gallery(two_shards).verify() == ()


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("file", ["rows", "removed", "head"])
def test_a_file_of_another_shard_is_found_out(two_shards: Path, file: str) -> None:
    first, second = shards(two_shards)
    shutil.copyfile(second / file, first / file)
    with pytest.raises(GalleryDamaged):
        Gallery(two_shards).references()
    with pytest.raises(GalleryDamaged):
        GalleryWriter(two_shards)


def test_a_shard_that_stands_twice_is_found_out(two_shards: Path) -> None:
    first, second = shards(two_shards)
    shutil.rmtree(first)
    shutil.copytree(second, first)
    with pytest.raises(GalleryDamaged):
        Gallery(two_shards).references()


@pytest.mark.parametrize("file", ["manifest", "head", "rows", "removed", "blobs", "lock", "current"])
@pytest.mark.parametrize("what", ["a folder", "a link to itself"])
def test_what_is_no_file_any_more_is_damage(two_shards: Path, file: str, what: str) -> None:
    path = next(two_shards.rglob(file))
    path.unlink()
    if what == "a folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    with pytest.raises(GalleryDamaged):
        GalleryWriter(two_shards)
    if file not in ("lock", "blobs"):
        with pytest.raises(GalleryDamaged):
            Gallery(two_shards).references()


@pytest.mark.parametrize("file", ["rows", "removed", "first", "polar"])
def test_a_disk_that_gives_nothing_back_is_told_so_before_it_is_mapped(
    two_shards: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """To touch a mapped page that the disk does not give back ends the process."""
    read = os.pread

    def bad(descriptor: int, size: int, at: int) -> bytes:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == file:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, size, at)

    monkeypatch.setattr(os, "pread", bad)
    with pytest.raises(GalleryDamaged, match=f"{file} cannot be read"):
        Gallery(two_shards).correlate([prepared[0, 0]], thorough=True)


CUT = """
import os, sys
from pathlib import Path
from matcher import GalleryDamaged, GalleryWriter
from tests.matcher.gallery.test_gallery_damage import name, shards

folder = Path(sys.argv[1])
writer = GalleryWriter(folder)
os.truncate(shards(folder)[0] / "rows", 0)
try:
    name(0) in writer
except GalleryDamaged as error:
    print(error)
"""


@pytest.mark.slow
def test_rows_that_are_cut_while_they_are_mapped_do_not_end_the_process(two_shards: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CUT, str(two_shards)], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert (run.returncode, "holds 0 bytes" in run.stdout) == (0, True), run.stderr


def test_rows_that_were_cut_are_not_filled_with_zeros(two_shards: Path, prepared: Scans) -> None:
    writer = GalleryWriter(two_shards)
    writer.close()
    rows = shards(two_shards)[0] / "rows"
    os.truncate(rows, 10)
    with pytest.raises(GalleryDamaged):
        writer.reopen()
    assert rows.stat().st_size == 10


def test_a_manifest_that_is_gone_is_damage_and_no_new_gallery(two_shards: Path) -> None:
    """An empty gallery would find nothing, and nobody would know why."""
    writer = GalleryWriter(two_shards)
    writer.close()
    next(two_shards.rglob("manifest")).unlink()
    with pytest.raises(GalleryDamaged, match="is missing"):
        GalleryWriter(two_shards)
    (two_shards / "current").unlink()
    with pytest.raises(GalleryDamaged, match="is missing"):
        writer.reopen()


def test_what_is_left_of_another_generation_is_deleted_and_what_is_no_shard(two_shards: Path) -> None:
    """A kill in the middle of the deletion may have taken the manifest first."""
    left = two_shards / "0123-3" / "shard-1"
    left.mkdir(parents=True)
    (left / "blobs").write_bytes(b"left")
    generation = Generation.of(two_shards, DEFAULT_PARAMETERS.digest)
    (generation.folder / "shard-file").write_bytes(b"left")
    (generation.folder / "shard-link").symlink_to(two_shards.parent)
    with GalleryWriter(two_shards) as writer:
        writer.delete_others()
    assert b"left" not in stored(two_shards)
    assert two_shards.parent.is_dir()
    assert len(Gallery(two_shards)) == 5


def compacted(folder: Path, number: int) -> None:
    """What is replaced is deleted at once, as an erasure does."""
    with GalleryWriter(folder) as writer:
        writer.remove([name(number)])
        writer.compact(0.0)
        writer.erase([])


def test_shards_that_are_compacted_away_again_and_again_are_not_damage(
    two_shards: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node would empty the gallery, and fill it for hours."""
    first_pass, numbers = tasks.first_pass, [0, 2, 4, 5]

    def late(*arguments: Any) -> Any:
        if numbers:
            compacted(two_shards, numbers.pop())
        return first_pass(*arguments)

    monkeypatch.setattr(query, "first_pass", late)
    [found] = Gallery(two_shards).correlate([prepared[0, 0]])
    assert (found.searched, found.damaged) == (1, ())


def test_a_shard_that_is_compacted_away_while_it_is_verified_is_not_damage(
    two_shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, first = Shard.head, shards(two_shards)[0]

    def late(shard: Shard) -> tuple[int, int]:
        told = head(shard)
        if shard.folder == first:
            monkeypatch.setattr(Shard, "head", head)
            compacted(two_shards, 0)
        return told

    monkeypatch.setattr(Shard, "head", late)
    assert Gallery(two_shards).verify({first.name}) == ()
    assert not first.exists()


def test_on_a_full_disk_that_shard_is_compacted_of_which_nothing_is_copied(
    two_shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GalleryWriter(two_shards) as writer:
        writer.remove([name(4), name(5)])
        first, second = shards(two_shards)
        monkeypatch.setattr(growing.GrowingShard, "append", _full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                writer.compact(0.0)
        assert shards(two_shards) == [first]
        assert not second.exists(), "it is given back to the disk"


@pytest.mark.slow
def test_a_query_keeps_no_more_files_open_than_are_allowed_for(tmp_path: Path, prepared: Scans) -> None:
    scan, shards = prepared[0, 0], 30
    rng = np.random.default_rng(3)
    with GalleryWriter(tmp_path) as writer:
        for number in range(SHARD * shards):
            drawn = rng.integers(-40, 41, scan.descriptor.shape, dtype=np.int8)
            writer.append([(reference(number), replace(scan, descriptor=drawn))])
        writer.remove([name(number) for number in range(0, SHARD * shards, SHARD)])
    before = len(list(Path("/proc/self/fd").iterdir()))
    gallery = Gallery(tmp_path)
    gallery.correlate([scan], thorough=True)
    held = len(list(Path("/proc/self/fd").iterdir())) - before
    assert 6 * shards < held <= files._FILES_OF_A_SHARD * shards
