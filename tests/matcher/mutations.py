"""Damage done to good files on purpose: bytes, lengths, splices, and what lies behind a checksum or a compression."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
"""Makes a damaged file of a good one, with the other good ones of its kind to take parts from."""

CANNOT = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, LookupError, OSError, EOFError, RuntimeError)
"""What a mutation raises on a file that is damaged already, and cannot be unpacked to be damaged further."""

_LARGE = 400_000
"""Damage that repeats what was repeated grows without end; nothing larger is made larger."""

_BYTES = (0, 1, 0x20, 0x2F, 0x50, 0x7F, 0x80, 0xFE, 0xFF)
_NUMBERS = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_TEXTS = (
    *("", "0", "-1", "1", "2", "13", "1e999", "-1e-999", "nan", "inf", "99999999999", "9" * 5000, "1,5", "0x10", "1_0"),
    *(
        "../x",
        "/etc/passwd",
        "C:\\x",
        "A",
        "I",
        "L",
        "D",
        "SUR",
        "PRF",
        "PCL",
        "é",
        "]]>",
        "<a/>",
        "&amp;",
        "&b;",
        "\0",
    ),
    *(
        "LAYER_0.raw",
        "main.xml",
        "bindata/data.bin",
        "1;2;3",
        ";;",
        "<Datum>1</Datum>" * 40,
        "<a>" * 30,
        "<!--",
        "<?x?>",
    ),
)


def flip(random: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        place = random.randrange(len(changed))
        changed[place] = random.choice((*_BYTES, changed[place] ^ (1 << random.randrange(8))))
    return bytes(changed)


def cut(random: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = sorted((random.randrange(len(content) + 1), random.randrange(len(content) + 1)))
    return random.choice((content[:start], content[start:], content[:start] + content[end:]))


def splice(random: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    start, end = sorted((random.randrange(len(other) + 1), random.randrange(len(other) + 1)))
    place = random.randrange(len(content) + 1)
    part = other[start:end] * random.choice((1, 1, 1, 20 if len(other) < _LARGE else 1))
    return content[:place] + part + content[place + random.choice((0, len(part))) :]


def restate(random: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    """Overwrites what may be a length, a count or an offset, mostly near the beginning or the end."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2))):
        size = random.choice((2, 4, 4, 8))
        most = max(1, len(changed) - size)
        place = random.choice(
            (random.randrange(most), random.randrange(min(most, 600)), most - random.randrange(min(most, 200)))
        )
        number = random.choice((*_NUMBERS, len(content), len(content) + 1, len(content) - 1, random.randrange(2**32)))
        order = random.choice("<>")
        changed[place : place + size] = (
            struct.pack(f"{order}Q", number)[-size:] if order == ">" else struct.pack("<Q", number)[:size]
        )
    return bytes(changed)


PLAIN: tuple[Mutation, ...] = (flip, cut, splice, restate)


def in_xml(random: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    """Changes texts, tags and elements of an XML document."""
    xml = content.decode("utf-8", errors="replace")
    for _ in range(random.choice((1, 1, 2, 5))):
        places = list(re.finditer(r"(?<=>)[^<>\s]+(?=<)|</?[A-Za-z0-9_:]+/?>|<(\w+)>[^<]*</\1>", xml))
        if not places or len(xml) > _LARGE:
            break
        place, other = random.choice(places), random.choice(places)
        new = random.choice(
            (
                random.choice(_TEXTS),
                other[0],
                place[0][:100] * random.choice((2, 2000)),
                random.choice(("<!DOCTYPE a>", "&#0;")),
            )
        )
        xml = xml[: place.start()] + new + xml[place.end() :]
    return xml.encode("utf-8", errors="replace")


def in_zip(random: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Changes an entry of a zip archive, or its name, and packs all anew, so that every CRC is right.

    Checksums that an x3p states are taken out half of the time: what was changed is then read.
    """
    entries = unpacked(content)
    name = random.choice(sorted(entries))
    how = random.choice(("bytes", "bytes", "xml", "xml", "xml", "name", "drop", "swap"))
    if how == "bytes":
        entries[name] = random.choice(PLAIN)(
            random, entries[name] or b"x", [unpacked(random.choice(others)).get(name) or b"y"]
        )
    elif how == "xml":
        for each in entries:
            if each.endswith(".xml"):
                entries[each] = in_xml(random, entries[each], others)
    elif how == "name":
        new = random.choice(
            ("../x", "/x", "main.xml", "index.xml", "a/main.xml", "x" * 300, "bindata\\data.bin", "é", name.upper())
        )
        entries[new] = entries.pop(name)
    elif how == "drop":
        del entries[name]
    else:
        other = random.choice(sorted(entries))
        entries[name], entries[other] = entries[other], entries[name]
    if random.random() < 0.5:
        entries.pop("md5checksum.hex", None)
        if "main.xml" in entries:
            entries["main.xml"] = re.sub(rb"<(MD5\w+)>\w+</\1>", b"", entries["main.xml"])
    return packed(entries, random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)))


def in_streams(random: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Changes the points of a compressed sur file and packs them anew, so that the checksum of zlib is right."""
    if not content.startswith(b"DSCOMPRESSED"):
        return random.choice(PLAIN)(random, content, others)
    streams, plain, packed_bytes = struct.unpack_from("<III", content, 512)
    points = zlib.decompressobj().decompress(content[516 + 8 * streams :][:packed_bytes])
    points = random.choice(PLAIN)(random, points, [points])
    stream = zlib.compress(points)
    stated = (random.choice((1, 1, 2)), random.choice((len(points), plain)), len(stream))
    head = random.choice(PLAIN[::3])(random, content[:512], others) if random.random() < 0.5 else content[:512]
    return head + struct.pack("<III", *stated) + stream


def in_chunks(random: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Changes a chunk of a PNG and states its CRC anew."""
    if not content.startswith(b"\x89PNG"):
        return random.choice(PLAIN)(random, content, others)
    chunks, start = [], 8
    while start + 8 <= len(content):
        (size,) = struct.unpack_from(">I", content, start)
        chunks.append((content[start + 4 : start + 8], content[start + 8 : start + 8 + size]))
        start += 12 + size
    which = random.randrange(len(chunks))
    kind, data = chunks[which]
    chunks[which] = (kind, random.choice(PLAIN)(random, data or b"x", [data or b"y"]))
    if random.random() < 0.2:
        chunks.insert(random.randrange(len(chunks) + 1), random.choice(chunks))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()
