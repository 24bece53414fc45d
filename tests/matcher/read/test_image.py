"""Photographs: told by their content, bounded before they are decoded, decoded before they are believed."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS
from matcher.read.image import ImageInfo, inspect_image

ORIENTATION = 0x0112


def picture(mode: str = "RGB") -> Image.Image:
    """80 pixels wide, 64 high."""
    rng = np.random.default_rng(1)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (64, 80), np.uint16))
    return Image.fromarray(rng.integers(0, 256, (64, 80, 3), np.uint8)).convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


SEEDS = [
    encoded(picture("L").crop((0, 0, 8, 8)), "PNG"),
    encoded(picture().crop((0, 0, 8, 8)), "JPEG"),
    *(encoded(picture().crop((0, 0, 8, 8)), "TIFF", compression=how) for how in (None, "tiff_lzw", "jpeg")),
]


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[..., ImageInfo]:
    def of(content: bytes, name: str = "scan.bin", **limits: int) -> ImageInfo:
        path = tmp_path / name
        path.write_bytes(content)
        return inspect_image(path, replace(DEFAULT_LIMITS, **limits))

    return of


@pytest.fixture
def refusal(inspect: Callable[..., ImageInfo]) -> Callable[..., str]:
    def of(content: bytes, **limits: int) -> str:
        with pytest.raises(ScanRefused) as caught:
            inspect(content, **limits)
        return caught.value.reason

    return of


@pytest.mark.parametrize(
    ("mode", "kind", "options", "bits", "channels"),
    [
        ("RGB", "PNG", {}, 8, 3),
        ("L", "PNG", {}, 8, 1),
        ("LA", "PNG", {}, 8, 2),
        ("RGBA", "PNG", {}, 8, 4),
        ("P", "PNG", {}, 8, 1),
        ("I;16", "PNG", {}, 16, 1),
        ("RGB", "JPEG", {"quality": 90}, 8, 3),
        ("L", "JPEG", {"progressive": True}, 8, 1),
        ("RGB", "TIFF", {}, 8, 3),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}, 8, 3),
        ("RGB", "TIFF", {"compression": "tiff_deflate"}, 8, 3),
        ("RGB", "TIFF", {"compression": "jpeg"}, 8, 3),
        ("I;16", "TIFF", {}, 16, 1),
        ("I;16", "TIFF", {"compression": "tiff_lzw"}, 16, 1),
    ],
)
def test_good_images(
    inspect: Callable[..., ImageInfo], mode: str, kind: str, options: dict[str, Any], bits: int, channels: int
) -> None:
    info = inspect(encoded(picture(mode), kind, **options))
    assert info == ImageInfo(f"image/{kind.lower()}", 80, 64, bits, channels, orientation=1)


def test_the_name_says_nothing(inspect: Callable[..., ImageInfo], refusal: Callable[..., str]) -> None:
    assert inspect(encoded(picture(), "PNG"), name="scan.jpg").media_type == "image/png"
    assert refusal(b"PK\x03\x04" + bytes(100)) == "not-an-image"
    assert refusal(encoded(picture(), "GIF")) == "not-an-image"
    assert refusal(encoded(picture(), "BMP")) == "not-an-image"
    assert refusal(encoded(picture(), "TIFF", big_tiff=True)) == "not-an-image"
    assert refusal(b"GIF89a, or so it says") == "not-an-image"
    assert refusal(b"") == "empty-file"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_how_the_camera_was_held(inspect: Callable[..., ImageInfo], kind: str, orientation: int) -> None:
    """The pixels stay as stored: 80 wide, whatever turn the tag asks for."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    info = inspect(encoded(picture(), kind, exif=exif))
    assert (info.width, info.height, info.orientation) == (80, 64, orientation)
    assert [("mirrored" in warning) for warning in info.warnings] == [True] * (orientation in (2, 4, 5, 7))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_orientation_that_does_not_exist(inspect: Callable[..., ImageInfo], kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 77
    info = inspect(encoded(picture(), kind, exif=exif))
    assert info.orientation == 1
    assert len(info.warnings) == 1


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
    ],
)
def test_every_cut_is_noticed(refusal: Callable[..., str], kind: str, options: dict[str, Any]) -> None:
    whole = encoded(picture(), kind, **options)
    # JPEG and some encoders end in two bytes, or padding, that no pixel needs
    cuts = {*range(1, 64), *range(64, len(whole) - 64, len(whole) // 50)}
    assert {refusal(whole[:length]) for length in cuts} <= {"image-damaged", "not-an-image"}


def test_a_flipped_byte_in_a_png(refusal: Callable[..., str]) -> None:
    whole = encoded(picture(), "PNG")
    for place in range(40, len(whole) - 20, 97):
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert refusal(flipped) == "image-damaged"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def ihdr(width: int, height: int, bits: int = 8) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))


def png(width: int, height: int, bits: int = 8, data: bytes = b"", *, more: bytes = b"") -> bytes:
    idat = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + ihdr(width, height, bits) + more + idat + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (20_001, 10, "image-too-large"),
        (10, 20_001, "image-too-large"),
        (9_000, 9_000, "image-too-large"),
        (0xFFFFFFFF, 0xFFFFFFFF, "image-too-large"),
        (0, 10, "image-damaged"),
        (10, 0, "image-damaged"),
        (10, 10, "image-damaged"),
    ],
)
def test_png_headers(refusal: Callable[..., str], width: int, height: int, reason: str) -> None:
    assert refusal(png(width, height)) == reason


