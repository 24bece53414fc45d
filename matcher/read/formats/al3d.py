"""Alicona .al3d: a header of text tags, then the depth image.

Layout (after the AL3D file format specification 1.0 as open readers state it; all numbers little-endian):

    17 bytes    "AliconaImaging", NUL, CR, LF
    52 bytes    a tag: key in 20 bytes, value in 30 bytes, both text that ends at the first NUL, then CR, LF;
                first ``Version``, then ``TagCount``, then as many tags as that says
    elsewhere   at ``DepthImageOffset``: ``Rows`` rows of ``Cols`` float32 heights in metres, each row padded to a
                multiple of 8 bytes by the maker's software, not by all other programs

``PixelSizeXMeter`` and ``PixelSizeYMeter`` are in metres. Heights are micrometres in files of some programs.
A point is missing where it is NaN, or from ``InvalidPixelValue`` (3e15 unless stated) upwards.

The first row is the top of the picture, as of the texture beside it. x3p, and a ``Topography``, begin with the smallest
y, which is the bottom: the rows are turned over here. The evidence is one scan of an instrument that its maker's
software wrote as al3d and as x3p (docs/instruments.md, "The known case").
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.formats.surface import check_shape, to_topography
from matcher.read.origin import Origin, stated
from matcher.read.topography import Topography

MAGIC = b"AliconaImaging\x00\r\n"
TURNED_OVER = (
    "The rows of an al3d run from the top of the picture down, those of an x3p from the bottom up: they were turned "
    "over, as the maker's own export as x3p does. A program that keeps their order writes a mirrored x3p, which agrees "
    "with none."
)
_TAG = struct.Struct("<20s30s2s")
_TAGS_MAX = 1_000
"""Files that readers were made for have some thirty; the header is read whole."""
_MAKER = "Alicona"
_OTHER_PARTS = ("IconOffset", "TextureImageOffset")
_UM_PER_M = 1e6
_USUAL_MARKER_M = 3e15
_TOLERANCE = 1e-6
"""Relative: the marker is written as text of some seven digits and stored as float32."""


# a signalling NaN raises a floating-point flag when it is compared; what comes of it is missing
@np.errstate(invalid="ignore", over="ignore")
def read_al3d(content: bytes, limits: Limits) -> Topography:
    """The depth image of an al3d file whose first bytes are ``MAGIC``.

    1. Read the tags.
    2. Hold the dimensions against the limits, and the depth image against the file.
    3. Turn the rows over, the bottom of the picture first.
    4. Mark what is missing, and bring the heights to their canonical form.

    The map of repeatability, by which the maker's software hides unreliable points, is mentioned and not applied.

    Raises ScanRefused: "truncated", "header-invalid", "data-missing", and those of ``check_shape`` and
    ``to_topography``.
    """
    warnings: list[str] = []
    tags, end = _tags(content)
    rows, columns = _whole(tags, "Rows"), _whole(tags, "Cols")
    check_shape(rows, columns, limits)
    z = _depth_image(content, tags, end, rows, columns)[::-1]
    spacing_um = (_number(tags, "PixelSizeYMeter") * _UM_PER_M, _number(tags, "PixelSizeXMeter") * _UM_PER_M)
    if tags.get("DepthImageResPtr"):
        warnings.append("The file holds a map of repeatability, which was not applied: all measured points were read.")
    origin = Origin(manufacturer=_MAKER, version=stated(tags.get("CreatingApplication")))
    return to_topography(
        z,
        _missing(z, tags),
        _UM_PER_M,
        spacing_um,
        warnings,
        origin,
        y_direction=TURNED_OVER,
        or_micrometres=True,
    )


def _tags(content: bytes) -> tuple[dict[str, str], int]:
    """All tags, and where they end."""
    tags: dict[str, str] = {}
    start, left = len(MAGIC), 2
    while left:
        if start + _TAG.size > len(content):
            raise _truncated()
        key, value, line_end = _TAG.unpack_from(content, start)
        if line_end != b"\r\n":
            raise _invalid("a tag does not end where it should")
        tags[_text(key)] = _text(value)
        start += _TAG.size
        left -= 1
        if len(tags) == 2 and not left:
            left = _whole(tags, "TagCount")
            if not 0 < left <= _TAGS_MAX:
                raise _invalid(f"it counts {left} tags; up to {_TAGS_MAX} are read")
    return tags, start


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("latin-1").strip()


def _whole(tags: Mapping[str, str], key: str) -> int:
    text = tags.get(key, "")
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
        raise _invalid(f"{key} is no whole number")
    return int(text)


def _number(tags: Mapping[str, str], key: str) -> float:
    text = tags.get(key, "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        raise _invalid(f"{key} is no number")
    return float(text)


def _depth_image(
    content: bytes, tags: Mapping[str, str], tags_end: int, rows: int, columns: int
) -> NDArray[np.float32]:
    """The heights in the order of the file."""
    offset = _whole(tags, "DepthImageOffset")
    if offset == 0:
        raise ScanRefused("data-missing", "The file holds no depth image: export the measured surface with it.")
    if offset < tags_end:
        raise _invalid("the depth image lies inside the header")
    stride = _stride(_room(content, tags, offset), rows, columns)
    return np.ndarray((rows, columns), np.dtype("<f4"), content, offset, (stride, 4))


def _room(content: bytes, tags: Mapping[str, str], offset: int) -> int:
    """The bytes from the start of the depth image to the next part that the tags name, or to the end of the file."""
    others = [int(tags[key]) for key in _OTHER_PARTS if re.fullmatch(r"\d{1,10}", tags.get(key, ""), re.ASCII)]
    return min([len(content), *(start for start in others if start > offset)]) - offset


def _stride(room: int, rows: int, columns: int) -> int:
    """The bytes from one row to the next: padded to a multiple of 8 as the format has it, unless exactly the rows
    without padding fit."""
    packed = columns * 4
    padded = -(-packed // 8) * 8
    least = padded * (rows - 1) + packed  # the padding of the last row need not be there
    if room >= least:
        return padded
    if room == packed * rows:
        return packed
    if room < packed * rows:
        raise _truncated()
    raise ScanRefused(
        "truncated",
        f"The depth image has {room} bytes, which fit neither {rows} rows padded to 8 bytes ({least}) nor rows without "
        f"padding ({packed * rows}): the file is cut off, or written otherwise. Export it again.",
    )


def _missing(z: NDArray[np.float32], tags: Mapping[str, str]) -> NDArray[np.bool_]:
    unstated = tags.get("InvalidPixelValue", "").lower() in {"", "nan"}
    marker = _USUAL_MARKER_M if unstated else _number(tags, "InvalidPixelValue")
    tolerance = _TOLERANCE * abs(marker)
    missing: NDArray[np.bool_] = z >= np.float64(marker - tolerance)
    if marker <= 0:  # the usual marker, far above the surface, is where invalid values begin; this one is one value
        missing &= z <= np.float64(marker + tolerance)
    return missing


def _truncated() -> ScanRefused:
    return ScanRefused("truncated", "The file is cut off: it ends before its depth image does. Send it again.")


def _invalid(what: str) -> ScanRefused:
    return ScanRefused("header-invalid", f"The header of the al3d file is damaged: {what}. Send it again.")
