"""A zip of a few megabytes whose directory would fill the memory is refused before the directory is read."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import pytest

from exchange.bounded_zip import open_bounded_zip

ENTRIES = 100_000
BOUND = 1 << 17


def directory(entries: int) -> bytes:
    """Of files that are all the same empty place."""
    return b"".join(
        struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *(0,) * 8, 6, *(0,) * 6) + b"%06x" % number
        for number in range(entries)
    )


def end(entries: int, size: int, offset: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, entries, entries, size, offset, 0)


def plain() -> bytes:
    listed = directory(ENTRIES)
    return listed + end(0xFFFF, len(listed), 0)


def zip64() -> bytes:
    """The record at the end says that the directory is empty; that of zip64 has its size."""
    listed = directory(ENTRIES)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, ENTRIES, ENTRIES, len(listed), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(listed), 1)
    return listed + record + locator + end(0, 0, 0)


def hidden_end() -> bytes:
    """The last mark of an end stands within the record at the end: whoever looks for it finds no size behind it."""
    listed = directory(ENTRIES)
    offset = int.from_bytes(b"PK\5\6", "little")
    return listed + end(0xFFFF, len(listed), offset)


@pytest.mark.parametrize("made", [plain, zip64, hidden_end])
def test_a_directory_without_an_end_is_not_read(made: object) -> None:
    assert callable(made)
    data = made()
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile), open_bounded_zip(io.BytesIO(data), most_directory_bytes=BOUND):
        raise AssertionError("opened")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * BOUND


def test_an_honest_one_is_read_as_ever() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"x" * 10**6)
        archive.comment = b"c" * 65_535
    with open_bounded_zip(file, most_directory_bytes=BOUND) as archive:
        assert archive.read("a") == b"x" * 10**6
