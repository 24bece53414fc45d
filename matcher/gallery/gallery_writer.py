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
from matcher.gallery.files import allow_open_files, damaged, telling_of_missing_files, telling_of_spoilt
from matcher.gallery.generation import Generation, current_digest, delete_others, publish_generation
from matcher.gallery.growing import Batch, GrowingShard
from matcher.gallery.names import Marks, Names, ReferenceRow
from matcher.gallery.schema import COLUMNS, Reference
from matcher.gallery.shard import Shard
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters

_BATCH = 256
"""References made durable together: 11 MB held in memory, and the cost of five syncs shared."""


class GalleryWriter:
    """The writer of the generation of one set of parameters; use it in a ``with`` statement.

    The first generation of a folder serves at once. One for other parameters is filled while the old one serves, and
    serves once ``publish`` is called; both may have a writer at the same time.

    What ``append`` and ``remove`` have returned from is on disk. Of each reference some 15 bytes are kept in memory,
    also by one that was closed: opened again, it reads what others have changed meanwhile, and no more.
    Methods may be called from several threads; ``compact`` lets the others go on while it copies.

    Raises ``GalleryInUse`` when another writer has this generation, ``GalleryDamaged`` where its files are not what
    was written: open it ``afresh``, which empties it, and fill it again from the scans. Opening deletes
    what no manifest names; not ``tidy``, it leaves that for readers who began before another writer compacted it away.
    """

    def __init__(
        self, folder: Path, parameters: Parameters = DEFAULT_PARAMETERS, *, afresh: bool = False, tidy: bool = True
    ) -> None:
        self.folder, self.parameters = folder, parameters
        self._generation = Generation.of(folder, parameters.digest)
        self._mutex = threading.RLock()
        self._compacting = threading.Lock()
        self._shards: list[GrowingShard] = []
        self._names = Names()
        self.reopen(afresh=afresh, tidy=tidy)

    def reopen(self, *, afresh: bool = False, tidy: bool = True) -> None:
        """Open it after ``close``. Raises as the constructor does; then it is to be thrown away."""
        with telling_of_spoilt(self._generation.folder / "lock"):
            self._generation.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._generation.folder / "lock")
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
        return sum(shard.count - shard.removed for shard in self._shards)

    @property
    def shards(self) -> int:
        return len(self._shards)

    def __contains__(self, reference: bytes) -> bool:
        with self._mutex:
            return bool(self._names.living(reference))

    def references(self) -> list[bytes]:
        """The names of all references, to be compared with what should be there."""
        with self._mutex:
            return [name.tobytes() for shard in self._shards for name in shard.names[shard.live[: shard.count]]]

    def marks(self) -> Marks:
        """To name all that should be there, and then see what is there beside it. Nothing else changes meanwhile."""
        return Marks(self._names, self._shards)

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
            places = [place for name in dict.fromkeys(references) for place in self._names.living(name)]
            for shard, rows in _by_shard(places).items():
                shard.remove(rows)
        return len(places)

    def erase(self, references: Iterable[bytes]) -> int:
        """Take references out; when this returns nothing of them is on the disk any more, also of those that were
        removed before, and of shards that were replaced. Returns how many were there.

        Readers in the middle of a query find them damaged, or a shard gone. Tried again after a failure, it goes on.
        """
        with self._compacting, self._mutex:
            names = frozenset(references)
            found = _by_shard(place for name in names for place in self._names.named(name))
            for shard, rows in found.items():
                shard.wipe(rows)
            removed = self.remove(names)
            for shard, rows in found.items():
                shard.blank(rows)
            for shard in self._shards[-1:]:  # a reference whose appending failed is in no row, and may be asked for
                shard.cut_tails()
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
            for shard in sorted(chosen, key=lambda one: one.count - one.removed):  # on a full disk the least copy first
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
            os.close(self._lock)

    def _open(self, afresh: bool, tidy: bool) -> None:
        if afresh or self._is_new():
            self._generation.create()
        folders = self._generation.shards()
        allow_open_files(len(folders))
        if tidy:
            self._generation.delete_strays(folders)
        known = {shard.reader.folder: shard for shard in self._shards}
        for gone in known.keys() - set(folders):
            self._names.forget(known[gone])
        self._shards = []
        grown = False
        for folder in folders:
            count = known[folder].count if folder in known else 0
            if folder in known:
                known[folder].catch_up()
            shard = known.get(folder) or GrowingShard(folder)
            self._shards.append(shard)
            self._names.add(shard)
            grown |= shard.count > count
        if grown:
            self._keep_the_newer()
        if current_digest(self.folder) is None:
            self.publish()

    def _is_new(self) -> bool:
        """Not where a manifest was: to begin anew without being told to would hide that all is lost."""
        return not (self._generation.exists or self._shards or current_digest(self.folder) == self.parameters.digest)

    def _keep_the_newer(self) -> None:
        """A writer that died may have added references and not yet taken out those whose place they take: of its last
        batch, and no other."""
        for shard in self._shards[-2:]:
            for row in range(max(0, shard.count - _BATCH), shard.count):
                if shard.live[row]:
                    self._take_place(shard, row)

    def _take_place(self, shard: GrowingShard, row: int) -> None:
        """An older reference of the same name is taken out."""
        places = self._names.living(shard.names[row].tobytes())
        if len(places) > 1:
            newest = max(places, key=lambda place: (self._shards.index(place[0]), place[1]))
            for older, rows in _by_shard(place for place in places if place != newest).items():
                older.remove(rows)

    def _batch(self, chosen: Sequence[tuple[Reference, Prepared]]) -> Batch:
        for _, scan in chosen:
            if scan.parameters_digest != self.parameters.digest:
                raise NotComparable("the scan was prepared with other parameters than the gallery's: prepare it again")
        rows = np.concatenate([reference.row() for reference, _ in chosen])
        rows["partial"] = [is_partial(scan, self.parameters) for _, scan in chosen]
        columns = [np.stack([column.of(scan) for _, scan in chosen]) for column in COLUMNS]
        return Batch(rows, columns, [scan.to_searched_bytes() for _, scan in chosen])

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
        self._names.add(shard)
        for row in range(start, shard.count):
            self._take_place(shard, row)

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
            seen = shard.count
            rows = np.flatnonzero(shard.live[:seen]).tolist()
        _copy(shard.reader, copy, rows, seen)

        with self._mutex:
            # 2.
            added = list(range(seen, shard.count))
            _copy(shard.reader, copy, added, shard.count)
            gone = [place for place, row in enumerate(rows + added) if not shard.live[row]]
            if gone:
                copy.remove(gone)

            # 3.
            followed = [copy if other is shard else other for other in self._shards]
            self._write_shards([other for other in followed if other is not copy or copy.count > copy.removed])
            self._names.forget(shard)
            if copy in self._shards:
                self._names.add(copy)


def _copy(source: Shard, target: GrowingShard, rows: Sequence[int], count: int) -> None:
    """Copy references as they are. Raises ``GalleryDamaged`` rather than copy what is not what was written."""
    for start in range(0, len(rows), _BATCH):
        chosen = np.array(rows[start : start + _BATCH])
        if len(source.altered(COLUMNS, chosen, count)):
            raise damaged(source.folder, "holds altered references")
        columns = [source.column(column, count)[chosen] for column in COLUMNS]
        target.append(Batch(source.rows(count)[chosen], columns, [source.blob(row) for row in chosen.tolist()]))


def _by_shard(places: Iterable[ReferenceRow]) -> dict[GrowingShard, list[int]]:
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
