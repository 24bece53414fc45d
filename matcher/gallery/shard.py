"""One shard of a gallery: a folder of files that only grow.

    rows         one ``ROW`` a reference, each with its number and checksum
    <column>     one file for each of ``COLUMNS``: fixed size a reference
    blobs        what a search needs of each prepared scan beside the columns, one after the other
    removed      one ``_REMOVED`` for each reference that was taken out
    head         how many rows and removals are in force, twice: the point at which a change takes effect

The checksums of rows, removals and head begin with the shard's name: a file of another shard is found out.

What lies behind the head's counts is no part of the shard.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.areal.prepared import Prepared
from matcher.errors import GalleryDamaged
from matcher.gallery.files import damaged, telling_of_spoilt
from matcher.gallery.schema import COLUMNS, ROW, Column

CAPACITY = 16_384
"""References in a shard: 0.3 GB, copied in a second or two when it is compacted; the unit of work of a first pass."""

HEAD = struct.Struct("<8s2I12xI")
HEAD_MAGIC = b"FFPgall1"
REMOVED = np.dtype([("row", "<u4"), ("number", "<u4"), ("crc", "<u4")])


class Shard:
    """Reading one shard. Objects keep files mapped; what has been checked once is not checked again.

    Raises ``GalleryDamaged`` where a file is shorter than the head says, or a row or removal is not what was
    written; ``FileNotFoundError`` where the shard is gone (compacted away).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seed = seed_of(folder)
        self._maps: dict[str, tuple[mmap.mmap, NDArray[np.uint8]]] = {}
        self._checked = {column.name: np.zeros(CAPACITY, np.bool_) for column in COLUMNS}
        self._rows_checked = self._removals_checked = 0

    def head(self) -> tuple[int, int]:
        """How many rows and removals are in force now."""
        with telling_of_spoilt(self.folder / "head"):
            content = (self.folder / "head").read_bytes()
        if len(content) == 2 * HEAD.size:
            for copy in (content[: HEAD.size], content[HEAD.size :]):
                magic, rows, removed, crc = HEAD.unpack(copy)
                if magic == HEAD_MAGIC and crc == zlib.crc32(copy[:-4], self.seed) and rows <= CAPACITY:
                    return rows, removed
        raise damaged(self.folder / "head", "does not agree with its checksum")

    def rows(self, count: int) -> NDArray[np.void]:
        """The first rows, checked: (count,) of ``ROW``."""
        rows = self._map("rows", count * ROW.itemsize).view(ROW)
        if count > self._rows_checked:
            self._check("rows", rows, self._rows_checked)
            self._rows_checked = count
        return rows

    def live(self, rows: int, removed: int) -> NDArray[np.bool_]:
        """Which of the first rows are not removed: (rows,)."""
        live = np.ones(rows, np.bool_)
        live[self.removals(removed)["row"]] = False
        return live

    def removals(self, count: int) -> NDArray[np.void]:
        """The first removals, checked: (count,) of ``REMOVED``."""
        removals = self._map("removed", count * REMOVED.itemsize).view(REMOVED)
        if count > self._removals_checked:
            self._check("removed", removals, self._removals_checked)
            self._removals_checked = count
        return removals

    def column(self, column: Column, count: int) -> NDArray[np.int8]:
        """A column of the first rows, not checked: int8 (count, *shape), memory-mapped."""
        values = self._map(column.name, count * column.row_bytes).view(np.int8)
        return values.reshape(count, *column.shape)

    def altered(self, columns: Sequence[Column], rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Those of the given rows of which a column is not what was written. A process looks once at each."""
        return np.unique(np.concatenate([self._altered(column, rows, count) for column in columns]))

    def scan(self, row: int) -> Prepared:
        """A reference as far as a search needs it, without its fine grid. Where it is not what was written, raises
        ``GalleryDamaged`` or ``ScanRefused``, the latter also when its coarse grid is asked for."""
        columns = b"".join(self.column(column, row + 1)[row].tobytes() for column in COLUMNS)
        return Prepared.from_searched_bytes(self.blob(row), columns)

    def blob(self, row: int) -> bytes:
        """What is kept beside a reference's columns. Raises ``GalleryDamaged`` where it is not what was written."""
        rows = self._map("rows", (row + 1) * ROW.itemsize).view(ROW)
        if row >= self._rows_checked and not is_good(rows, row, self.seed):
            raise damaged(self.folder / "rows", f"is altered at row {row}")
        entry = rows[row]
        with telling_of_spoilt(self.folder / "blobs"):
            data = os.pread(self._blobs, int(entry["blob_bytes"]), int(entry["blob_at"]))
        if zlib.crc32(data) != entry["blob_crc"]:
            raise damaged(self.folder / "blobs", f"is altered at row {row}")
        return data

    def _altered(self, column: Column, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        checked = self._checked[column.name]
        unchecked = rows[~checked[rows]]
        if len(unchecked):
            self._map(column.name, count * column.row_bytes)
            expected = self.rows(count)["column_crcs"][:, COLUMNS.index(column)]
            size = column.row_bytes
            with self._read(column.name) as read:
                good = [zlib.crc32(read(size, row * size)) == expected[row] for row in unchecked.tolist()]
            checked[unchecked[good]] = True
            unchecked = unchecked[~np.array(good)]
        return unchecked

    @cached_property
    def _blobs(self) -> int:
        descriptor = os.open(self.folder / "blobs", os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        return descriptor

    def _map(self, name: str, size: int) -> NDArray[np.uint8]:
        """The first bytes of a file, mapped; mapped anew when the shard has grown."""
        if size == 0:
            return np.empty(0, np.uint8)
        known = self._maps.get(name)
        if known is None or len(known[1]) < size:
            path = self.folder / name
            with telling_of_spoilt(path), path.open("rb") as file:
                if (length := os.fstat(file.fileno()).st_size) < size:
                    raise _short(path, length, size)
                mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
            known = self._maps[name] = mapped, np.frombuffer(mapped, np.uint8)
        elif (length := known[0].size()) < size:  # cut since: to touch what is gone would end this process
            raise _short(self.folder / name, length, size)
        return known[1][:size]

    def _check(self, name: str, entries: NDArray[np.void], start: int) -> None:
        """Entries from ``start`` on, read before they are touched where they are mapped: a disk that does not give them
        back is told so by a read, and ends a process that has them mapped."""
        size = entries.dtype.itemsize
        with self._read(name) as read:
            content = read((len(entries) - start) * size, start * size)
        if len(content) == (len(entries) - start) * size:
            found = np.frombuffer(content, entries.dtype)
            bad = [start + at for at in range(len(found)) if not is_good(found, at, self.seed, number=start + at)]
            if not bad:
                return
            raise damaged(self.folder / name, f"is altered at entry {bad[0]}")
        raise _short(self.folder / name, start * size + len(content), len(entries) * size)

    @contextmanager
    def _read(self, name: str) -> Iterator[Callable[[int, int], bytes]]:
        """Reads so many bytes from a place of a file."""
        with telling_of_spoilt(self.folder / name), (self.folder / name).open("rb") as file:
            yield partial(os.pread, file.fileno())


def seed_of(folder: Path) -> int:
    """What the checksums of a shard begin with."""
    return zlib.crc32(folder.name.encode())


def is_good(entries: NDArray[np.void], at: int, seed: int, *, number: int | None = None) -> bool:
    """Whether a row, or a removal, is the one that was written at this place of its shard."""
    content = entries[at : at + 1].tobytes()
    expected = at if number is None else number
    return bool(entries["number"][at] == expected and entries["crc"][at] == zlib.crc32(content[:-4], seed))


def _short(path: Path, length: int, size: int) -> GalleryDamaged:
    return damaged(path, f"holds {length} bytes instead of {size}")
