"""Digital Surf .sur, which MountainsMap and the instruments that ship with it write.

Layout of an object (after the maker's SDK as open readers state it; all numbers little-endian): a header of 512
bytes, a comment, a private zone, the points. A file may hold several objects; the first is the surface.

    0    12 characters  "DIGITAL SURF", or "DSCOMPRESSED" when the points are compressed
    12   int16          byte order: 0 for little-endian
    14   uint16         number of objects
    18   int16          kind of object, see ``_Kind``
    50   30 characters  the operator
    86   int16          1: there are special points; a missing one is stored as the lowest point less 2
    94   uint32         values for each point, 0 meaning 1
    98   int16          bits of a point: 16 or 32, signed
    100  int32 x 5      lowest point, highest point, points of a line, lines, points in all
    120  float32 x 3    spacing in x, in y, and the height of one count
    180  3 x 16 chars   the units of these three
    276  float32 x 3    by how much the units of the axes as shown are larger
    290  int16          inverted
    306  int16 x 6      when it was measured: second, minute, hour, day, month, year; zeros where it is not known
    334  uint16 x 2     bytes of the comment, bytes of the private zone

Compressed points: uint32 count of streams, for each uint32 bytes unpacked and uint32 bytes packed, then the zlib
streams, to be joined.

Verified against what three independent open readers make of files that two of them wrote, not against files of an
instrument. The order of rows rests on those readers, none of which turns a sur against other formats.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.canonical import Stored
from matcher.read.formats.surface import check_shape, to_topography
from matcher.read.origin import Origin, stated
from matcher.read.topography import Topography

PLAIN, COMPRESSED = b"DIGITAL SURF", b"DSCOMPRESSED"
_HEADER_BYTES = 512
_LITTLE_ENDIAN = 0
_STREAMS_MAX = 1_024
"""Writers make one; the list of them is read whole."""
_UNITS_UM = {"m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "inch": 25_400.0, "mil": 25.4}
_MICRO = str.maketrans({"µ": "u", "μ": "u"})
"""U+00B5 and the Greek letter, both seen as the sign of micro."""


class _Kind(IntEnum):
    """Kinds of object whose first part is a surface; the others are profiles, images, spectra and curves."""

    PROFILE = 1
    """Also written, wrongly, for surfaces: they have more than one line."""
    SURFACE = 2
    SURFACE_SERIES = 5
    MULTILAYER_SURFACE = 8
    RGB_SURFACE = 13
    RGB_INTENSITY_SURFACE = 16


@dataclass(frozen=True)
class _Header:
    """What bears on the heights. ``spacing_um`` is (y, x); ``points_at`` is where comment and private zone end."""

    compressed: bool
    objects: int
    kind: int
    special_points: bool
    dtype: np.dtype[np.signedinteger]
    lowest: int
    highest: int
    shape: tuple[int, int]
    spacing_um: tuple[float, float]
    factor_um: float
    unit_ratios: tuple[float, float, float]
    inverted: int
    points_at: int


def read_sur(content: bytes, limits: Limits) -> Topography:
    """The surface of a sur file whose first bytes are ``PLAIN`` or ``COMPRESSED``.

    1. Read the header, and refuse what is no surface.
    2. Take the points, unpacked where they are compressed.
    3. Say what is doubtful.
    4. Mark what is missing, and bring the heights to their canonical form.

    The comment is not looked at.

    Raises ScanRefused: "truncated", "header-invalid", "byte-order-not-supported", "not-a-surface",
    "units-unknown", "data-size-differs", "data-damaged", "compression-ratio", and those of ``check_shape`` and
    ``to_topography``.
    """
    header = _header(content, limits)
    points, end = _points(content, header, limits)
    z = points.reshape(header.shape)
    invalid = _missing(z, header)
    warnings = _doubts(header, z, invalid, unread=len(content) - end)
    return to_topography(z, invalid, header.factor_um, header.spacing_um, warnings, _origin(content))


def _header(content: bytes, limits: Limits) -> _Header:
    if len(content) < _HEADER_BYTES:
        raise _truncated()
    byte_order, objects, _, kind = struct.unpack_from("<hHhh", content, 12)
    if byte_order != _LITTLE_ENDIAN:
        raise ScanRefused(
            "byte-order-not-supported", "The file was written for an old Macintosh: save it again, or export x3p."
        )
    (special,) = struct.unpack_from("<h", content, 86)
    values, bits, lowest, highest, columns, rows, total = struct.unpack_from("<Ih5i", content, 94)
    check_shape(rows, columns, limits)
    _check_kind(kind, values)
    if bits not in (16, 32) or total != rows * columns:
        raise _invalid(f"it states {bits} bits a point and {total} points for {columns} x {rows}")
    dx, dy, dz = struct.unpack_from("<3f", content, 120)
    um_x, um_y, um_z = (_unit_um(content[start : start + 16]) for start in (180, 196, 212))
    comment, private = struct.unpack_from("<HH", content, 334)
    return _Header(
        compressed=content.startswith(COMPRESSED),
        objects=objects,
        kind=kind,
        special_points=special == 1,
        dtype=np.dtype("<i2" if bits == 16 else "<i4"),
        lowest=lowest,
        highest=highest,
        shape=(rows, columns),
        spacing_um=(dy * um_y, dx * um_x),
        factor_um=dz * um_z,
        unit_ratios=struct.unpack_from("<3f", content, 276),
        inverted=struct.unpack_from("<h", content, 290)[0],
        points_at=_HEADER_BYTES + comment + private,
    )


def _check_kind(kind: int, values: int) -> None:
    if kind not in set(_Kind) or values > 1:
        raise ScanRefused(
            "not-a-surface", "The file holds an image, a spectrum or a curve: export the measured topography."
        )


def _unit_um(raw: bytes) -> float:
    unit = _UNITS_UM.get(_text(raw).strip().translate(_MICRO))
    if unit is None:
        raise ScanRefused(
            "units-unknown",
            "The file gives its spacings or heights in a unit that is no known length: export the measured topography.",
        )
    return unit


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0]
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _points(content: bytes, header: _Header, limits: Limits) -> tuple[Stored, int]:
    """The points as stored, and where in the file they end."""
    rows, columns = header.shape
    expected = rows * columns * header.dtype.itemsize
    if header.compressed:
        unpacked, end = _unpacked(content, header.points_at, expected, limits)
        return np.frombuffer(unpacked, header.dtype), end
    end = header.points_at + expected
    if end > len(content):
        raise _truncated()
    return np.frombuffer(content, header.dtype, rows * columns, header.points_at), end


def _unpacked(content: bytes, start: int, expected: int, limits: Limits) -> tuple[bytes, int]:
    if start + 4 > len(content):
        raise _truncated()
    (streams,) = struct.unpack_from("<I", content, start)
    if not 0 < streams <= _STREAMS_MAX:
        raise _invalid(f"it counts {streams} streams of points; up to {_STREAMS_MAX} are read")
    start += 4
    if start + 8 * streams > len(content):
        raise _truncated()
    lengths = list(struct.iter_unpack("<II", content[start : start + 8 * streams]))
    start += 8 * streams
    if sum(unpacked for unpacked, _ in lengths) != expected:
        raise ScanRefused(
            "data-size-differs", f"The points do not unpack to the {expected} bytes of the dimensions: export it again."
        )
    if start + sum(packed for _, packed in lengths) > len(content):
        raise _truncated()
    parts = []
    for unpacked, packed in lengths:
        parts.append(_inflate(memoryview(content)[start : start + packed], unpacked, limits))
        start += packed
    return b"".join(parts), start


def _inflate(packed: memoryview, stated: int, limits: Limits) -> bytes:
    if stated > max(limits.unpacked_ratio_from_bytes, limits.unpacked_ratio * len(packed)):
        raise ScanRefused(
            "compression-ratio",
            f"The points unpack to more than {limits.unpacked_ratio:.0f} times their size, which no measured surface "
            "does: export the scan again.",
        )
    stream = zlib.decompressobj()
    try:
        # one byte more than stated: no header can lie its way past the bound, and the checksum is reached
        unpacked = stream.decompress(packed, stated + 1)
    except zlib.error as error:
        raise _damaged() from error
    if len(unpacked) != stated or not stream.eof:
        raise _damaged()
    return unpacked


def _origin(content: bytes) -> Origin:
    second, minute, hour, day, month, year = struct.unpack_from("<6h", content, 306)
    try:
        measured = datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 - the file names no zone
    except ValueError:
        measured = None
    return Origin(measured=measured, creator=stated(_text(content[50:80])))


def _missing(z: Stored, header: _Header) -> NDArray[np.bool_] | None:
    if not header.special_points:
        return None
    missing: NDArray[np.bool_] = z == header.lowest - 2
    for saturated in (header.lowest - 1, header.highest + 1):
        missing |= z == saturated
    return missing


def _doubts(header: _Header, z: Stored, invalid: NDArray[np.bool_] | None, unread: int) -> list[str]:
    warnings = []
    if header.kind == _Kind.PROFILE:
        warnings.append("The file calls its surface a profile, as some programs do; it was read as a surface.")
    if header.objects > 1:
        warnings.append(f"The file holds {header.objects} objects; the first was read.")
    elif unread and header.kind in {_Kind.PROFILE, _Kind.SURFACE}:
        warnings.append(f"{unread} bytes behind the surface were not read.")
    if header.inverted:
        warnings.append(
            "The file says that the surface was inverted or turned over in the software; it was read as it stands: "
            "marks of an inverted surface agree with none. Export the scan as it was measured."
        )
    if any(ratio not in (0.0, 1.0) for ratio in header.unit_ratios):
        warnings.append("The file shows its axes in other units than it stores them in; the stored ones were read.")
    used, ends = True if invalid is None else ~invalid, np.iinfo(header.dtype)
    if z.min(where=used, initial=ends.max) < header.lowest or z.max(where=used, initial=ends.min) > header.highest:
        warnings.append("Heights lie outside of the range that the header states: the file may be damaged.")
    return warnings


def _truncated() -> ScanRefused:
    return ScanRefused("truncated", "The file is cut off: it ends before its points do. Send it again.")


def _damaged() -> ScanRefused:
    return ScanRefused("data-damaged", "The compressed points of the file cannot be unpacked: send it again.")


def _invalid(what: str) -> ScanRefused:
    return ScanRefused("header-invalid", f"The header of the sur file is damaged: {what}. Send it again.")
