"""A scan made ready once and compared many times, and its compact bytes for a node's cache."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matcher.clean import COARSE_POINTS, FINE_POINTS, CleanScan, WorkingCopy, clean
from matcher.descriptor import DESCRIPTOR_SHAPE, describe
from matcher.errors import ScanRefused
from matcher.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.topography import Topography

_MAGIC = b"FFPprep1"
_HEADER = struct.Struct("<8s32s2d32s5I")
"""Magic, parameters digest, centre (y, x), content digest, lengths of the five blocks."""
_MAX_BYTES = 400_000
"""Both grids and their weights, uncompressed, with the descriptor: nothing longer was written here."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What every stage after cleaning needs of one scan.

    ``coarse``, ``fine``: int8 (160, 160) and (320, 320), band-passed heights times ``height_scale``, on grids
    around the mark's centre; ``coarse_weights``, ``fine_weights``: uint8, 255 = fully measured;
    ``descriptor``: int8, for the prefilter; ``centre_um``: (y, x) of that centre, from the scan's first point;
    ``parameters_digest``: of the parameters it was made with. Two of them compare only with the same digest.
    All arrays are read-only.
    """

    coarse: NDArray[np.int8]
    coarse_weights: NDArray[np.uint8]
    fine: NDArray[np.int8]
    fine_weights: NDArray[np.uint8]
    descriptor: NDArray[np.int8]
    centre_um: tuple[float, float]
    parameters_digest: str

    def __post_init__(self) -> None:
        for array in (self.coarse, self.coarse_weights, self.fine, self.fine_weights, self.descriptor):
            array.flags.writeable = False

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the content: names the scan, and settles which of two is moved onto the other."""
        content = hashlib.sha256(bytes.fromhex(self.parameters_digest) + struct.pack("<2d", *self.centre_um))
        for array in (self.descriptor, self.coarse_weights, self.coarse, self.fine_weights, self.fine):
            content.update(np.ascontiguousarray(array).data)
        return content.digest()

    def to_bytes(self) -> bytes:
        """Header, content digest, descriptor, and the grids: weights packed, heights where measured."""
        blocks = [
            self.descriptor.tobytes(),
            zlib.compress(self.coarse_weights.tobytes()),
            self.coarse[self.coarse_weights > 0].tobytes(),
            zlib.compress(self.fine_weights.tobytes()),
            self.fine[self.fine_weights > 0].tobytes(),
        ]
        header = _HEADER.pack(
            _MAGIC, bytes.fromhex(self.parameters_digest), *self.centre_um, self.digest, *map(len, blocks)
        )
        return b"".join([header, *blocks])

    @classmethod
    def from_bytes(cls, data: bytes) -> Prepared:
        """Read what ``to_bytes`` wrote; scores made from it are the same to the last bit.

        Raises ``ScanRefused`` for anything else: prepare the scan again.
        """
        if not _HEADER.size <= len(data) <= _MAX_BYTES or not data.startswith(_MAGIC):
            raise _damaged("is not a prepared scan of this version")
        _, parameters_digest, y, x, digest, *lengths = _HEADER.unpack_from(data)
        if _HEADER.size + sum(lengths) != len(data) or lengths[0] != math.prod(DESCRIPTOR_SHAPE):
            raise _damaged("does not have the lengths that its header names")
        ends = _HEADER.size + np.cumsum(lengths)
        parts = [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
        descriptor = np.frombuffer(parts[0], np.int8).reshape(DESCRIPTOR_SHAPE)
        coarse_weights, coarse = _read_grid(parts[1], parts[2], COARSE_POINTS)
        fine_weights, fine = _read_grid(parts[3], parts[4], FINE_POINTS)
        prepared = cls(coarse, coarse_weights, fine, fine_weights, descriptor, (y, x), parameters_digest.hex())
        if prepared.digest != digest:
            raise _damaged("does not agree with its own digest")
        return prepared


def prepare(topography: Topography, parameters: Parameters = DEFAULT_PARAMETERS) -> Prepared:
    """Clean a topography and keep, in compact form, what the comparison needs.

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    return pack(clean(topography, parameters), parameters)


def pack(scan: CleanScan, parameters: Parameters) -> Prepared:
    """The compact form of a cleaned scan, with its descriptor."""
    coarse, coarse_weights = _quantise(scan.coarse, parameters)
    fine, fine_weights = _quantise(scan.fine, parameters)
    return Prepared(
        coarse, coarse_weights, fine, fine_weights, describe(scan.coarse), scan.centre_um, parameters.digest
    )


def _quantise(copy: WorkingCopy, parameters: Parameters) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    weights = np.rint(np.clip(copy.weights, 0.0, 1.0) * 255.0).astype(np.uint8)
    heights = np.rint(copy.heights * (127.0 / parameters.clip_deviations)).astype(np.int8)
    heights[weights == 0] = 0
    return heights, weights


def _read_grid(packed: bytes, values: bytes, points: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    unpacker = zlib.decompressobj()
    try:
        # bounded: a few bytes of zlib can name gigabytes
        plain = unpacker.decompress(packed, points * points)
    except zlib.error as error:
        raise _damaged("holds a grid that cannot be unpacked") from error
    if len(plain) != points * points or not unpacker.eof:
        raise _damaged("holds a grid of another size")
    weights = np.frombuffer(plain, np.uint8).reshape(points, points)
    measured = weights > 0
    if int(measured.sum()) != len(values):
        raise _damaged("holds more or fewer heights than measured points")
    heights = np.zeros((points, points), np.int8)
    heights[measured] = np.frombuffer(values, np.int8)
    return weights, heights


def _damaged(what: str) -> ScanRefused:
    return ScanRefused("prepared-scan-damaged", f"The stored prepared scan {what}: prepare it again from its file.")
