"""Writing one shard: appending, removing, and taking up what a crash left behind."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.gallery.files import damaged, sync_folder, telling_of_spoilt, write_at
from matcher.gallery.schema import COLUMNS, ROW
from matcher.gallery.shard import (
    CAPACITY,
    HEAD,
    HEAD_MAGIC,
    REMOVED,
    Shard,
    is_good,
    seed_of,
)

_DATA = ("blobs", *(column.name for column in COLUMNS))
_FILES = ("rows", "removed", *_DATA)


@dataclass(frozen=True)
class Batch:
    """References on their way into a shard, all parts in the same order.

    ``rows``: ``ROW``, with name, labels and day filled in; ``columns``: int8 (n, *shape), one for each of ``COLUMNS``;
    ``blobs``: of each prepared scan what a search needs beside the columns.
    """

    rows: NDArray[np.void]
    columns: Sequence[NDArray[np.int8]]
    blobs: Sequence[bytes]

    def part(self, start: int, stop: int) -> Batch:
        columns = [column[start:stop] for column in self.columns]
        return Batch(self.rows[start:stop], columns, self.blobs[start:stop])


class GrowingShard:
    """The one writer of a shard; the caller sees to it that there is no other.

    What ``append`` or ``remove`` has returned from survives a kill at any moment and a loss of power: data first
    (fdatasync), then the rows that point to them (fdatasync), then the head. What they have not returned from is
    there whole or not at all. On any ``OSError`` nothing has changed, and the same call may be tried again.

    ``live``: which rows are not removed. Files are open while something is written: an archive has many shards.
    """

    def __init__(self, folder: Path) -> None:
        """Open a shard, and bring into force rows that were on disk when the last writer died before its head.

        Raises ``GalleryDamaged`` where rows or removals in force are not what was written.
        """
        self.reader = Shard(folder)
        self.count = self.removed = self._blob_end = 0
        self.live = np.zeros(0, np.bool_)
        self.catch_up()

    @staticmethod
    def create(folder: Path) -> GrowingShard:
        """An empty shard. When this returns its files are on disk."""
        folder.mkdir()
        for name in _FILES:
            (folder / name).touch()
        with (folder / "head").open("wb") as file:
            file.write(2 * _head(0, 0, seed_of(folder)))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)
        sync_folder(folder.parent)
        return GrowingShard(folder)

    @property
    def room(self) -> int:
        return CAPACITY - self.count

    @property
    def names(self) -> NDArray[np.void]:
        """(count,) of V32; of a row that was erased, zeros."""
        names: NDArray[np.void] = self.reader.rows(self.count)["reference"]
        return names

    def catch_up(self) -> None:
        """Take in what another writer has added and removed since this one last looked, and what one that died left
        behind its head. Costs as much as there is of that."""
        count, removed = self.count, self.removed
        self.count, self.removed = self.reader.head()
        if (self.count, self.removed) != (count, removed):
            self._take_in(count, removed)
        elif self._ends_at_head():
            return
        with self._opened(*_FILES, "head") as files:
            count, removed = self.count, self.removed
            if self._take_up(files):
                self._take_in(count, removed)

    def append(self, batch: Batch) -> None:
        """Add references behind the last one; no more than there is room for.

        1. Write prepared scans and columns, and see them on disk.
        2. Write the rows, with the checksums of all that, and see them on disk.
        3. Write the head: from now on they are there.
        """
        if len(batch.rows) > self.room:
            raise ValueError(f"a shard takes {CAPACITY} references: {len(batch.rows)} do not fit behind {self.count}")
        with self._opened(*_FILES, "head") as files:
            # 1.
            write_at(files["blobs"], b"".join(batch.blobs), self._blob_end)
            for column, values in zip(COLUMNS, batch.columns, strict=True):
                content = np.ascontiguousarray(values, np.int8)
                write_at(files[column.name], content.data, self.count * column.row_bytes)
            for name in _DATA:
                os.fdatasync(files[name])

            # 2.
            rows = self._complete(batch)
            self._cut(files, self._ends(self.count, sum(map(len, batch.blobs)), len(rows)))
            write_at(files["rows"], rows.tobytes(), self.count * ROW.itemsize)
            os.fdatasync(files["rows"])

            # 3.
            before = self.count
            self._set_head(files, self.count + len(rows), self.removed)
            self._take_in(before, self.removed)

    def remove(self, rows: Sequence[int]) -> None:
        """Take references out: tombstones; their bytes go when the shard is compacted."""
        entries = np.zeros(len(rows), REMOVED)
        entries["row"], entries["number"] = rows, np.arange(self.removed, self.removed + len(rows))
        _seal(entries, self.reader.seed)
        with self._opened(*_FILES, "head") as files:
            self._cut(files, self._ends(self.count))
            write_at(files["removed"], entries.tobytes(), self.removed * REMOVED.itemsize)
            os.fdatasync(files["removed"])
            before = self.removed
            self._set_head(files, self.count, self.removed + len(rows))
            self._take_in(self.count, before)

    def wipe(self, rows: Sequence[int]) -> None:
        """Overwrite the scans of these references, and see that on disk. Until they are removed, they are damaged."""
        entries = self.reader.rows(self.count)
        with self._opened(*_DATA) as files:
            for row in rows:
                write_at(files["blobs"], bytes(int(entries[row]["blob_bytes"])), int(entries[row]["blob_at"]))
                for column in COLUMNS:
                    write_at(files[column.name], bytes(column.row_bytes), row * column.row_bytes)
            for name in _DATA:
                os.fdatasync(files[name])

    def blank(self, rows: Sequence[int]) -> None:
        """Overwrite what is told of these references, which were removed: name, labels, day. Their places stay."""
        with self._opened("rows") as files:
            for row in rows:
                entry = np.zeros(1, ROW)
                for field in ("blob_bytes", "blob_at", "number"):
                    entry[field] = self.reader.rows(self.count)[row][field]
                _seal(entry, self.reader.seed)
                write_at(files["rows"], entry.tobytes(), row * ROW.itemsize)
            os.fdatasync(files["rows"])

    def cut_tails(self) -> None:
        """Nothing is left of references whose appending failed, or was broken off."""
        if not self._ends_at_head():
            with self._opened(*_FILES) as files:
                self._cut(files, self._ends(self.count))
                for file in files.values():
                    os.fdatasync(file)

    @contextmanager
    def _opened(self, *names: str) -> Iterator[dict[str, int]]:
        with ExitStack() as stack:
            files = {}
            for name in names:
                with telling_of_spoilt(self.reader.folder / name):
                    files[name] = os.open(self.reader.folder / name, os.O_RDWR | os.O_CLOEXEC)
                stack.callback(os.close, files[name])
            yield files

    def _complete(self, batch: Batch) -> NDArray[np.void]:
        rows = batch.rows.copy()
        lengths = np.array([len(blob) for blob in batch.blobs], np.uint64)
        rows["blob_bytes"], rows["blob_at"] = lengths, self._blob_end + np.cumsum(lengths) - lengths
        rows["blob_crc"] = [zlib.crc32(blob) for blob in batch.blobs]
        for place, values in enumerate(batch.columns):
            rows["column_crcs"][:, place] = [zlib.crc32(np.ascontiguousarray(value).data) for value in values]
        rows["number"] = np.arange(self.count, self.count + len(rows))
        _seal(rows, self.reader.seed)
        return rows

    def _set_head(self, files: dict[str, int], count: int, removed: int) -> None:
        # not synced: after a loss of power an older head may be left, and _take_up brings it up to the rows on disk
        # twice: wherever the write is cut, one of the two is whole
        write_at(files["head"], 2 * _head(count, removed, self.reader.seed), 0)
        self.count, self.removed = count, removed

    def _take_in(self, count: int, removed: int) -> None:
        """Know of the rows and removals in force that are behind these many."""
        rows, removals = self.reader.rows(self.count), self.reader.removals(self.removed)
        if len(self.live) < self.count:
            self.live = np.concatenate([self.live, np.zeros(max(CAPACITY, self.count) - len(self.live), np.bool_)])
        self.live[count : self.count] = True
        self.live[removals["row"][removed:]] = False
        for row in rows[count:][-1:]:
            self._blob_end = int(row["blob_at"]) + int(row["blob_bytes"])

    def _take_up(self, files: dict[str, int]) -> bool:
        """Advance the head over whole rows and removals behind it; cut off what else is there."""
        tail = self._tail(files["rows"], ROW, self.count)
        found = _good(tail, self.count, self.reader.seed)
        end = self._blob_end
        for row in tail[self.count : self.count + found]:
            end = int(row["blob_at"]) + int(row["blob_bytes"])
        removed = _good(self._tail(files["removed"], REMOVED, self.removed), self.removed, self.reader.seed)
        if os.fstat(files["blobs"]).st_size < end:
            raise damaged(self.reader.folder / "blobs", "is shorter than its rows say")
        if found or removed:
            self._set_head(files, self.count + found, self.removed + removed)
        self._blob_end = end
        self._cut(files, self._ends(self.count))
        return bool(found or removed)

    def _ends_at_head(self) -> bool:
        return all((self.reader.folder / name).stat().st_size == end for name, end in self._ends(self.count).items())

    def _ends(self, rows: int, blobs: int = 0, more: int = 0) -> dict[str, int]:
        """Where each file ends that has so many rows, with ``blobs`` bytes and data of ``more`` rows behind them."""
        columns = {column.name: (rows + more) * column.row_bytes for column in COLUMNS}
        ends = {"rows": rows * ROW.itemsize, "removed": self.removed * REMOVED.itemsize}
        return {**ends, "blobs": self._blob_end + blobs, **columns}

    def _cut(self, files: dict[str, int], ends: dict[str, int]) -> None:
        """What a batch that failed half way left must not stand behind a shorter one that succeeds, nor stay once its
        record is erased. A file is never made longer: one that was cut is damaged, and not to be filled with zeros."""
        for name, end in ends.items():
            size = os.fstat(files[name]).st_size
            if size > end:
                os.ftruncate(files[name], end)
            elif size < end and name in ("rows", "removed"):
                raise damaged(self.reader.folder / name, f"holds {size} bytes instead of {end}")

    def _tail(self, file: int, kind: np.dtype[Any], count: int) -> NDArray[np.void]:
        """All whole entries of a file; those before ``count`` are known and left empty."""
        size = os.fstat(file).st_size // kind.itemsize
        if size <= count:
            return np.zeros(0, kind)
        entries = np.zeros(size, kind)
        content = os.pread(file, (size - count) * kind.itemsize, count * kind.itemsize)
        entries[count:size] = np.frombuffer(content, kind)
        return entries


def _good(entries: NDArray[np.void], start: int, seed: int) -> int:
    """How many entries from ``start`` on are whole, up to the first that is not."""
    found = 0
    while start + found < min(len(entries), CAPACITY) and is_good(entries, start + found, seed):
        found += 1
    return found


def _seal(entries: NDArray[np.void], seed: int) -> None:
    """Put each entry's checksum into its last four bytes."""
    size = entries.dtype.itemsize
    content = entries.tobytes()
    entries["crc"] = [zlib.crc32(content[at : at + size - 4], seed) for at in range(0, len(content), size)]


def _head(rows: int, removed: int, seed: int) -> bytes:
    plain = HEAD.pack(HEAD_MAGIC, rows, removed, 0)[:-4]
    return plain + zlib.crc32(plain, seed).to_bytes(4, "little")
