"""A scan made ready once and compared many times, and its compact bytes for a node's cache."""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matcher.areal.descriptor import DESCRIPTOR_SHAPE, describe, directedness, polar_magnitude
from matcher.areal.polar_column import POLAR_BYTES, polar_row
from matcher.likelihood.mark_limits import MarkExtent
from matcher.mark.clean import COARSE_POINTS, FINE_POINTS, CleanScan, WorkingCopy, clean, clean_mark
from matcher.mark.flatten import flattened
from matcher.mark.level import LevelledMark
from matcher.numeric.packed import MAX_RATIO, PackedGrid, damaged_bytes
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Plane
from matcher.read.topography import Topography

_MAGIC = b"FFPprep3"
_IDENTITY = struct.Struct("<32s5d32s32s32s")
"""Parameters digest, centre (y, x), area, distance off the centre, directedness, digests of columns, coarse and fine
grid: what the scan's digest is of."""
_HEADER = struct.Struct(f"<8s32s{_IDENTITY.size}s2I")
"""Magic, the scan's digest, identity, lengths of the packed coarse and fine grid."""
_DESCRIPTOR_BYTES = math.prod(DESCRIPTOR_SHAPE)
_COLUMN_BYTES = _DESCRIPTOR_BYTES + POLAR_BYTES
_MAX_BYTES = _HEADER.size + _COLUMN_BYTES + MAX_RATIO * (COARSE_POINTS**2 + FINE_POINTS**2)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What every stage after cleaning needs of one scan.

    ``coarse``, ``fine``: int8 (160, 160) and (320, 320), band-passed heights times 127 / ``clip_deviations``, on
    grids around the mark's centre; ``coarse_weights``, ``fine_weights``: uint8, 255 = fully measured;
    ``descriptor``, ``polar``: int8, by which a whole gallery is searched; ``centre_um``: (y, x) of that centre, from
    the scan's first point; ``mark_points``: how much of the mark was measured, in points of the coarse grid;
    ``off_centre_points``: how far what was measured lies from the centre, on average: the distance of its centre of
    area, in the same points (of a whole mark little; of half a disc 0.42 of the radius, of half a ring up to 0.64);
    ``directedness``: of the descriptor's spectrum;
    ``parameters_digest``: of the parameters it was made with. Two of them compare only with the same digest.
    All arrays are read-only. A grid is unpacked when first asked for, and raises ``ScanRefused`` where its
    bytes are damaged.
    """

    descriptor: NDArray[np.int8]
    polar: NDArray[np.int8]
    coarse_grid: PackedGrid
    fine_grid: PackedGrid
    centre_um: tuple[float, float]
    mark_points: float
    off_centre_points: float
    directedness: float
    parameters_digest: str

    def __post_init__(self) -> None:
        for column in (self.descriptor, self.polar):
            column.flags.writeable = False

    @property
    def coarse(self) -> NDArray[np.int8]:
        return self.coarse_grid.heights

    @property
    def coarse_weights(self) -> NDArray[np.uint8]:
        return self.coarse_grid.weights

    @property
    def fine(self) -> NDArray[np.int8]:
        return self.fine_grid.heights

    @property
    def fine_weights(self) -> NDArray[np.uint8]:
        return self.fine_grid.weights

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the content: names the scan, and settles which of two is moved onto the other."""
        return hashlib.sha256(self._identity).digest()

    @cached_property
    def _identity(self) -> bytes:
        columns = hashlib.sha256(self._columns).digest()
        digests = columns, self.coarse_grid.digest, self.fine_grid.digest
        told = *self.centre_um, self.mark_points, self.off_centre_points, self.directedness
        return _IDENTITY.pack(bytes.fromhex(self.parameters_digest), *told, *digests)

    @property
    def _columns(self) -> bytes:
        return self.descriptor.tobytes() + self.polar.tobytes()

    def to_bytes(self) -> bytes:
        """Header, columns, coarse grid, fine grid: who needs no more than the first three reads no further."""
        grids = self.coarse_grid.data, self.fine_grid.data
        header = _HEADER.pack(_MAGIC, self.digest, self._identity, *map(len, grids))
        return b"".join([header, self._columns, *grids])

    def to_searched_bytes(self) -> bytes:
        """What a search needs beside the columns: the identity, and the coarse grid. A quarter of ``to_bytes``."""
        return self._identity + bytes(self.coarse_grid.data)

    @classmethod
    def from_searched_bytes(cls, data: bytes, columns: bytes) -> Prepared:
        """Read what ``to_searched_bytes`` wrote, with the descriptor's bytes and those of the polar column after them.

        It is compared as the whole scan is, to the last bit, and has the same digest; its fine grid is refused when
        it is asked for. Raises ``ScanRefused`` as ``from_bytes`` does.
        """
        if len(data) < _IDENTITY.size or len(columns) != _COLUMN_BYTES:
            raise damaged_bytes("is not a searched scan of this version")
        # a view: the grid is not copied before it is unpacked
        return cls._of(data[: _IDENTITY.size], columns, memoryview(data)[_IDENTITY.size :], None)

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Prepared:
        """Read what ``to_bytes`` wrote; scores made from it are the same to the last bit.

        A memoryview is kept, not copied, until its grids are unpacked. Raises ``ScanRefused`` for anything else, at
        once or, where a grid is damaged, when that grid is first asked for: prepare the scan again.
        """
        if not _HEADER.size <= len(data) <= _MAX_BYTES or data[: len(_MAGIC)] != _MAGIC:
            raise damaged_bytes("is not a prepared scan of this version")
        _, digest, identity, coarse_length, fine_length = _HEADER.unpack_from(data)
        if hashlib.sha256(identity).digest() != digest:
            raise damaged_bytes("does not agree with its own digest")
        coarse_start = _HEADER.size + _COLUMN_BYTES
        fine_start = coarse_start + coarse_length
        if fine_start + fine_length != len(data):
            raise damaged_bytes("does not have the lengths that its header names")
        columns = bytes(data[_HEADER.size : coarse_start])
        return cls._of(identity, columns, data[coarse_start:fine_start], data[fine_start:])

    @classmethod
    def _of(
        cls, identity: bytes, columns: bytes, coarse: bytes | memoryview, fine: bytes | memoryview | None
    ) -> Prepared:
        parameters_digest, *numbers, columns_digest, coarse_digest, fine_digest = _IDENTITY.unpack(identity)
        y, x, mark_points, off_centre_points, directed = numbers
        if hashlib.sha256(columns).digest() != columns_digest:
            raise damaged_bytes("does not agree with its own digest")
        return cls(
            np.frombuffer(columns, np.int8, _DESCRIPTOR_BYTES).reshape(DESCRIPTOR_SHAPE),
            np.frombuffer(columns, np.int8, offset=_DESCRIPTOR_BYTES),
            PackedGrid(coarse, coarse_digest, COARSE_POINTS),
            PackedGrid(fine, fine_digest, FINE_POINTS),
            (y, x),
            mark_points,
            off_centre_points,
            directed,
            parameters_digest.hex(),
        )


