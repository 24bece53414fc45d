"""One working grid as bytes: canonical, bounded, decoded and checked when first looked at."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused

MAX_RATIO = 3
"""A grid of which all points are measured, none of them fully, takes two bytes a point and a quarter for the bits."""


@dataclass(frozen=True, eq=False)
class PackedGrid:
    """int8 heights and uint8 weights on a square grid of ``points`` x ``points``, packed.

    ``packed``: two rows of bits, compressed (which points are measured; which of those only in part), then the
    weights of the latter, then the heights of all measured points. ``digest``: SHA-256 of this content with the
    bits uncompressed, so that it says what is on the grid whichever library compressed it. None where a grid is known
    by its digest alone.

    The arrays are read-only. Raises ``ScanRefused`` from ``data`` where there is none, and from ``heights`` and
    ``weights`` where it does not agree with the digest: a grid that is never looked at costs nothing.
    """

    packed: bytes | memoryview | None = field(repr=False)
    digest: bytes
    points: int

    @classmethod
    def pack(cls, heights: NDArray[np.int8], weights: NDArray[np.uint8]) -> PackedGrid:
        """Pack a grid; heights of points without weight are not kept."""
        measured = weights > 0
        shares = weights[measured]
        partial = shares < 255
        bits = np.packbits(measured).tobytes() + np.packbits(partial).tobytes()
        values = shares[partial].tobytes() + heights[measured].tobytes()
        return cls(zlib.compress(bits) + values, hashlib.sha256(bits + values).digest(), len(heights))

    @property
    def data(self) -> bytes | memoryview:
        if self.packed is None:
            raise damaged_bytes("is kept without this grid")
        return self.packed

    @property
    def heights(self) -> NDArray[np.int8]:
        """int8 (points, points), 0 where nothing was measured."""
        return self._grids[0]

    @property
    def weights(self) -> NDArray[np.uint8]:
        """uint8 (points, points), 255 = fully measured."""
        return self._grids[1]

    @cached_property
    def _grids(self) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        area = self.points * self.points
        bits, values = _unpack(self.data, area // 4)
        if hashlib.sha256(bits + values).digest() != self.digest:
            raise damaged_bytes("does not agree with its own digest")
        measured = np.unpackbits(np.frombuffer(bits[: area // 8], np.uint8)).view(np.bool_)
        count = int(np.count_nonzero(measured))
        partial = np.unpackbits(np.frombuffer(bits[area // 8 :], np.uint8), count=count).view(np.bool_)
        if len(values) != count + np.count_nonzero(partial) or len(bits) != area // 8 + -(-count // 8):
            raise damaged_bytes("holds more or fewer heights than measured points")
        shares = np.full(count, 255, np.uint8)
        shares[partial] = np.frombuffer(values[: len(values) - count], np.uint8)
        weights, heights = np.zeros(area, np.uint8), np.zeros(area, np.int8)
        weights[measured] = shares
        heights[measured] = np.frombuffer(values[len(values) - count :], np.int8)
        for array in (heights, weights):
            array.flags.writeable = False
        return heights.reshape(self.points, self.points), weights.reshape(self.points, self.points)


def damaged_bytes(what: str) -> ScanRefused:
    return ScanRefused("prepared-scan-damaged", f"The stored prepared scan {what}: prepare it again from its file.")


def _unpack(data: bytes | memoryview, most: int) -> tuple[bytes, bytes]:
    """The two rows of bits, and what follows them."""
    unpacker = zlib.decompressobj()
    try:
        # bounded: a few bytes of zlib can name gigabytes
        bits = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise damaged_bytes("holds a grid that cannot be unpacked") from error
    if not unpacker.eof:
        raise damaged_bytes("holds a grid of another size")
    return bits, unpacker.unused_data
