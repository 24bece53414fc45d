"""The points of an x3p file as they are stored: binary matrices, their valid-points list, or text in main.xml.

ISO 25178-72:2017, data.bin: little-endian, x fastest, then y, then layers. Every point carries its coordinates
on the absolute axes, interleaved; an incremental axis stores nothing. valid.bin: one bit a point in the same
order, lowest bit first, 1 = valid.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.canonical import Stored
from matcher.read.x3p.archive import Archive, printable_name
from matcher.read.x3p.document import Axis, DataLink, Datums, Header


@dataclass(frozen=True)
class Points:
    """The points of the first layer in file order, each array of shape (n,), in the units of the file.

    ``z`` as stored: counts for an integer axis. ``x`` and ``y`` are None for an incremental axis.
    ``invalid`` is True where the valid-points list rules a point out; None without such a list.
    """

    x: Stored | None
    y: Stored | None
    z: Stored
    invalid: NDArray[np.bool_] | None


def load_points(archive: Archive, header: Header, limits: Limits, warnings: list[str]) -> Points:
    """The first layer of what the header links or lists; doubts are added to ``warnings``.

    Raises ScanRefused: "data-missing", "unsafe-path", "data-size-differs", "dimensions-out-of-range",
    "checksum-differs", and what ``Archive.read`` raises.
    """
    if isinstance(header.points, Datums):
        return _from_text(header, header.points)
    return _from_binary(archive, header, header.points, limits, warnings)


def check_md5(content: bytes, stated: str | None, what: str, warnings: list[str]) -> None:
    """Compares content with the MD5 stated for it, in either case of letters; none stated is a warning.

    MD5 shows damage in transit and nothing else: who made the file is shown by the signature of the record.
    """
    if not stated:
        warnings.append(f"{what} carries no checksum: damage would not have been noticed.")
    elif hashlib.md5(content, usedforsecurity=False).hexdigest() != stated.strip().lower():
        raise ScanRefused("checksum-differs", f"{what} does not have the MD5 stated for it: send the file again.")


def _from_text(header: Header, datums: Datums) -> Points:
    stated, first = math.prod(header.shape), math.prod(header.shape[1:])
    if datums.z.size != stated:
        raise ScanRefused(
            "data-size-differs",
            f"main.xml lists {datums.z.size} points and states dimensions for {stated}: export the scan again.",
        )
    return Points(
        x=_text_axis(header.x, datums.x, first),
        y=_text_axis(header.y, datums.y, first),
        z=datums.z[:first],
        invalid=None,
    )


def _text_axis(axis: Axis, column: NDArray[np.float64] | None, first: int) -> NDArray[np.float64] | None:
    if axis.absolute and column is not None:
        return column[:first]
    if axis.absolute or (column is not None and np.isfinite(column).any()):
        raise ScanRefused(
            "main-xml-invalid",
            "The datums of main.xml lack a coordinate on an absolute axis or have one on an incremental axis: "
            "export the scan again.",
        )
    return None


def _from_binary(archive: Archive, header: Header, link: DataLink, limits: Limits, warnings: list[str]) -> Points:
    stored = [("x", header.x)] * header.x.absolute + [("y", header.y)] * header.y.absolute + [("z", header.z)]
    record = np.dtype([(name, axis.dtype) for name, axis in stored])
    stated, first = math.prod(header.shape), math.prod(header.shape[1:])
    content = _linked(archive, link.points, stated * record.itemsize, link.points_md5, limits, warnings)
    records = np.frombuffer(content, dtype=record, count=first)
    invalid = None
    if link.valid is not None:
        mask = _linked(archive, link.valid, (stated + 7) // 8, link.valid_md5, limits, warnings)
        bits = np.unpackbits(np.frombuffer(mask, np.uint8), count=first, bitorder="little")
        invalid = bits == 0
    return Points(
        x=records["x"] if header.x.absolute else None,
        y=records["y"] if header.y.absolute else None,
        z=records["z"],
        invalid=invalid,
    )


def _linked(
    archive: Archive, link: str, expected_bytes: int, md5: str | None, limits: Limits, warnings: list[str]
) -> bytes:
    name = _resolve(archive, link, expected_bytes, warnings)
    if expected_bytes > limits.data_bytes:
        raise ScanRefused(
            "dimensions-out-of-range",
            f"The stated dimensions make {expected_bytes} bytes of points; {limits.data_bytes} are read.",
        )
    if archive.stated_bytes(name) != expected_bytes:
        raise ScanRefused(
            "data-size-differs",
            f"{printable_name(name)} has {archive.stated_bytes(name)} bytes where the dimensions in main.xml make "
            f"{expected_bytes}: export the scan again.",
        )
    content = archive.read(name, expected_bytes, check_crc=md5 is None)
    check_md5(content, md5, printable_name(name), warnings)
    return content


def _resolve(archive: Archive, link: str, expected_bytes: int, warnings: list[str]) -> str:
    """The entry that a link means; a misspelt link is followed when one .bin entry alone has the right size."""
    name = link.replace("\\", "/").removeprefix("./")
    if name.startswith("/") or ":" in name or ".." in name.split("/"):
        raise ScanRefused(
            "unsafe-path", "main.xml links to data outside the archive: do not trust where this file came from."
        )
    if name in archive.names:
        return name
    fitting = [
        entry
        for entry in archive.names
        if entry.lower().endswith(".bin") and archive.stated_bytes(entry) == expected_bytes
    ]
    if len(fitting) != 1:
        raise ScanRefused("data-missing", "The data that main.xml links to is not in the archive: export it again.")
    warnings.append(
        f"main.xml links to data that is not there; {printable_name(fitting[0])} was read, which alone fits."
    )
    return fitting[0]
