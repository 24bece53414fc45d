"""The zip container of an x3p file, read with every size bounded and nothing written to disk.

Only what ISO 25178-72 needs is read (Sensofar's plux needs no more): a directory of stored or deflated entries
in one part, without ZIP64 (which begins at 4 GB). Format: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header),
4.3.12 (directory) and 4.3.16 (end of directory).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits, read_within

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_COMMENT_MAX = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_KNOWN_FORMATS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF document",
    b"<?xml": "an XML document",
}


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of the archive as its directory states it; the sizes are claims until the entry is read."""

    name: str
    flags: int
    method: int
    crc32: int
    packed_bytes: int
    unpacked_bytes: int
    header_offset: int

    @property
    def shown(self) -> str:
        """The name as it may stand in a message."""
        return printable_name(self.name)


class Archive:
    """The named entries of one x3p file, held in memory as they came.

    Names have forward slashes and are relative to the folder that holds ``index``, the document that describes
    the rest. Directory entries and what a Mac adds (``__MACOSX``, ``._name``, ``.DS_Store``) are left out.
    """

    def __init__(self, content: bytes, entries: dict[str, ArchiveEntry], limits: Limits, index: str) -> None:
        self.index = index
        self._content = content
        self._entries = entries
        self._limits = limits

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the directory."""
        return tuple(self._entries)

    def stated_bytes(self, name: str) -> int:
        """The unpacked size of an entry as the directory states it; ``read`` gives exactly that many or none."""
        return self._entries[name].unpacked_bytes

    def read(self, name: str, at_most: int, *, check_crc: bool = True) -> bytes:
        """The unpacked bytes of an entry that exists, of which there may be ``at_most``.

        Unpacking stops one byte after the stated size, so that no header can lie its way past the bound.
        ``check_crc=False`` is for entries whose MD5 the caller compares, which costs enough.

        Raises ScanRefused: "entry-too-large", "compression-ratio", "encrypted", "unsupported-compression",
        "truncated", "archive-damaged".
        """
        entry = self._entries[name]
        if entry.unpacked_bytes > at_most:
            raise ScanRefused("entry-too-large", f"{entry.shown} is larger than the {at_most} bytes that are read.")
        packed = self._packed(entry)
        if entry.method == _STORED:
            unpacked = bytes(packed)
        elif entry.method == _DEFLATED:
            unpacked = self._inflate(entry, packed)
        else:
            raise ScanRefused(
                "unsupported-compression",
                f"{entry.shown} is compressed by zip method {entry.method}; only stored and deflated entries are read: "
                "save the file again with ordinary zip compression.",
            )
        if len(unpacked) != entry.unpacked_bytes or (check_crc and zlib.crc32(unpacked) != entry.crc32):
            raise _damaged(f"{entry.shown} does not unpack to the bytes that the zip directory states")
        return unpacked

    def _packed(self, entry: ArchiveEntry) -> memoryview:
        if entry.flags & _ENCRYPTED:
            raise ScanRefused("encrypted", f"{entry.shown} is encrypted: send the file without a password.")
        start = entry.header_offset
        if start + _LOCAL.size > len(self._content):
            raise _truncated()
        signature, *_, name_bytes, extra_bytes = _LOCAL.unpack_from(self._content, start)
        if signature != b"PK\x03\x04":
            raise _damaged(f"{entry.shown} does not begin where the zip directory says")
        start += _LOCAL.size + name_bytes + extra_bytes
        if start + entry.packed_bytes > len(self._content):
            raise _truncated()
        return memoryview(self._content)[start : start + entry.packed_bytes]

    def _inflate(self, entry: ArchiveEntry, packed: memoryview) -> bytes:
        limits = self._limits
        if entry.unpacked_bytes > max(limits.unpacked_ratio_from_bytes, limits.unpacked_ratio * entry.packed_bytes):
            raise ScanRefused(
                "compression-ratio",
                f"{entry.shown} unpacks to more than {limits.unpacked_ratio:.0f} times its size, "
                "which no measured surface does: export the scan again.",
            )
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.unpacked_bytes + 1)
        except zlib.error as error:
            raise _damaged(f"{entry.shown} cannot be unpacked") from error


def open_archive(path: Path, limits: Limits, indexes: Sequence[str] = ("main.xml",)) -> Archive:
    """Reads the file into memory and its zip directory into entries.

    1. Read no more than the bound, and say what the file is if it is no zip.
    2. Find the end of the directory and walk the entries it counts.
    3. Refuse names that lead out of the archive, and names that occur twice.
    4. Find main.xml (the first of ``indexes`` that is there), at the top or in the one top folder, and name
       everything relative to it.

    Raises ScanRefused: "file-too-large", "empty-file", "not-an-x3p", "truncated", "archive-damaged",
    "too-many-entries", "unsafe-path", "duplicate-entries", "main-xml-missing", "main-xml-ambiguous".
    OSError when the file cannot be opened, which is not the file's fault.
    """
    content = read_within(path, limits)
    _check_kind(content)
    entries = [entry for entry in _directory(content, limits) if _is_wanted(entry.name)]
    names = {entry.name for entry in entries}
    if len(names) != len(entries):
        raise ScanRefused("duplicate-entries", "Two entries of the archive have the same name: export the scan again.")
    index, folder = _place_of_index(names, indexes)
    inside = {entry.name.removeprefix(folder): entry for entry in entries if entry.name.startswith(folder)}
    return Archive(content, inside, limits, index)


def _check_kind(content: bytes) -> None:
    if not content.startswith(b"PK\x03\x04"):
        kind = next((what for magic, what in _KNOWN_FORMATS.items() if content.startswith(magic)), "no zip archive")
        raise ScanRefused("not-an-x3p", f"This is {kind}, not an x3p file: send the topography as x3p.")


def _directory(content: bytes, limits: Limits) -> Iterator[ArchiveEntry]:
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - _END.size - _COMMENT_MAX))
    if end < 0 or end + _END.size > len(content):
        raise _truncated()
    _, disk, first_disk, here, count, size, start, _ = _END.unpack_from(content, end)
    if disk or first_disk or here != count or start + size > end:
        raise _damaged("the zip directory is not where the end of the file says")
    if count > limits.archive_entries or size > limits.archive_directory_bytes:
        raise ScanRefused(
            "too-many-entries", f"The archive holds more than {limits.archive_entries} entries: send the scan alone."
        )
    for _ in range(count):
        if start + _CENTRAL.size > end:
            raise _damaged("the zip directory ends too early")
        fields = _CENTRAL.unpack_from(content, start)
        signature, _, _, flags, method, _, _, crc32, packed, unpacked, name_bytes, extra, comment = fields[:13]
        if signature != b"PK\x01\x02":
            raise _damaged("the zip directory is unreadable")
        start += _CENTRAL.size
        name = _safe_name(content[start : start + name_bytes], flags)
        yield ArchiveEntry(name, flags, method, crc32, packed, unpacked, header_offset=fields[16])
        start += name_bytes + extra + comment


def _safe_name(raw: bytes, flags: int) -> str:
    # CP437 decodes every byte, so a name that is not the UTF-8 it claims to be is still a name
    name = raw.decode("utf-8" if flags & _UTF8 else "cp437", errors="replace").replace("\\", "/")
    name = re.sub(r"^(\./)+", "", name)
    if not name or name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
        raise ScanRefused(
            "unsafe-path", "The archive holds a name that leads out of it: do not trust where this file came from."
        )
    return name


def _is_wanted(name: str) -> bool:
    parts = name.split("/")
    return not (name.endswith("/") or parts[0] == "__MACOSX" or parts[-1].startswith(("._", ".DS_Store")))


def _place_of_index(names: set[str], indexes: Sequence[str]) -> tuple[str, str]:
    for index in indexes:
        if index in names:
            return index, ""
        folders = [name.removesuffix(index) for name in names if re.fullmatch(rf"[^/]+/{re.escape(index)}", name)]
        if len(folders) > 1:
            raise ScanRefused("main-xml-ambiguous", "The archive holds several scans: send each as a file of its own.")
        if folders:
            return index, folders[0]
    raise ScanRefused("main-xml-missing", "The archive holds no main.xml: this is a zip file, but no x3p.")


def printable_name(name: str) -> str:
    """A name from a file, fit for a message: short, and without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:100])


def _truncated() -> ScanRefused:
    return ScanRefused("truncated", "The file is cut off: it ends before its zip directory does. Send it again.")


def _damaged(what: str) -> ScanRefused:
    return ScanRefused("archive-damaged", f"The file is damaged: {what}. Send it again.")
