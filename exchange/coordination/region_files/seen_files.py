"""What was read of the files of a folder is kept for as long as each lies there as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

_Found = TypeVar("_Found")
_Known = tuple[str, int, int, int]


class SeenFiles(Generic[_Found]):
    """``read`` is asked once for each file. What it returns is kept: nothing in it may hold the file itself."""

    def __init__(self, read: Callable[[Path], _Found]) -> None:
        self._read = read
        self._seen: dict[_Known, _Found] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def of(self, paths: Iterable[Path]) -> list[_Found]:
        """In their order. What was taken away meanwhile is passed over, and what is not among them is forgotten."""
        found: dict[_Known, _Found] = {}
        for path in paths:
            try:
                stat = path.stat()
                known = path.name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
                found[known] = self._seen[known] if known in self._seen else self._read(path)
            except FileNotFoundError:
                continue
        self._seen = found
        return list(found.values())