def test_a_png_bomb_is_bounded_by_its_dimensions(inspect: Callable[..., ImageInfo]) -> None:
    """More data than the header states is never unpacked into pixels."""
    assert inspect(png(10, 10, data=bytes(5_000_000))).width == 10


@pytest.mark.parametrize("more", [ihdr(150_000, 150_000), ihdr(10, 10, 16), ihdr(10, 10)])
def test_a_png_with_two_headers(refusal: Callable[..., str], more: bytes) -> None:
    """The decoder believes the last one: 22 GB from 192 bytes, where the first one alone is checked."""
    assert refusal(png(10, 10, data=bytes(110), more=more)) == "image-damaged"
    animated = chunk(b"acTL", struct.pack(">II", 1, 0)) + more
    assert refusal(png(10, 10, data=bytes(110), more=animated)) == "image-damaged"


def patched_jpeg(height: int, width: int) -> bytes:
    content = bytearray(encoded(picture(), "JPEG"))
    frame = content.index(b"\xff\xc0")  # ITU-T T.81, B.2.2: marker, length, precision, lines, samples per line
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def test_jpeg_headers(refusal: Callable[..., str]) -> None:
    assert refusal(patched_jpeg(65_000, 65_000)) == "image-too-large"
    assert refusal(patched_jpeg(64, 30_000)) == "image-too-large"
    assert refusal(patched_jpeg(0, 80)) == "image-damaged"


def test_a_jpeg_with_two_frames(refusal: Callable[..., str]) -> None:
    content = encoded(picture(), "JPEG", progressive=True)
    frame = content.index(b"\xff\xc2")
    (length,) = struct.unpack_from(">H", content, frame + 2)
    once = bytearray(content[frame : frame + 2 + length])
    once[5:9] = struct.pack(">HH", 8_000, 8_000)
    for two in (content[:frame] + once + content[frame:], content[: frame + 2 + length] + once + content[frame + 19 :]):
        assert refusal(two) == "image-damaged"


def patched_tiff(tag: int, value: int, instead_of: int | None = None) -> bytes:
    """One directory entry made a single 32-bit value, or put in the place of another (TIFF 6.0, section 2)."""
    content = bytearray(encoded(picture("L"), "TIFF", description="words"))
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry)[0] == (instead_of or tag):
            content[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, value)
            return bytes(content)
    raise AssertionError(f"no tag {tag}")


def test_tiff_headers(refusal: Callable[..., str]) -> None:
    assert refusal(patched_tiff(256, 30_000)) == "image-too-large"
    assert refusal(patched_tiff(257, 0xFFFFFFFF)) == "image-too-large"
    assert refusal(patched_tiff(256, 0)) == "image-damaged"
    assert refusal(patched_tiff(257, 6400)) == "image-damaged"  # a hundred strips stated, one there


@pytest.mark.parametrize("tag", [322, 323])
def test_a_tiff_tile_larger_than_any_image(refusal: Callable[..., str], tag: int) -> None:
    assert refusal(patched_tiff(tag, 60_000, instead_of=270)) == "image-too-large"


@pytest.mark.parametrize("tag", [256, 257])
def test_a_tiff_that_states_a_size_twice(refusal: Callable[..., str], tag: int) -> None:
    assert refusal(patched_tiff(tag, 8_000, instead_of=270)) == "image-damaged"


@pytest.mark.parametrize("bits", [1, 2, 4, 12, 32, 64])
def test_bit_depths_of_tiff(refusal: Callable[..., str], bits: int) -> None:
    assert refusal(patched_tiff(258, bits)) == "bit-depth-not-supported"


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_bit_depths_of_png(refusal: Callable[..., str], bits: int) -> None:
    assert refusal(png(8, 8, bits, bytes(16))) == "bit-depth-not-supported"


def test_floating_point_tiff(refusal: Callable[..., str]) -> None:
    assert refusal(encoded(Image.fromarray(np.zeros((8, 8), np.float32)), "TIFF")) == "bit-depth-not-supported"


def test_pages_and_animations(refusal: Callable[..., str]) -> None:
    other = Image.eval(picture(), lambda value: 255 - value)
    for kind in ("TIFF", "PNG"):
        assert refusal(encoded(picture(), kind, save_all=True, append_images=[other])) == "multi-page"


def test_limits(inspect: Callable[..., ImageInfo], refusal: Callable[..., str]) -> None:
    content = encoded(picture(), "PNG")
    assert refusal(content, file_bytes=len(content) - 1) == "file-too-large"
    assert refusal(content, image_pixels=80 * 64 - 1) == "image-too-large"
    assert refusal(content, image_side_pixels=79) == "image-too-large"
    assert inspect(content, file_bytes=len(content), image_pixels=80 * 64, image_side_pixels=80).height == 64


@pytest.mark.slow
@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.data())
def test_damaged_images_are_read_or_refused(inspect: Callable[..., ImageInfo], data: st.DataObject) -> None:
    """Nothing but a refusal may escape from Pillow, and what is read stays within the limits."""
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        info = inspect(bytes(content), image_pixels=100_000)
    except ScanRefused:
        return
    assert 0 < info.width * info.height <= 100_000
    assert info.bits in (8, 16)


@pytest.mark.data
def test_real_photographs(ffp_data: Path) -> None:
    paths = sorted((ffp_data / "reflectance").glob("*.png"))
    assert len(paths) == 2
    for path in paths:
        assert inspect_image(path) == ImageInfo("image/png", 2592, 1944, 8, 1, orientation=1)
