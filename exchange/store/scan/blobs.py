"""Scans and images in a folder, named by their SHA-256.

When ``keep`` returns, the bytes and their name are on disk. A name that exists always has its whole content:
bytes arrive under ``incoming`` and are renamed only when their digest is known.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from exchange.errors import DigestDiffers, NotFound, StoreFull, StoreUnavailable, TooLarge

SET_ASIDE = "set-aside"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Arrival:
    """One file on its way in: written and hashed piece by piece, gone when its block ends unless kept.

    ``limit`` is the most bytes it may have, ``reserve`` how many must stay free on the disk; ``resume`` goes on after
    what an earlier attempt left behind. Begin one with ``BlobFolder.arrival``.
    """

    def __init__(self, path: Path, limit: int, reserve: int, *, resume: bool = False) -> None:
        self.path = path
        self._limit = limit
        self._reserve = reserve
        self._keep_part = resume
        self._hash = hashlib.sha256()
        self.size = 0
        self.kept = False
        self._check_room()
        try:
            self._file = path.open("ab" if resume else "xb")
            try:
                self._be_alone()
                if resume:
                    self._rehash()
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise _unavailable(error) from error

    def write(self, piece: bytes) -> None:
        """Raises TooLarge past the limit, StoreFull when the disk is, or its reserve is reached."""
        self.size += len(piece)
        if self.size > self._limit:
            self._keep_part = False
            raise TooLarge(f"A file may have at most {self._limit} bytes; crop the scan to its region of interest.")
        self._check_room()
        self._hash.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise _unavailable(error) from error

    def finish(self) -> str:
        """Flush to disk and return the SHA-256 in hexadecimal."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unavailable(error) from error
        return self._hash.hexdigest()

    def verify(self, sha256: str) -> None:
        """It has come whole. Raises DigestDiffers when it is another; a later attempt begins anew then."""
        found = self.finish()
        if found != sha256:
            self.discard()
            raise DigestDiffers(f"The bytes have the SHA-256 {found}, not {sha256} as announced.")

    def rewind(self, offset: int) -> None:
        """Go on writing at ``offset``: where the sender really begins, which is 0 when it cannot resume."""
        if offset not in (0, self.size):
            raise DigestDiffers(f"The sender begins at byte {offset}; {self.size} are here.")
        if offset != self.size:
            self._file.truncate(0)
            self._hash, self.size = hashlib.sha256(), 0

    def discard(self) -> None:
        """What arrived is wrong: a later attempt begins anew."""
        self._keep_part = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # what could not be written is not kept, or refused by its digest later
            self._file.close()
        if not self.kept and not self._keep_part:
            with contextlib.suppress(OSError):  # cleared away at the next start; it must not hide why this one ended
                self.path.unlink(missing_ok=True)

    def _be_alone(self) -> None:
        """Two that write to one part would leave neither's bytes. A worker whose lease ran out may be at it still."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreUnavailable("Another worker is receiving this file still; tried again later.") from error
        if not self.path.exists() or not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat()):
            raise StoreUnavailable("Another worker has just received this file; tried again later.")

    def _check_room(self) -> None:
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            raise _unavailable(error) from error
        if free < self._reserve:
            raise StoreFull(
                f"Only {free // 2**20} MiB are free on this node, {self._reserve // 2**20} MiB are kept in reserve; "
                "nothing was stored. Free space and send again."
            )

    def _rehash(self) -> None:
        with self.path.open("rb") as part:
            while piece := part.read(1 << 20):
                self._hash.update(piece)
                self.size += len(piece)


class BlobFolder:
    """``<folder>/ab/abcdef...``; ``incoming`` must lie on the same file system, for the rename to be atomic."""

    def __init__(self, folder: Path, incoming: Path, *, min_free_bytes: int) -> None:
        self._folder = folder
        self._incoming = incoming
        self._min_free_bytes = min_free_bytes

    def arrival(self, name: str, limit: int, *, resume: bool = False) -> Arrival:
        """Begin to receive a file. Raises StoreFull when too little space is left, StoreUnavailable on another fault
        of the disk."""
        return Arrival(self._incoming / name, limit, self._min_free_bytes, resume=resume)

    def check(self) -> None:
        """Whether a scan could be stored now. Raises StoreFull, StoreUnavailable."""
        with self.arrival(f"ready-{secrets.token_hex(8)}", 0):
            if not (self._folder.is_dir() and os.access(self._folder, os.W_OK | os.X_OK)):
                raise StoreUnavailable("The folder of the scans is gone or cannot be written.")

    def keep(self, arrival: Arrival, sha256: str) -> Path:
        """Give a finished arrival its name. Keeping what is there already changes nothing.

        Raises DigestDiffers when the bytes are not those of ``sha256``, StoreUnavailable on a fault of the disk.
        """
        target = self._path(sha256)
        _keep(arrival, sha256, target)
        return target

    def holds(self, sha256: str) -> bool:
        """Whether the scan is here."""
        return self._path(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Where a blob lies. Raises NotFound when it is not here."""
        path = self._path(sha256)
        if not path.is_file():
            raise NotFound(f"The scan {sha256} is not on this node.")
        return path

    def size(self, sha256: str) -> int:
        """In bytes. Raises NotFound when it is not here."""
        return self.path(sha256).stat().st_size

    def digest(self, sha256: str) -> tuple[str, int]:
        """The SHA-256 and the size of what is there now under this name. Raises NotFound, OSError."""
        digest, length = hashlib.sha256(), 0
        with self.path(sha256).open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
                length += len(piece)
        return digest.hexdigest(), length

    def remove(self, sha256: str) -> None:
        """Erase a blob; nothing happens when it is not here. Raises StoreUnavailable on a fault of the disk."""
        path = self._path(sha256)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync_folder(path.parent)
        except OSError as error:
            raise StoreUnavailable(f"The scan {sha256} cannot be erased ({error.strerror}); tried again.") from error

    def sweep(self, referenced: set[str]) -> tuple[int, int]:
        """Remove what a crash left behind: blobs that no committed record names. Returns how many went, and how many
        could not be removed: they take space and do no harm."""
        orphans = [path for path in self._folder.glob("??/*") if path.name not in referenced]
        removed = 0
        for path in orphans:
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
        return removed, len(orphans) - removed

    def set_aside(self, referenced: set[str]) -> int:
        """Move blobs that no record names into the folder ``set-aside``, where nothing erases them: after a restore
        their records may be lost. Returns how many. Raises StoreUnavailable on a fault of the disk."""
        orphans = [path for path in self._folder.glob("??/*") if path.name not in referenced]
        folder = self._folder / SET_ASIDE
        try:
            for path in orphans:
                folder.mkdir(mode=0o700, exist_ok=True)
                path.replace(folder / path.name)
            for touched in {folder, *(path.parent for path in orphans)} if orphans else ():
                _sync_folder(touched)
        except OSError as error:
            raise _unavailable(error) from error
        return len(orphans)

    def all_set_aside(self) -> list[Path]:
        return sorted((self._folder / SET_ASIDE).glob("*"))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


