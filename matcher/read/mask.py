"""A mask that a user drew: which points of a scan are the mark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits

_BLACK, _WHITE = 0.25, 0.75
_GREY_SHARE = 0.01


def read_mask(path: Path, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.bool_]:
    """Read a picture in black and white, one pixel for each point of the scan; white is the mark.

    The picture's first row is the scan's first row. Shape (rows, columns); transparent pixels are no mark.
    The mask.png of some x3p files is none: its colours name regions as their author pleased.

    Raises ScanRefused: "mask-not-black-and-white", and what ``inspect_image`` raises; OSError when the file cannot be
    opened.
    """
    # Pillow costs more than the rest of the matcher's import
    from matcher.read.image import decode_image, inspect_image

    brightness = decode_image(path, inspect_image(path, limits), limits)
    grey = (brightness > _BLACK) & (brightness < _WHITE)
    if np.count_nonzero(grey) > _GREY_SHARE * grey.size:
        raise ScanRefused(
            "mask-not-black-and-white", "The mask has grey or coloured areas: draw the mark white and the rest black."
        )
    return np.asarray(brightness >= _WHITE)


def check_mask_shape(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    """Raises ``ScanRefused``: "mask-differs", for a mask that has not a point for each of the scan's."""
    if mask.shape != shape:
        raise ScanRefused(
            "mask-differs",
            f"The mask has {mask.shape[-1]} x {mask.shape[0]} points and the scan {shape[1]} x {shape[0]}: "
            "draw it on a picture of the scan's own size.",
        )
