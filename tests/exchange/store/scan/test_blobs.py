"""The blob folder: whole or not there, whatever breaks in between."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.errors import DigestDiffers, NotFound, StoreFull, StoreUnavailable, TooLarge
from exchange.store.scan.blobs import BlobFolder

CONTENT = b"heights" * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("blobs", "incoming"):
        (tmp_path / name).mkdir()
    return tmp_path / "blobs", tmp_path / "incoming"


@pytest.fixture
def blobs(folders: tuple[Path, Path]) -> BlobFolder:
    return BlobFolder(*folders, min_free_bytes=1)


def receive(blobs: BlobFolder, *pieces: bytes, name: str = "one", limit: int = 10**6, digest: str = DIGEST) -> None:
    """As the flows do it: whatever breaks off, breaks off inside the block."""
    with blobs.arrival(name, limit, resume=name.endswith(".part")) as arrival:
        for piece in pieces:
            arrival.write(piece)
        blobs.keep(arrival, digest)


def receive_in_part(blobs: BlobFolder, size: int) -> None:
    with blobs.arrival("one.part", 10**6, resume=True) as arrival:
        arrival.write(CONTENT[:size])
        raise ConnectionError


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_kept_under_its_digest(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    with blobs.arrival("one", 10**6) as arrival:
        for start in range(0, len(CONTENT), 1000):
            arrival.write(CONTENT[start : start + 1000])
        assert files(folders[0]) == {}, "no name before the whole content"
        path = blobs.keep(arrival, DIGEST)
    assert path == blobs.path(DIGEST)
    assert (files(folders[0]), files(folders[1])) == ({DIGEST: CONTENT}, {})


def test_keeping_it_again_changes_nothing(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    for name in ("one", "two"):
        receive(blobs, CONTENT, name=name)
    assert (files(folders[0]), files(folders[1])) == ({DIGEST: CONTENT}, {})


def test_other_bytes_than_announced(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    with pytest.raises(DigestDiffers, match=DIGEST):
        receive(blobs, CONTENT[:-1] + b"X", name="one.part")
    assert (files(folders[0]), files(folders[1])) == ({}, {}), "not even as a part to go on from"


def test_what_is_not_kept_is_gone(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    with blobs.arrival("one", 10**6) as arrival:
        arrival.write(CONTENT)
        arrival.finish()
    assert files(folders[1]) == {}


def test_more_than_the_limit(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    with pytest.raises(TooLarge, match="1000"):
        receive(blobs, CONTENT[:1000], b"!", name="one.part", limit=1000)
    assert files(folders[1]) == {}


def test_going_on_where_it_broke_off(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    with pytest.raises(ConnectionError):
        receive_in_part(blobs, 7000)
    assert len(files(folders[1])["one.part"]) == 7000
    with blobs.arrival("one.part", 10**6, resume=True) as arrival:
        assert arrival.size == 7000
        arrival.rewind(7000)
        arrival.write(CONTENT[7000:])
        blobs.keep(arrival, DIGEST)
    assert files(folders[0]) == {DIGEST: CONTENT}


def test_a_sender_that_cannot_go_on_begins_anew(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    (folders[1] / "one.part").write_bytes(b"rubbish of an earlier attempt")
    with blobs.arrival("one.part", 10**6, resume=True) as arrival:
        arrival.rewind(0)
        arrival.write(CONTENT)
        blobs.keep(arrival, DIGEST)
    assert files(folders[0]) == {DIGEST: CONTENT}


def test_a_sender_that_begins_elsewhere(blobs: BlobFolder) -> None:
    with blobs.arrival("one.part", 10**6, resume=True) as arrival:
        arrival.write(CONTENT[:100])
        with pytest.raises(DigestDiffers, match="50"):
            arrival.rewind(50)


def test_two_arrivals_never_share_a_file(blobs: BlobFolder) -> None:
    with blobs.arrival("one", 10), pytest.raises(StoreUnavailable):
        blobs.arrival("one", 10)


def test_what_is_not_here(blobs: BlobFolder) -> None:
    with pytest.raises(NotFound):
        blobs.path(DIGEST)


def test_the_sweep_removes_what_no_record_names(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    for content in (CONTENT, b"orphan"):
        receive(blobs, content, digest=hashlib.sha256(content).hexdigest())
    assert blobs.sweep({DIGEST}) == (1, 0)
    assert files(folders[0]) == {DIGEST: CONTENT}
    assert blobs.sweep({DIGEST}) == (0, 0)


def test_the_store_survives_a_failed_clean_up(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    """What cannot be removed stays; the rest is removed, the refusal is the one that was meant, and scans are taken."""
    stuck = folders[0] / "ab" / "a-folder-cannot-be-unlinked"
    stuck.mkdir(parents=True)
    receive(blobs, b"orphan", digest=hashlib.sha256(b"orphan").hexdigest())
    assert blobs.sweep(set()) == (1, 1)
    assert stuck.is_dir()

    arrival = blobs.arrival("too-much", 4)
    arrival.path.unlink()
    arrival.path.mkdir()
    with pytest.raises(TooLarge), arrival:
        arrival.write(b"more than four")
    receive(blobs, CONTENT, digest=DIGEST)
    assert blobs.path(DIGEST).read_bytes() == CONTENT


def test_the_reserve(folders: tuple[Path, Path]) -> None:
    full = BlobFolder(*folders, min_free_bytes=2**60)
    with pytest.raises(StoreFull, match="reserve"):
        full.arrival("one", 10)
    with pytest.raises(StoreFull):
        full.check()
    assert files(folders[1]) == {}


def test_the_reserve_holds_while_a_scan_arrives(folders: tuple[Path, Path]) -> None:
    """The reserve here is all that is free, less 8 MiB: the scan that comes would take more."""
    disk = os.statvfs(folders[1])
    blobs = BlobFolder(*folders, min_free_bytes=disk.f_bavail * disk.f_frsize - (8 << 20))
    with pytest.raises(StoreFull):
        receive(blobs, *[bytes(1 << 20)] * 640, limit=1 << 30)
    assert files(folders[1]) == {}


@pytest.mark.parametrize("missing", ["blobs", "incoming"])
def test_a_folder_that_went_away(blobs: BlobFolder, tmp_path: Path, missing: str) -> None:
    (tmp_path / missing).rmdir()
    with pytest.raises(StoreUnavailable):
        blobs.check()
    with pytest.raises(StoreUnavailable):
        receive(blobs, CONTENT)
    assert not (tmp_path / missing).exists()


FILLS_THE_DISK = """
import hashlib, resource, sys
from pathlib import Path
from exchange.errors import StoreFull
from exchange.store.scan.blobs import BlobFolder

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
blobs = BlobFolder(Path(sys.argv[1]), Path(sys.argv[2]), min_free_bytes=1)
size = int(sys.argv[3])
try:
    with blobs.arrival("one", 10**9) as arrival:
        for start in range(0, size, 1000):
            arrival.write(bytes(min(1000, size - start)))
        blobs.keep(arrival, hashlib.sha256(bytes(size)).hexdigest())
except StoreFull:
    print("full")
else:
    print("kept")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("size", "answer"), [(100_000, "kept"), (100_001, "full"), (900_000, "full")])
def test_a_disk_that_takes_no_more(folders: tuple[Path, Path], size: int, answer: str) -> None:
    """In a process whose files may not grow: the same refusal that a full disk gives, at a write or the last flush."""
    run = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, *map(str, folders), str(size)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert run.stdout == f"{answer}\n"
    assert files(folders[1]) == {}
    assert len(files(folders[0])) == (answer == "kept")


def test_a_part_is_written_by_one_worker_at_a_time(blobs: BlobFolder, folders: tuple[Path, Path]) -> None:
    """One whose lease ran out may be at it still: neither's bytes would be left."""
    half = len(CONTENT) // 2
    with blobs.arrival("one.part", 10**6, resume=True) as slow:
        slow.write(CONTENT[:half])
        with pytest.raises(StoreUnavailable, match="receiving this file still"):
            blobs.arrival("one.part", 10**6, resume=True)
        slow.write(CONTENT[half:])
        blobs.keep(slow, DIGEST)
    assert blobs.path(DIGEST).read_bytes() == CONTENT
    assert list(folders[1].iterdir()) == []
