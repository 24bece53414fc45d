"""Files of drafts on the disk: ``<folder>/<file id>``, grown piece by piece, and beside each its preview.

Never among the blobs: nobody has signed for them. When ``append`` returns the bytes survive the process; when
``digest`` returns they are on disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from exchange.errors import Conflict, NotFound, StoreFull, StoreUnavailable
from exchange.store.scan.blobs import SET_ASIDE, Arrival

PREVIEW = "png"
LOCK = "lock"


class DraftFiles:
    """One writer a file at a time; ``alone`` lets one request at a time work on one draft."""

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._guard = threading.Lock()
        self._turns: dict[str, tuple[threading.Lock, int]] = {}

    def size(self, file_id: str) -> int:
        """How many bytes are here: where the sender goes on."""
        try:
            return self.path(file_id).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, file_id: str, offset: int, piece: bytes, *, announced: int) -> int:
        """Write a piece at the end; returns the new size.

        Raises Conflict when it does not begin where the file ends, or would make it longer than announced; StoreFull,
        StoreUnavailable.
        """
        with self.alone(file_id):
            here = self.size(file_id)
            if offset != here or here + len(piece) > announced:
                raise Conflict(f"{here} of {announced} bytes are here; go on from there.", code="offset-differs")
            self._check_room()
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                with self.path(file_id).open("ab") as file:
                    file.write(piece)
            except OSError as error:
                raise StoreUnavailable(f"The file cannot be written here ({error.strerror}); try again.") from error
        return here + len(piece)

    def digest(self, file_id: str) -> str:
        """The SHA-256 of what is here, flushed to disk. Raises StoreUnavailable."""
        try:
            with self.path(file_id).open("rb") as file:
                os.fsync(file.fileno())
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise StoreUnavailable(f"The file cannot be read here ({error.strerror}); send it again.") from error

    def arrival(self, file_id: str, limit: int) -> Arrival:
        """The file as one that has arrived, to be given a name among the blobs. Raises NotFound, StoreFull."""
        if not self.path(file_id).is_file():
            raise NotFound("This file is not here any more; send it again.")
        return Arrival(self.path(file_id), limit, self._min_free_bytes, resume=True)

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    def keep_preview(self, file_id: str, picture: bytes, *, plain: bool = False) -> None:
        """``plain``: the one without what was found. Raises StoreUnavailable."""
        target = self._preview(file_id, plain)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            part = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            part.write_bytes(picture)
            part.replace(target)
        except OSError as error:
            raise StoreUnavailable(f"The preview cannot be written here ({error.strerror}); try again.") from error

    def preview(self, file_id: str, *, plain: bool = False) -> bytes:
        """Raises NotFound."""
        try:
            return self._preview(file_id, plain).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("There is no preview of this file yet.") from error

    def erase(self, file_id: str) -> None:
        """What cannot be erased now goes with the next start."""
        for path in self._folder.glob(f"{file_id}*"):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> int:
        """At a start: erase what no draft names. Returns how many files went."""
        unknown = self._unknown(known)
        for file_id in unknown:
            self.erase(file_id)
        return len(unknown)

    def set_aside(self, known: set[str]) -> int:
        """As ``sweep``, into the folder ``set-aside``: the drafts may be those that a database lost when it was set
        back. Returns how many files went. Raises StoreUnavailable."""
        folder, unknown = self._folder / SET_ASIDE, self._unknown(known)
        try:
            for file_id in unknown:
                folder.mkdir(mode=0o700, exist_ok=True)
                for path in self._folder.glob(f"{file_id}*"):
                    path.replace(folder / path.name)
        except OSError as error:
            raise StoreUnavailable(f"Files of lost drafts cannot be set aside ({error.strerror}).") from error
        return len(unknown)

    def _unknown(self, known: set[str]) -> set[str]:
        return {path.name.partition(".")[0] for path in self._folder.glob("*") if path.name != SET_ASIDE} - known

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """While the block runs nobody else is in one of this name, in any process. Raises StoreUnavailable."""
        with self._guard:
            lock, waiting = self._turns.get(name, (threading.Lock(), 0))
            self._turns[name] = lock, waiting + 1
        try:
            with lock, self._locked(name):
                yield
        finally:
            with self._guard:
                lock, waiting = self._turns.pop(name)
                if waiting > 1:
                    self._turns[name] = lock, waiting - 1

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """In front of other processes. The file goes with what it stands beside; whoever waited for one that is gone
        by then begins anew."""
        path = self.path(f"{name}.{LOCK}")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            while True:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_at(path, file):
                    break
                os.close(file)
        except OSError as error:
            raise StoreUnavailable(f"The folder of drafts cannot be used ({error.strerror}); try again.") from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def _preview(self, file_id: str, plain: bool) -> Path:
        return self.path(f"{file_id}.{'plain.' if plain else ''}{PREVIEW}")

    def _check_room(self) -> None:
        try:
            free = shutil.disk_usage(self._folder if self._folder.is_dir() else self._folder.parent).free
        except OSError as error:
            raise StoreUnavailable(f"The folder of drafts cannot be read ({error.strerror}).") from error
        if free < self._min_free_bytes:
            raise StoreFull(f"Only {free // 2**20} MiB are free on this node; the operator frees space. Try again.")


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is the one that has this name, still."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
