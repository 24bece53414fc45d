"""Where references stand, by their names: four bytes each in a table that is at most half full.

The names themselves stay in the shards' rows, mapped. Removed references are found too, until they are erased.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matcher.gallery.growing import GrowingShard
from matcher.gallery.shard import CAPACITY

ReferenceRow: TypeAlias = tuple[GrowingShard, int]

_ROW_BITS = (CAPACITY - 1).bit_length()
_FREE = np.uint32(0xFFFFFFFF)
_LEAST = 1024


class Names:
    """A table of places, open addressing. Not to be shared by threads without a lock."""

    def __init__(self) -> None:
        self._table, self._used = np.full(_LEAST, _FREE, np.uint32), 0
        self._shards: list[GrowingShard | None] = []
        self._numbers: dict[GrowingShard, int] = {}
        self._counts: list[int] = []
        # drawn anew in each process: whoever chooses names cannot choose where they collide
        self._turns = np.frombuffer(secrets.token_bytes(32), "<u8") | np.uint64(1)

    def add(self, shard: GrowingShard) -> None:
        """Take in the rows of a shard that were not taken in before."""
        number = self._numbers.setdefault(shard, len(self._shards))
        if number == len(self._shards):
            self._shards.append(shard)
            self._counts.append(0)
        known, self._counts[number] = self._counts[number], shard.count
        if 2 * (self._used + shard.count - known) > len(self._table):
            self._put_all()
        else:
            self._put(number, known)

    def forget(self, shard: GrowingShard) -> None:
        """A shard that was replaced."""
        number = self._numbers.pop(shard)
        self._shards[number], self._counts[number] = None, 0

    def named(self, name: bytes) -> Iterator[ReferenceRow]:
        """Where references of this name stand, removed or not."""
        last = len(self._table) - 1
        at = int(self._slots(np.frombuffer(name, "<u8")[None])[0]) & last
        while (place := self._table[at]) != _FREE:
            shard, row = self._shards[int(place) >> _ROW_BITS], int(place) & (CAPACITY - 1)
            if shard is not None and shard.names[row].tobytes() == name:
                yield shard, row
            at = (at + 1) & last

    def living(self, name: bytes) -> list[ReferenceRow]:
        """Where references of this name stand that were not removed."""
        return [(shard, row) for shard, row in self.named(name) if shard.live[row]]

    def _put(self, number: int, start: int) -> None:
        shard, stop = self._shards[number], self._counts[number]
        if shard is None or start == stop:
            return
        places = np.arange(start, stop, dtype=np.uint32) | np.uint32(number << _ROW_BITS)
        names = np.ascontiguousarray(shard.names[start:stop]).view("<u8").reshape(-1, 4)
        last = np.uint64(len(self._table) - 1)
        at = self._slots(names) & last
        self._used += len(places)
        while len(places):
            free = self._table[at] == _FREE
            self._table[at[free]] = places[free]
            left = self._table[at] != places  # of several that want one slot the last one got it
            places, at = places[left], (at[left] + np.uint64(1)) & last

    def _put_all(self) -> None:
        """In a table with room for as many again, without what shards had that were replaced."""
        held = sum(self._counts)
        self._table, self._used = np.full(max(_LEAST, 1 << (4 * held - 1).bit_length()), _FREE, np.uint32), 0
        for number in range(len(self._shards)):
            self._put(number, 0)

    def _slots(self, names: NDArray[np.uint64]) -> NDArray[np.uint64]:
        slots: NDArray[np.uint64] = (names * self._turns).sum(axis=1, dtype=np.uint64) >> np.uint64(32)
        return slots


class Marks:
    """Which references were named, while a gallery is held against what should be there."""

    def __init__(self, names: Names, shards: Iterable[GrowingShard]) -> None:
        self._names = names
        self._unmarked = {shard: shard.live[: shard.count].copy() for shard in shards}

    def mark(self, name: bytes) -> bool:
        """Whether it is there; then it is marked."""
        found = self._names.living(name)
        for shard, row in found:
            if shard in self._unmarked:
                self._unmarked[shard][row] = False
        return bool(found)

    def unmarked(self) -> list[bytes]:
        """The names of the references that nobody named."""
        return [
            name.tobytes()
            for shard, left in self._unmarked.items()
            for name in shard.names[: len(left)][left & shard.live[: len(left)]]
        ]
