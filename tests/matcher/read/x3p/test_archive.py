"""The zip container: shapes that real files have are read, hostile ones refused with their reason."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS
from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty-file"),
        (b"just some words\n", "not-an-x3p"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not-an-x3p"),
        (gzip.compress(bytes(10_000_000)), "not-an-x3p"),
        (b"<?xml version='1.0'?><ISO5436_2/>", "not-an-x3p"),
        (b"PK\x05\x06" + bytes(18), "not-an-x3p"),
        (b"PK\x03\x04" + bytes(100), "truncated"),
    ],
    ids=["empty", "text", "png", "gzip-bomb", "bare-xml", "empty-zip", "zip-head-only"],
)
def test_what_is_no_x3p(refusal: Refusal, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "scan.x3p"
    path.write_bytes(content)
    assert refusal(path) == reason


def test_says_what_the_file_is_instead(tmp_path: Path) -> None:
    path = tmp_path / "scan.x3p"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ScanRefused, match="PNG image"):
        read_x3p(path)


def test_a_missing_file_is_not_the_files_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_x3p(tmp_path / "absent.x3p")


def test_every_cut_is_noticed(refusal: Refusal, make_x3p: MakeX3p, tmp_path: Path) -> None:
    whole = make_x3p().read_bytes()
    path = tmp_path / "cut.x3p"
    reasons = set()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        reasons.add(refusal(path))
    assert reasons == {"empty-file", "not-an-x3p", "truncated"}


@pytest.mark.slow
def test_every_flipped_byte_is_noticed_or_harmless(make_x3p: MakeX3p, tmp_path: Path) -> None:
    good = make_x3p()
    whole, heights = good.read_bytes(), read_x3p(good).heights_um
    path = tmp_path / "flipped.x3p"
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            np.testing.assert_array_equal(read_x3p(path).heights_um, heights)
        except ScanRefused:
            refused += 1
    assert refused > 0.7 * len(whole)  # the rest are dates, versions and attributes of the zip


def test_a_flipped_byte_in_stored_data(refusal: Refusal, make_x3p: MakeX3p, tmp_path: Path) -> None:
    with zipfile.ZipFile(make_x3p()) as made:
        entries = {name: made.read(name) for name in made.namelist()}
    path = tmp_path / "stored.x3p"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    assert read_x3p(path).coverage == 1
    data = entries["bindata/data.bin"]
    path.write_bytes(path.read_bytes().replace(data, data[:100] + bytes([data[100] ^ 1]) + data[101:]))
    assert refusal(path) == "checksum-differs"


@pytest.mark.parametrize(
    ("rename", "more"),
    [
        (lambda name: f"scan 12/{name}", {}),
        (lambda name: name, {"__MACOSX/._main.xml": b"mac", ".DS_Store": b"mac", "bindata/._data.bin": b"mac"}),
        (lambda name: name, {"bindata/": b"", "empty/": b""}),
        (lambda name: name.replace("/", "\\"), {}),
        (lambda name: f"./{name}", {}),
        (lambda name: name, {"www\\example\\lab\\settings.xml": b"<settings/>", "notes.txt": b"n"}),
    ],
    ids=["top-folder", "mac", "directories", "backslashes", "dot-slash", "vendor-files"],
)
def test_shapes_of_real_archives(make_x3p: MakeX3p, rename: Callable[[str], str], more: dict[str, bytes]) -> None:
    plain = read_x3p(make_x3p())
    read = read_x3p(make_x3p(edit_entries=lambda e: {rename(name): data for name, data in e.items()} | more))
    np.testing.assert_array_equal(read.heights_um, plain.heights_um)
    assert read.warnings == ()


def test_data_descriptors(make_x3p: MakeX3p, tmp_path: Path) -> None:
    """A writer that cannot seek leaves the sizes in the local header zero and states them behind the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(make_x3p()) as made, zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in made.namelist():
            archive.writestr(name, made.read(name))
    path = tmp_path / "piped.x3p"
    path.write_bytes(pipe.getvalue())
    assert struct.unpack_from("<H", pipe.getvalue(), 6)[0] & 0x08
    assert read_x3p(path).coverage == 1


def test_an_undeclared_mask_is_mentioned(make_x3p: MakeX3p) -> None:
    read = read_x3p(make_x3p(edit_entries=lambda e: e | {"mask.png": b"\x89PNG"}))
    assert read.coverage == 1
    assert any("mask.png" in warning for warning in read.warnings)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "bindata/../../x", "..\\x", "C:\\x", "\\\\server\\x"]
)
def test_names_that_lead_out(refusal: Refusal, make_x3p: MakeX3p, name: str) -> None:
    assert refusal(make_x3p(edit_entries=lambda e: e | {name: b"x"})) == "unsafe-path"


@pytest.mark.parametrize("link", ["/etc/passwd", "../data.bin", "file:///etc/passwd", "C:\\data.bin"])
def test_links_that_lead_out(refusal: Refusal, make_x3p: MakeX3p, link: str) -> None:
    path = make_x3p(edit_xml=lambda xml: xml.replace("<PointDataLink>bindata/data.bin", f"<PointDataLink>{link}"))
    assert refusal(path) == "unsafe-path"


