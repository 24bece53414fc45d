"""Photographs of exhibits: what kind of image a file really is, checked by decoding all of it.

Media types are told from the content, never from the name. What the image shows is not looked at here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits, read_within

_BITS = (8, 16)
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS = 256, 257, 258
_TIFF_STRIPS, _TIFF_ROWS_A_STRIP = 273, 278
_TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 322, 323
_MIRRORED = (2, 4, 5, 7)
_ON_ITS_SIDE = 5
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What shows an image upright, by its Exif orientation."""
_LUMINANCE = (0.299, 0.587, 0.114)

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    ArithmeticError,
    struct.error,
    UserWarning,
)
"""What Pillow's readers raise on damaged input, found by fuzzing them; the last where warnings are errors."""


@dataclass(frozen=True)
class ImageInfo:
    """A photograph that decodes completely.

    ``width`` and ``height`` are pixels as stored, before the turn that ``orientation`` asks for.
    ``bits`` per channel, 8 or 16. ``channels``: 1 grey or palette, 2 grey and alpha, 3 colour, 4 colour and
    alpha (or ink). ``orientation``: Exif 2.32 tag 0x0112, from 1 (as stored) to 8.
    """

    media_type: str
    width: int
    height: int
    bits: int
    channels: int
    orientation: int
    warnings: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) as it is shown: ``orientation`` 5 to 8 lays it on its side."""
        return (self.width, self.height) if self.orientation >= _ON_ITS_SIDE else (self.height, self.width)


@dataclass(frozen=True)
class _Stated:
    """What the header alone says; ``tile`` is what a decoder allocates at once, (0, 0) without tiles."""

    size: tuple[int, int]
    bits: frozenset[int]
    tile: tuple[int, int] = (0, 0)
    orientation: int | None = None
    complete: bool = True


def inspect_image(path: Path, limits: Limits = DEFAULT_LIMITS) -> ImageInfo:
    """Tells what image a file holds, or refuses it.

    1. Read no more than the bound, and tell the media type from the first bytes.
    2. Parse the header alone, and hold its dimensions and bit depth against the limits.
    3. Open the image, and refuse animations and files of several pages: which would be the exhibit?
    4. Decode every pixel, so that a cut or damaged file is found today and not in court. (JPEG has no
       checksum: a scan that stops early but ends properly decodes with grey in its place.)
    5. Note how the camera was held.

    Raises ScanRefused: "file-too-large", "empty-file", "not-an-image", "image-damaged", "image-too-large",
    "bit-depth-not-supported", "multi-page". OSError when the file cannot be opened.
    """
    content = read_within(path, limits)
    media_type = _media_type(content)
    try:
        stated = _stated(content, media_type)
        _check(stated, limits)
        image = _open(content, media_type, stated.size)
        _check_single(image)
        _decode(image, content)
    except _BROKEN as error:
        raise ScanRefused(
            "image-damaged", "The image is cut off or damaged and cannot be decoded: send it again."
        ) from error
    orientation, warnings = _orientation(image, stated)
    channels = len(image.getbands())
    return ImageInfo(media_type, *stated.size, min(stated.bits), channels, orientation, warnings)


def _media_type(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"II*\0", b"MM\0*")):
        return "image/tiff"
    raise ScanRefused("not-an-image", "The file is no PNG, TIFF or JPEG: export the photograph as one of these.")


def _stated(content: bytes, media_type: str) -> _Stated:
    if media_type == "image/png":
        _check_one_header(content)
        width, height, bits = struct.unpack_from(">IIB", content, 16)  # PNG 3rd edition, 11.2.1: IHDR comes first
        return _Stated((width, height), frozenset({bits}))
    if media_type == "image/jpeg":
        return _Stated(JpegImageFile(BytesIO(content)).size, frozenset({8}))
    _check_tags_once(content)
    tags = ImageFileDirectory_v2(content[:8])
    file = BytesIO(content)
    file.seek(tags.next)
    tags.load(file)
    bits = tags.get(_TIFF_BITS, (1,))
    return _Stated(
        size=(_whole(tags[_TIFF_WIDTH]), _whole(tags[_TIFF_HEIGHT])),
        bits=frozenset(_whole(each) for each in bits),
        tile=(_whole(tags.get(_TIFF_TILE_WIDTH, 0)), _whole(tags.get(_TIFF_TILE_HEIGHT, 0))),
        # Pillow turns a TIFF as it decodes it, and forgets that it did
        orientation=tags.get(ExifTags.Base.Orientation, 1),
        complete=_strips_complete(tags),
    )


def _check_one_header(content: bytes) -> None:
    """PNG 3rd edition, 5.6: one IHDR. Of several the decoder believes the last, whatever the first one states."""
    place, headers = 8, 0
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        headers += kind == b"IHDR"
        place += length + 12  # length, name and checksum take 12 bytes
    if headers != 1 or content[12:16] != b"IHDR":
        raise ValueError("the PNG does not have one header, at its start")


def _check_tags_once(content: bytes) -> None:
    """TIFF 6.0, section 2: tags rise. Of one that is repeated, readers differ in which they believe."""
    order = "<" if content.startswith(b"II") else ">"
    (first,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, first)
    tags = [struct.unpack_from(order + "H", content, first + 2 + 12 * entry)[0] for entry in range(count)]
    if len(set(tags)) != len(tags):
        raise ValueError("a TIFF tag is stated twice")


def _strips_complete(tags: ImageFileDirectory_v2) -> bool:
    """TIFF 6.0, section 3: strips that are not there would decode as black rows, without an error."""
    height = _whole(tags[_TIFF_HEIGHT])
    rows = _whole(tags.get(_TIFF_ROWS_A_STRIP, height))
    return _TIFF_STRIPS not in tags or len(tags[_TIFF_STRIPS]) * rows >= height


def _whole(stated: object) -> int:
    if not isinstance(stated, int):
        raise TypeError("a TIFF dimension is no whole number")
    return stated


def _check(stated: _Stated, limits: Limits) -> None:
    for width, height in (stated.size, stated.tile):
        if max(width, height) > limits.image_side_pixels or width * height > limits.image_pixels:
            raise ScanRefused(
                "image-too-large",
                f"The image states {width} x {height} pixels; sides of {limits.image_side_pixels} and "
                f"{limits.image_pixels} pixels in all are read.",
            )
    if len(stated.bits) != 1 or not stated.bits.issubset(_BITS):
        raise ScanRefused(
            "bit-depth-not-supported",
            f"The image has {' and '.join(map(str, sorted(stated.bits)))} bits a channel; 8 and 16 are read: "
            "convert it without stretching its values.",
        )
    if not stated.complete:
        raise ValueError("the TIFF lacks strips")


def _open(content: bytes, media_type: str, size: tuple[int, int]) -> Image.Image:
    """The image, not decoded yet; refused where the reader would decode another size than the one that was checked."""
    # the readers themselves, not Image.open, which judges sizes by bounds of its own
    image: Image.Image
    match media_type:
        case "image/png":
            image = PngImageFile(BytesIO(content))
        case "image/jpeg":
            image = JpegImageFile(BytesIO(content))
        case _:
            image = TiffImageFile(BytesIO(content))
    # a TIFF that is stored turned is announced upright
    if image.size != size and not (media_type == "image/tiff" and image.size == size[::-1]):
        raise ValueError("the header states two sizes")
    return image


def _check_single(image: Image.Image) -> None:
    if getattr(image, "is_animated", False):
        raise ScanRefused(
            "multi-page", "The file holds several pages or frames: send each photograph as a file of its own."
        )


def _decode(image: Image.Image, content: bytes) -> None:
    image.load()
    if isinstance(image, PngImageFile):
        # decoding alone does not compare the checksums of PNG's chunks
        PngImageFile(BytesIO(content)).verify()


def _orientation(image: Image.Image, stated: _Stated) -> tuple[int, tuple[str, ...]]:
    try:
        orientation = stated.orientation or image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:
        return 1, ("The Exif data are unreadable: the image is shown as it is stored.",)
    if orientation not in range(1, 9):
        return 1, ("The Exif orientation is none of 1 to 8: the image is shown as it is stored.",)
    if orientation in _MIRRORED:
        return orientation, ("The Exif orientation says that the image is mirrored: check it against the exhibit.",)
    return orientation, ()


def decode_image(path: Path, info: ImageInfo, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.float32]:
    """The brightness of an image that ``inspect_image`` passed, turned as it is to be shown.

    Returns float32 (rows, columns), 0 black to 1 full scale, NaN where the image is transparent; colour as
    luminance (ITU-R BT.601). Raises what ``inspect_image`` raises where the file changed since.
    """
    try:
        image = _open(read_within(path, limits), info.media_type, (info.width, info.height))
        if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
        # Pillow turns a TIFF by itself as it decodes it
        turn = _TURNS.get(info.orientation) if info.media_type != "image/tiff" else None
        values = np.asarray(image if turn is None else image.transpose(turn))
    except _BROKEN as error:
        raise ScanRefused(
            "image-damaged", "The image is cut off or damaged and cannot be decoded: send it again."
        ) from error
    full_scale = 255.0 if values.dtype == np.uint8 else 65535.0
    planes = np.atleast_3d(values).astype(np.float32) / np.float32(full_scale)
    colour, alpha = (planes[..., :-1], planes[..., -1]) if planes.shape[2] in (2, 4) else (planes, None)
    brightness = colour[..., 0] if colour.shape[2] == 1 else colour @ np.array(_LUMINANCE, np.float32)
    if alpha is not None:
        brightness = np.where(alpha >= 0.5, brightness, np.float32(np.nan))
    return np.asarray(brightness, np.float32)
