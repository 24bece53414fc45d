"""Where the scans of a bulk import lie: a folder, or a zip that is read in place. Nothing outside either is opened."""

from __future__ import annotations

import stat
import zipfile
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Protocol, Self

from exchange.bounded_zip import open_bounded_zip
from exchange.errors import InvalidInput

MAX_ENTRIES = 50_000
"""A laboratory's years; the directory of such a zip has some 5 MB."""
MAX_DIRECTORY_BYTES = 32 * 1024 * 1024
MAX_UNPACKED_RATIO = 200
"""Scans are compressed already; text of points unpacks to 50 times its size."""
RATIO_FROM_BYTES = 16 * 1024 * 1024


class Source(Protocol):
    """``open`` gives a file's bytes; raises InvalidInput for one that is not there or must not be read."""

    def open(self, name: str) -> IO[bytes]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(path: Path) -> Source:
    """Raises InvalidInput when it is neither; OSError."""
    if path.is_dir():
        return FolderSource(path)
    if path.exists() and not path.is_file():
        raise InvalidInput(f"{path.name} is neither a folder nor a zip that can be read.", code="no-zip")
    return ZipSource(path)


class FolderSource:
    """A folder with all below it. A link that leads out of it is not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def open(self, name: str) -> IO[bytes]:
        try:
            path = (self._folder / _inside(name)).resolve()
            if not path.is_relative_to(self._folder) or not path.is_file():
                raise _absent(name)
            return path.open("rb")
        except FileNotFoundError as error:
            raise _absent(name) from error
        except (OSError, RuntimeError) as error:  # not readable, a name that is too long, links that go in a circle
            raise _unreadable(name) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""


class ZipSource:
    """A zip, bounded before any of it is unpacked."""

    def __init__(self, path: Path) -> None:
        self._opened = ExitStack()
        try:
            file = self._opened.enter_context(path.open("rb"))
            self._archive = self._opened.enter_context(open_bounded_zip(file, most_directory_bytes=MAX_DIRECTORY_BYTES))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            self._opened.close()
            raise InvalidInput(f"{path.name} is neither a folder nor a zip that can be read.", code="no-zip") from error
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ENTRIES:
            self._opened.close()
            raise InvalidInput(f"{path.name} has more than {MAX_ENTRIES} files; divide it.", code="zip-too-large")
        self._entries = {entry.filename.replace("\\", "/"): entry for entry in entries}

    def open(self, name: str) -> IO[bytes]:
        entry = self._entries.get(str(_inside(name)))
        if entry is None:
            raise _absent(name)
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 0x1:
            raise InvalidInput(f"{name} is a link or encrypted: pack the file itself.", code="zip-entry-refused")
        most = max(RATIO_FROM_BYTES, MAX_UNPACKED_RATIO * entry.compress_size)
        if entry.file_size > most:
            raise InvalidInput(
                f"{name} unpacks to {MAX_UNPACKED_RATIO} times its size or more.", code="zip-entry-refused"
            )
        try:
            return self._archive.open(entry)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            raise InvalidInput(f"{name} is damaged in the zip.", code="zip-entry-refused") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


def _inside(name: str) -> PurePosixPath:
    """A relative path that does not lead upwards. Raises InvalidInput."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
        raise InvalidInput(f"'{name[:100]}' is no path within the folder or zip.", code="path-refused")
    return path


def _absent(name: str) -> InvalidInput:
    return InvalidInput(f"There is no file '{name[:100]}'.", code="file-absent")


def _unreadable(name: str) -> InvalidInput:
    return InvalidInput(f"The file '{name[:100]}' cannot be read.", code="file-unreadable")
