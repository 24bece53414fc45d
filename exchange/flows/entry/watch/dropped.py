"""What lies in a watched folder, and since when each file is at rest. Looked at by reading the folder, since a share on
the network tells nobody of a change.

Only regular files that lie in the folder itself are opened, and no link is followed.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from exchange.errors import ConfigurationError

SCAN_SUFFIXES: Final = (".x3p", ".png", ".tif", ".tiff", ".jpg", ".jpeg")
SIDECAR_SUFFIXES: Final = (".json", ".csv")
_LOOKED_AT: Final = SCAN_SUFFIXES + SIDECAR_SUFFIXES
MAX_LOOKED_AT = 50_000
"""Scans and sidecars of one look; as many as a zip of the import may have."""
OF_THE_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP})
"""Why one file cannot be read for itself. Whatever else a system says tells of the disk or the share, and nothing of a
scan: that is read when the share is back."""
MAX_NAME_BYTES = 200
"""So that a report may be named after it."""


@dataclass(frozen=True)
class FolderEntry:
    """One name in the folder, as it was when it was looked at. ``changed_at``: by the share's clock, whatever was done
    to the file last; in seconds since 1970."""

    name: str
    regular: bool
    size: int
    mtime_ns: int
    changed_at: float

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def is_scan(self) -> bool:
        return self.suffix in SCAN_SUFFIXES and not self.is_unfinished

    @property
    def is_sidecar(self) -> bool:
        return self.suffix in SIDECAR_SUFFIXES and self.regular and not self.is_unfinished

    @property
    def is_unfinished(self) -> bool:
        """Under a name that programs give to what they are still at."""
        return self.name.startswith((".", "~"))

    @property
    def fault(self) -> str | None:
        """Why it is never opened; None where it may be."""
        if not self.name.isprintable() or len(os.fsencode(self.name)) > MAX_NAME_BYTES:
            return f"Its name has characters that do not print, or more than {MAX_NAME_BYTES} bytes: rename it."
        if not self.regular:
            return "It is no file of its own, but a folder, a link or a device: put the scan itself here."
        return None


class FileChanged(Exception):
    """It is not what was looked at any more: somebody is at it. It is looked at again."""


class DropFolder:
    """An open folder. ``more``: it has more scans and sidecars than are looked at."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self.descriptor, self.more = path, descriptor, False

    def look(self) -> dict[str, FolderEntry]:
        """Its scans and sidecars by name, in the order of their names. What vanishes meanwhile is left out."""
        found: dict[str, FolderEntry] = {}
        for name in self._names():
            try:
                seen = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            except OSError:
                continue
            changed_at = max(seen.st_mtime, seen.st_ctime)
            regular = stat.S_ISREG(seen.st_mode)
            found[name] = FolderEntry(name, regular, seen.st_size, seen.st_mtime_ns, changed_at)
        return found

    def _names(self) -> list[str]:
        """Where there are more than are looked at, those that come first by name, whatever order the folder gives them
        in, and none without what is named as it: a scan whose sidecar were not seen would be refused for want of it."""
        with os.scandir(self.descriptor) as entries:
            names = (each.name for each in entries if each.name.lower().endswith(_LOOKED_AT))  # others lie for years
            first = heapq.nsmallest(MAX_LOOKED_AT + 1, ((_bare(name), name) for name in names))
        self.more = len(first) > MAX_LOOKED_AT
        if self.more:
            beyond, _ = first[-1]
            first = [pair for pair in first if pair[0] != beyond]
        return sorted(name for _, name in first)

    @contextmanager
    def open(self, entry: FolderEntry) -> Iterator[IO[bytes]]:
        """Its bytes. Raises FileChanged when it is another than was looked at, OSError."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for
        try:
            descriptor = os.open(entry.name, flags, dir_fd=self.descriptor)
        except FileNotFoundError as error:
            raise FileChanged(entry.name) from error
        with os.fdopen(descriptor, "rb") as file:
            self.check(file, entry)
            yield file

    def check(self, file: IO[bytes], entry: FolderEntry) -> None:
        """An open file is still what was looked at. Raises FileChanged."""
        seen = os.fstat(file.fileno())
        if not stat.S_ISREG(seen.st_mode) or (seen.st_size, seen.st_mtime_ns) != (entry.size, entry.mtime_ns):
            raise FileChanged(entry.name)


def _bare(name: str) -> str:
    """What the names of a scan and of its sidecar have in common: ``1-1`` of ``1-1.x3p``, ``1-1.json`` and
    ``1-1.x3p.json``."""
    while name.lower().endswith(_LOOKED_AT):
        name = name[: name.rindex(".")]
    return name


@contextmanager
def open_folder(path: Path) -> Iterator[DropFolder]:
    """Opened anew for each look: a share may have been away. Raises OSError, ConfigurationError of what is no
    folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except NotADirectoryError as error:
        raise ConfigurationError(f"{path} is no folder.") from error
    try:
        yield DropFolder(path, descriptor)
    finally:
        os.close(descriptor)


class Settling:
    """Since when each entry is unchanged, as far as this process has seen."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[FolderEntry, float]] = {}

    def note(self, looked: dict[str, FolderEntry]) -> None:
        """What is gone is forgotten; what has another size or time is new."""
        at = time.monotonic()
        before, self._since = self._since, {}
        for name, entry in looked.items():
            was, since = before.get(name, (None, at))
            same = was is not None and (was.size, was.mtime_ns) == (entry.size, entry.mtime_ns)
            self._since[name] = (entry, since if same else at)

    def quiet_s(self, entry: FolderEntry) -> float:
        """For how long it was seen unchanged."""
        _, since = self._since.get(entry.name, (entry, time.monotonic()))
        return time.monotonic() - since
