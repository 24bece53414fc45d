"""The picture of a saved view: what a browser sent, decoded within bounds and written anew by a worker process."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image

MOST_PICTURE_BYTES = 6 * 2**20
"""Twice what the viewer makes of a screen full of noise at its printed width."""
MOST_SIDE = 4096
WIDTH = 1600
"""Of what is kept: 240 dots to an inch on the width of an A4 page's text."""
THUMBNAIL_WIDTH = 320

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8sI4sII")
_DAMAGED = (OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, struct.error, Warning)
"""What Pillow's reader of PNG raises on damaged input, warnings made errors."""


class PictureRefused(Exception):
    """What was sent is no picture of a view; the message says why."""


@dataclass(frozen=True)
class Pictures:
    """``picture``: PNG; ``thumbnail``: JPEG."""

    picture: bytes
    thumbnail: bytes


def pictures_of(sent: bytes) -> Pictures:
    """Decode a PNG and write it anew: nothing is kept of what was sent but its colours.

    1. Hold what the header says against the bounds before anything is allocated (PNG 3rd edition, 11.2.1: it is first).
    2. Decode all of it; refuse what is animated.
    3. Write it in two sizes.

    Raises PictureRefused.
    """
    # 1.
    if len(sent) > MOST_PICTURE_BYTES or len(sent) < _HEADER.size:
        raise PictureRefused(f"The picture has {len(sent)} bytes; at most {MOST_PICTURE_BYTES} are taken.")
    signature, _, chunk, width, height = _HEADER.unpack_from(sent)
    if signature != _SIGNATURE or chunk != b"IHDR":
        raise PictureRefused("The picture is no PNG.")
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        raise PictureRefused(f"The picture is {width} x {height} pixels; at most {MOST_SIDE} a side are taken.")

    # 2.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(sent), formats=("PNG",)) as image:
                if image.size != (width, height) or getattr(image, "n_frames", 1) != 1:
                    raise PictureRefused("The picture is animated, or has two headers.")
                shown = image.convert("RGB")
    except _DAMAGED as error:
        raise PictureRefused("The picture is damaged and cannot be decoded.") from error

    # 3.
    return Pictures(_written(shown, WIDTH, "PNG"), _written(shown, THUMBNAIL_WIDTH, "JPEG"))


def _written(image: Image.Image, width: int, kind: str) -> bytes:
    small = image.copy()
    small.thumbnail((width, MOST_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, kind)
    return stream.getvalue()