def extent_of(scan: Prepared, parameters: Parameters) -> MarkExtent:
    """How much of its mark the scan shows, and how clearly."""
    return MarkExtent(
        area_mm2=scan.mark_points * (parameters.coarse_spacing_um / 1000.0) ** 2,
        one_sidedness=scan.off_centre_points / math.sqrt(max(scan.mark_points, 1.0) / math.pi),
        directedness=scan.directedness,
    )


def is_partial(scan: Prepared, parameters: Parameters) -> bool:
    """Whether it shows less than whole marks do."""
    return extent_of(scan, parameters).area_mm2 < parameters.partial_mark_area_mm2


def tells_its_rotation(scan: Prepared, parameters: Parameters) -> bool:
    """Whether descriptors say how it lies beside another: a whole mark whose long waves are not drowned in noise."""
    whole = not is_partial(scan, parameters) and not is_one_sided(scan, parameters)
    return whole and scan.directedness >= parameters.least_directedness


def is_one_sided(scan: Prepared, parameters: Parameters) -> bool:
    """Whether it may be half of a large mark."""
    radius_points = parameters.aperture_diameter_um / 2.0 / parameters.coarse_spacing_um
    return scan.off_centre_points > parameters.one_sided_mark_offset * radius_points


def prepare(
    topography: Topography, parameters: Parameters = DEFAULT_PARAMETERS, mask: NDArray[np.bool_] | None = None
) -> Prepared:
    """Clean a topography and keep, in compact form, what the comparison needs.

    ``mask``: what of it is the mark, by a user's word: bool, one for each point (``Topography.within``).
    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared; ``ScanRefused`` for a
    mask of another shape.
    """
    if mask is not None:
        topography = topography.within(mask)
    return pack(clean(topography, parameters), parameters)


def prepare_mark(mark: LevelledMark, parameters: Parameters) -> Prepared:
    """As ``prepare``, from a topography's mark that was found and levelled already (``level_region``)."""
    return pack(clean_mark(mark, parameters), parameters)


def pack(scan: CleanScan, parameters: Parameters) -> Prepared:
    """The compact form of a cleaned scan, with what a gallery is searched by."""
    flat, polar = _flat(scan.coarse, parameters), polar_magnitude(scan.coarse)
    return Prepared(
        describe(polar),
        polar_row(flat.heights * flat.weights, flat.weights),
        _quantise(flat, parameters),
        _quantise(scan.fine, parameters),
        scan.centre_um,
        float(flat.weights.sum()),
        _off_centre_points(flat.weights),
        directedness(polar),
        parameters.digest,
    )


def _off_centre_points(weights: Plane) -> float:
    along = np.arange(COARSE_POINTS) - (COARSE_POINTS - 1) / 2
    moments = np.array([along @ weights.sum(axis=1), along @ weights.sum(axis=0)])
    return float(np.hypot(*moments) / max(float(weights.sum()), 1.0))


def _flat(copy: WorkingCopy, parameters: Parameters) -> WorkingCopy:
    """The coarse working copy with a flat spectrum: what the registration looks at."""
    short, long = (wave / parameters.coarse_spacing_um for wave in parameters.coarse_band_um)
    heights = flattened(copy.heights, copy.weights, (short, long), parameters.clip_deviations)
    return WorkingCopy(heights, copy.weights)


def _quantise(copy: WorkingCopy, parameters: Parameters) -> PackedGrid:
    weights = np.rint(np.clip(copy.weights, 0.0, 1.0) * 255.0).astype(np.uint8)
    return PackedGrid.pack(np.rint(copy.heights * (127.0 / parameters.clip_deviations)).astype(np.int8), weights)