def test_duplicate_names(refusal: Refusal, make_x3p: MakeX3p) -> None:
    assert refusal(make_x3p(edit_entries=lambda e: e | {"bindata\\data.bin": b"other"})) == "duplicate-entries"


def test_several_scans_in_one_archive(refusal: Refusal, make_x3p: MakeX3p) -> None:
    def twice(entries: dict[str, bytes]) -> dict[str, bytes]:
        return {f"{folder}/{name}": data for folder in "ab" for name, data in entries.items()}

    assert refusal(make_x3p(edit_entries=twice)) == "main-xml-ambiguous"


def test_an_archive_without_main_xml(refusal: Refusal, make_x3p: MakeX3p) -> None:
    assert refusal(make_x3p(edit_entries=lambda e: {"a/b/main.xml": e["main.xml"]})) == "main-xml-missing"


def test_too_many_entries(refusal: Refusal, make_x3p: MakeX3p) -> None:
    path = make_x3p(edit_entries=lambda e: e | {f"extra{n}": b"" for n in range(300)})
    assert refusal(path) == "too-many-entries"


def patched(path: Path, name: str, at: int, value: bytes) -> Path:
    """The same archive with bytes of one entry's directory record replaced (APPNOTE 4.3.12)."""
    content = bytearray(path.read_bytes())
    record = content.index(b"PK\x01\x02")
    while content[record + 46 : record + 46 + len(name)] != name.encode():
        record = content.index(b"PK\x01\x02", record + 1)
    content[record + at : record + at + len(value)] = value
    path.write_bytes(content)
    return path


def test_encrypted(refusal: Refusal, make_x3p: MakeX3p) -> None:
    assert refusal(patched(make_x3p(), "bindata/data.bin", 8, b"\x01\x00")) == "encrypted"


@pytest.mark.parametrize("method", [9, 12, 14, 99])
def test_compression_that_is_not_read(refusal: Refusal, make_x3p: MakeX3p, method: int) -> None:
    path = patched(make_x3p(), "bindata/data.bin", 10, struct.pack("<H", method))
    assert refusal(path) == "unsupported-compression"


@pytest.mark.parametrize("offset", [0x7FFFFFFF, 0xFFFFFFFF, 1])
def test_offsets_outside_the_file(refusal: Refusal, make_x3p: MakeX3p, offset: int) -> None:
    path = patched(make_x3p(), "main.xml", 42, struct.pack("<I", offset))
    assert refusal(path) == ("archive-damaged" if offset == 1 else "truncated")


def test_file_larger_than_the_limit(refusal: Refusal, make_x3p: MakeX3p) -> None:
    path = make_x3p()
    assert refusal(path, file_bytes=path.stat().st_size - 1) == "file-too-large"
    assert read_x3p(path, replace(DEFAULT_LIMITS, file_bytes=path.stat().st_size)).coverage == 1


def test_a_bomb_that_fits_its_dimensions(refusal: Refusal, make_x3p: MakeX3p) -> None:
    """20 MB of zeros in 20 kB, declared honestly: no instrument measures that."""
    assert refusal(make_x3p(np.zeros((1000, 2600)))) == "compression-ratio"


def test_a_bomb_behind_a_lying_header(refusal: Refusal, make_x3p: MakeX3p) -> None:
    """main.xml and the directory agree on a small size; the stream itself goes on for 20 MB."""
    path = make_x3p(edit_entries=lambda e: e | {"bindata/data.bin": bytes(20_000_000)})
    assert refusal(patched(path, "bindata/data.bin", 24, struct.pack("<I", 9 * 12 * 8))) == "archive-damaged"


def test_a_main_xml_bomb(refusal: Refusal, make_x3p: MakeX3p) -> None:
    path = make_x3p(edit_xml=lambda xml: xml.replace("somebody", " " * 20_000_000))
    assert refusal(path) == "compression-ratio"
    assert refusal(path, xml_bytes=1_000_000) == "entry-too-large"


def test_a_good_file_may_unpack_fifty_to_one(make_x3p: MakeX3p) -> None:
    """Seen in practice: 103.7 MB of points in a file of 2 MB. Here 22 MB at about the same ratio."""
    strips = np.random.default_rng(7).normal(0, 1e-6, (29, 1, 2, 1200))
    path = make_x3p(np.broadcast_to(strips, (29, 40, 2, 1200)).reshape(2320, 1200))
    unpacked = 2320 * 1200 * 8
    assert unpacked > DEFAULT_LIMITS.unpacked_ratio_from_bytes
    assert 30 < unpacked / path.stat().st_size < 60
    assert read_x3p(path).heights_um.shape == (2320, 1200)


def test_names_from_the_archive_are_shown_plain_and_short(make_x3p: MakeX3p) -> None:
    name = "bindata/\x1b[2J\x7f" + "x" * 300 + ".bin"

    def rename(entries: dict[str, bytes]) -> dict[str, bytes]:
        return {name if each.endswith(".bin") else each: data for each, data in entries.items()}

    def link(xml: str) -> str:
        return re.sub("<PointDataLink>[^<]*", "<PointDataLink>gone.bin", xml)

    (warning,) = read_x3p(make_x3p(edit_xml=link, edit_entries=rename)).warnings
    assert "bindata/?[2J?xxx" in warning
    assert warning.isprintable()
    assert len(warning) < 200