class QueryScans:
    """Scans with which peers ask: ``<folder>/<statement id of the query>``, and beside each whatever is made of it,
    under names that begin the same. Never among the blobs: no record names them, and nobody is given them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, arrival: Arrival, query: str, sha256: str) -> None:
        """As ``BlobFolder.keep``, under the query's name."""
        _keep(arrival, sha256, self.path(query))

    def path(self, query: str) -> Path:
        return self._folder / query

    def beside(self, query: str, name: str) -> Path:
        """Where something that is made of it may lie."""
        return self._folder / f"{query}.{name}"

    def erase(self, query: str) -> None:
        """When this has returned, nothing of it is left. Raises StoreUnavailable on a fault of the disk."""
        try:
            found = list(self._folder.glob(f"{query}*"))
            for path in found:
                path.unlink(missing_ok=True)
            if found:
                _sync_folder(self._folder)
        except OSError as error:
            raise StoreUnavailable(
                f"The scan of a query cannot be erased ({error.strerror}); the operator mends the folder. Tried again."
            ) from error

    def sweep(self, open_queries: set[str]) -> None:
        """At a start: erase what a crash left behind of queries that are answered, or were never stored."""
        names = {path.name.partition(".")[0] for path in self._folder.glob("*")}
        for query in sorted(names - open_queries):
            self.erase(query)


def _keep(arrival: Arrival, sha256: str, target: Path) -> None:
    """Raises DigestDiffers when the bytes are not those of ``sha256``, StoreUnavailable on a fault of the disk."""
    arrival.verify(sha256)
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        arrival.path.replace(target)
        arrival.kept = True
        for folder in (target.parent, target.parent.parent):
            _sync_folder(folder)
    except OSError as error:
        raise _unavailable(error) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(error: OSError) -> StoreUnavailable:
    if error.errno in _FULL:
        return StoreFull("The disk is full; nothing was stored. Free space and send again.")
    return StoreUnavailable(
        f"The scan cannot be written here ({error.strerror}); nothing was stored. The operator mends the folder."
    )
