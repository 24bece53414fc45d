"""Whether a scan's end is there: what is still being copied lacks it. The reader of scans has the last word on each."""

from __future__ import annotations

import os
from typing import IO, Final

_TAIL = 65_557
"""The record at the end of a zip, with the longest comment."""
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_BYTES: Final = 22
_PNG, _PNG_END = b"\x89PNG", b"IEND\xaeB`\x82"
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_TIFF: Final = {b"II*\0": "little", b"MM\0*": "big"}


def begins_as_scan(file: IO[bytes]) -> bool:
    """Whether it begins as any kind of file that is taken, whatever its name says. Leaves the file at its beginning."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    return head in _TIFF or head.startswith((b"PK", _PNG, _JPEG))


def looks_whole(file: IO[bytes]) -> bool:
    """By the first and the last bytes alone, so that a large scan costs as little as a small one. Leaves the file at
    its beginning."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = file.read(8)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    if head.startswith(b"PK"):
        return _is_whole_zip(tail, size)
    if head.startswith(_PNG):
        return _PNG_END in tail
    if head.startswith(_JPEG):
        return _JPEG_END in tail[2 if size == len(tail) else 0 :]
    order = _TIFF.get(head[:4])
    if order == "little":
        return 8 <= int.from_bytes(head[4:], "little") < size
    if order == "big":
        return 8 <= int.from_bytes(head[4:], "big") < size
    return size > 0


def _is_whole_zip(tail: bytes, size: int) -> bool:
    """Its last record is there, and the directory that it names lies before it."""
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < _ZIP_END_BYTES:
        return False
    length, offset = (int.from_bytes(tail[at + place : at + place + 4], "little") for place in (12, 16))
    return offset + length <= size - (len(tail) - at)
