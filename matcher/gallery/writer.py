"""Changing a gallery: one writer at a time, beside any number of readers."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from matcher.areal.prepared import Prepared, is_partial
from matcher.errors import GalleryInUse, NotComparable
from matcher.gallery.files import damaged, telling_of_missing_files
from matcher.gallery.generation import Generation, current_digest, delete_others, publish_generation
from matcher.gallery.growing import Batch, GrowingShard
from matcher.gallery.schema import COLUMNS, Reference
from matcher.gallery.shard import Shard
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters

_BATCH = 256
"""References made durable together: 11 MB held in memory, and the cost of four syncs shared."""


class GalleryWriter:
    """The writer of the generation of one set of parameters; use it in a ``with`` statement.

    The first generation of a folder serves at once. One for other parameters is filled while the old one serves, and
    serves once ``publish`` is called; both may have a writer at the same time.

    What ``append`` and ``remove`` have returned from is on disk. The names of all references are kept in memory, about
    150 bytes each. Methods may be called from several threads; ``compact`` lets the others go on while it copies.

    Raises ``GalleryInUse`` when another writer has this generation, ``GalleryDamaged`` where its files are not what
    was written: open it ``afresh``, which empties it, and fill it again from the scans. Opening deletes
    what no manifest names; not ``tidy``, it leaves that for readers who began before another writer compacted it away.
    """

    def __init__(
        self, folder: Path, parameters: Parameters = DEFAULT_PARAMETERS, *, afresh: bool = False, tidy: bool = True
    ) -> None:
        self.folder, self.parameters = folder, parameters
        self._generation = Generation.of(folder, parameters.digest)
        self._generation.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._generation.folder / "lock")
        self._mutex = threading.RLock()
        self._compacting = threading.Lock()
        self._shards: list[GrowingShard] = []
        self._places: dict[bytes, tuple[GrowingShard, int]] = {}
        try:
            with telling_of_missing_files():
                self._open(afresh, tidy)
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """How many references there are."""
        return len(self._places)

    def __contains__(self, reference: bytes) -> bool:
        return reference in self._places

    def references(self) -> list[bytes]:
        """The names of all references, to be compared with what should be there."""
        with self._mutex:
            return list(self._places)

    def append(self, references: Iterable[tuple[Reference, Prepared]]) -> None:
        """Add references, a batch at a time; one whose name is there already takes the other's place.

        Raises ``NotComparable`` for a scan that was prepared with other parameters, before its batch is written.
        """
        entries = iter(references)
        while chosen := list(islice(entries, _BATCH)):
            unique = {reference.reference: (reference, scan) for reference, scan in chosen}
            batch = self._batch(list(unique.values()))
            with self._mutex:
                for part in self._parts(batch):
                    self._append(part)

    def remove(self, references: Iterable[bytes]) -> int:
        """Take references out; returns how many were there. Their bytes stay on disk until ``compact``."""
        with self._mutex:
            places = [self._places[name] for name in dict.fromkeys(references) if name in self._places]
            for shard, rows in _by_shard(places).items():
                shard.remove(rows)
                for row in rows:
                    self._places.pop(shard.reader.rows(shard.count)["reference"][row].tobytes())
        return len(places)

    def erase(self, references: Iterable[bytes]) -> int:
        """Take references out; when this returns nothing of them is on the disk any more, also of those that were
        removed before, and of shards that were replaced. Returns how many were there.

        Readers in the middle of a query find them damaged, or a shard gone. Tried again after a failure, it goes on.
        """
        with self._compacting, self._mutex:
            names = frozenset(references)
            found = {shard: shard.rows_named(names) for shard in self._shards}
            for shard, rows in found.items():
                shard.wipe(rows)
            removed = self.remove(names)
            for shard, rows in found.items():
                shard.blank(rows)
            self._generation.delete_strays([shard.reader.folder for shard in self._shards])
        return removed

    def compact(self, least_removed: float = 0.25) -> int:
        """Write shards anew of which at least this share was removed (0: anything); returns how many.

        Shards that were replaced keep their files until the next ``compact``, for readers in the middle of a query.
        """
        with self._compacting:
            with self._mutex:
                self._generation.delete_strays([shard.reader.folder for shard in self._shards])
                chosen = [s for s in self._shards if s.removed and s.removed >= least_removed * s.count]
            for shard in chosen:
                self._replace(shard)
        return len(chosen)

    def publish(self) -> None:
        """Let readers have this generation instead of the one that served; the change is atomic and durable."""
        publish_generation(self.folder, self._generation)

    def delete_others(self) -> None:
        """Delete the generations of other parameters, for good: nobody may be reading them any more."""
        if current_digest(self.folder) == self.parameters.digest:
            delete_others(self.folder, self._generation)

    def close(self) -> None:
        with self._compacting, self._mutex:
            for shard in self._shards:
                shard.close()
            self._shards = []
            os.close(self._lock)

    def _open(self, afresh: bool, tidy: bool) -> None:
        if afresh or not self._generation.exists:
            self._generation.create()
        folders = self._generation.shards()
        if tidy:
            self._generation.delete_strays(folders)
        self._shards = [GrowingShard(folder) for folder in folders]
        for shard in self._shards:
            for row in np.flatnonzero(shard.reader.live(shard.count, shard.removed)).tolist():
                self._place(shard, row)
        if current_digest(self.folder) is None:
            self.publish()

    def _place(self, shard: GrowingShard, row: int) -> None:
        """Remember where a reference is; an older one of the same name is taken out."""
        name = shard.reader.rows(shard.count)["reference"][row].tobytes()
        older = self._places.get(name)
        self._places[name] = shard, row
        if older is not None:
            older[0].remove([older[1]])

    def _batch(self, chosen: Sequence[tuple[Reference, Prepared]]) -> Batch:
        for _, scan in chosen:
            if scan.parameters_digest != self.parameters.digest:
                raise NotComparable("the scan was prepared with other parameters than the gallery's: prepare it again")
        rows = np.concatenate([reference.row() for reference, _ in chosen])
        rows["partial"] = [is_partial(scan, self.parameters) for _, scan in chosen]
        columns = [np.stack([column.of(scan) for _, scan in chosen]) for column in COLUMNS]
        return Batch(rows, columns, [scan.to_bytes() for _, scan in chosen])

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """Cut a batch where the last shard is full."""
        start = 0
        while start < len(batch.rows):
            stop = min(len(batch.rows), start + self._last().room)
            yield batch.part(start, stop)
            start = stop

    def _last(self) -> GrowingShard:
        """The shard that takes the next reference."""
        if not self._shards or not self._shards[-1].room:
            shard = GrowingShard.create(self._generation.new_shard())
            self._write_shards([*self._shards, shard])
        return self._shards[-1]

    def _append(self, batch: Batch) -> None:
        shard = self._shards[-1]
        start = shard.count
        shard.append(batch)
        for row in range(start, shard.count):
            self._place(shard, row)

    def _write_shards(self, shards: list[GrowingShard]) -> None:
        self._generation.write_shards([shard.reader.folder for shard in shards])
        self._shards = shards

    def _replace(self, shard: GrowingShard) -> None:
        """Copy a shard's living references into a new one, and let it take the old one's place.

        1. Copy what lives now; the shard may go on changing.
        2. With changes held: copy what was added since, and leave out what was removed since.
        3. Replace the list of shards.
        """
        # 1.
        copy = GrowingShard.create(self._generation.new_shard())
        with self._mutex:
            seen, removed = shard.count, shard.removed
        rows = np.flatnonzero(shard.reader.live(seen, removed)).tolist()
        _copy(shard.reader, copy, rows, seen)

        with self._mutex:
            # 2.
            added = list(range(seen, shard.count))
            _copy(shard.reader, copy, added, shard.count)
            live = shard.reader.live(shard.count, shard.removed)
            gone = [place for place, row in enumerate(rows + added) if not live[row]]
            if gone:
                copy.remove(gone)

            # 3.
            followed = [copy if other is shard else other for other in self._shards]
            self._write_shards([other for other in followed if other is not copy or copy.count > copy.removed])
            for row in np.flatnonzero(copy.reader.live(copy.count, copy.removed)).tolist():
                self._places[copy.reader.rows(copy.count)["reference"][row].tobytes()] = copy, row
            shard.close()


def _copy(source: Shard, target: GrowingShard, rows: Sequence[int], count: int) -> None:
    """Copy references as they are. Raises ``GalleryDamaged`` rather than copy what is not what was written."""
    for start in range(0, len(rows), _BATCH):
        chosen = np.array(rows[start : start + _BATCH])
        if len(source.altered(COLUMNS, chosen, count)):
            raise damaged(source.folder, "holds altered references")
        columns = [source.column(column, count)[chosen] for column in COLUMNS]
        target.append(Batch(source.rows(count)[chosen], columns, [source.blob(row) for row in chosen.tolist()]))


def _by_shard(places: Iterable[tuple[GrowingShard, int]]) -> dict[GrowingShard, list[int]]:
    found: dict[GrowingShard, list[int]] = {}
    for shard, row in places:
        found.setdefault(shard, []).append(row)
    return found


def _locked(path: Path) -> int:
    """The lock's file descriptor; the lock goes with the process, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise GalleryInUse(f"Another process writes to the gallery {path.parent.name}.") from error
    return descriptor
