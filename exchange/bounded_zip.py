"""Open a zip of somebody else's: Python reads its directory whole, some ten times its size in memory, so it is bounded.

The bound holds for whatever the file states about its directory, in either of the two records at its end (zip64 has
one of its own): it is a bound on what is read while the zip is opened.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


@contextmanager
def open_bounded_zip(file: IO[bytes], *, most_directory_bytes: int) -> Iterator[zipfile.ZipFile]:
    """Raises what `zipfile` raises, and BadZipFile for a directory beyond the bound."""
    bounded = _BoundedFile(file, max(most_directory_bytes, _MOST_END_BYTES))
    with zipfile.ZipFile(bounded) as archive:
        bounded.most = None
        yield archive


_MOST_END_BYTES = 1 << 17
"""The end of the file is looked through for its record and a comment: 64 KiB and some bytes."""


class _BoundedFile(io.RawIOBase):
    """Refuse to read more than ``most`` bytes at once, while it is a number."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self.most: int | None = most

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is not None and size is not None and size > self.most:
            raise zipfile.BadZipFile("the directory is larger than any that is read")
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
