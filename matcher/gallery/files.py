"""Small files that are replaced whole, and what makes writes last."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from matcher.errors import GalleryDamaged

_FILES_OF_A_SHARD, _FILES_BESIDE = 7, 768  # rows twice: of who asks, and of the task

_SPOILT: Final = {
    *(errno.EIO, errno.EUCLEAN, errno.EBADMSG),  # of a disk, and of a file system that found its own damage
    # what stands there is no file, or no folder
    *(errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENODEV, errno.ENXIO, errno.EEXIST),
}


def replace_text(path: Path, text: str) -> None:
    """Write a small text with its checksum. When this returns it is on disk; a reader sees the old or the new one."""
    part = path.with_name(path.name + ".part")
    content = text.encode()
    with part.open("wb") as file:
        file.write(b"%08x\n" % zlib.crc32(content) + content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def read_text(path: Path) -> str:
    """What ``replace_text`` wrote. Raises ``GalleryDamaged`` where it is anything else, OSError where it is missing."""
    with telling_of_spoilt(path):
        checksum, _, content = path.read_bytes().partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(content):
        raise damaged(path, "does not agree with its checksum")
    return content.decode()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last: a new file's name is not on disk before this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """All of the data, however many calls that takes."""
    left = memoryview(data).cast("B")
    while left:
        written = os.pwrite(descriptor, left, offset)
        left, offset = left[written:], offset + written


def damaged(path: Path, what: str) -> GalleryDamaged:
    return GalleryDamaged(f"The gallery's file {path.parent.name}/{path.name} {what}: rebuild the gallery.")


def delete(path: Path) -> None:
    """Whatever it is; of a link the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def telling_of_spoilt(path: Path) -> Iterator[None]:
    """A file that the disk does not give back, or that is no file, is damage. A missing one, one that may not be read
    and a full disk are not: trying again may help."""
    try:
        yield
    except OSError as error:
        if error.errno not in _SPOILT:
            raise
        raise damaged(path, f"cannot be read ({error.strerror})") from error


def allow_open_files(shards: int) -> None:
    """Raise this process's limit of open files as far as it may, to what so many shards take: each file that is mapped
    is one, and the usual 1,024 are used up by 170 shards."""
    wanted = _FILES_BESIDE + _FILES_OF_A_SHARD * shards
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


@contextmanager
def telling_of_missing_files() -> Iterator[None]:
    """A file that the manifest or a head promises and that is not there is damage."""
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(Path(error.filename), "is missing") from error
