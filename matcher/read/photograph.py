"""A photograph of a mark as every later stage sees it, and how it is read from a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits
from matcher.read.mask import check_mask_shape

_FINEST_UM, _COARSEST_UM = 0.05, 200.0
"""Beyond these a pixel size was given in another unit: light shows nothing finer, a whole head fits in 60 pixels."""


@dataclass(frozen=True)
class Lighting:
    """How a mark was lit.

    ``azimuth_deg``: for side light, where it comes from in the picture: from +x (right) towards +y (down), so 0
    is three o'clock; None where nobody noted it.
    """

    kind: Literal["ring", "side", "unknown"] = "unknown"
    azimuth_deg: float | None = None

    @classmethod
    def parse(cls, text: str) -> Lighting:
        """ "ring", "side", "unknown", or "side:H" with the clock hour H that the light comes from (12 is up).

        Raises ``ValueError`` for anything else.
        """
        match text:
            case "ring" | "side" | "unknown":
                return cls(text)
        hour = re.fullmatch(r"side:(1[0-2]|[1-9])", text)
        if hour is None:
            raise ValueError(f'lighting is "{text}"; it may be ring, side, unknown, or side:1 to side:12 (clock hour)')
        return cls("side", (30.0 * (int(hour[1]) - 3)) % 360.0)


@dataclass(frozen=True)
class Photograph:
    """Brightness of one acquisition on a regular grid.

    ``brightness``: float32, C-contiguous, read-only, shape (rows, columns), the first row on top of the picture;
    0 is black, 1 the brightest value that the file can hold; NaN where the picture is transparent or outside the
    outline that was given: where there is any, the outline stands and no other is looked for.
    ``um_per_pixel``: (y, x), positive. ``outlined``: a user gave the outline (``within``).
    ``warnings``: sentences for the examiner about what was doubtful in the file.
    """

    brightness: NDArray[np.float32]
    um_per_pixel: tuple[float, float]
    lighting: Lighting = field(default_factory=Lighting)
    warnings: tuple[str, ...] = ()
    outlined: bool = False

    def within(self, outline: NDArray[np.bool_]) -> Photograph:
        """Only what lies inside an outline that a user drew: bool, the shape of ``brightness``.

        Raises ``ScanRefused``: "mask-differs" where it has another shape.
        """
        check_mask_shape(outline, self.brightness.shape)
        return replace(self, brightness=_frozen(np.where(outline, self.brightness, np.float32(np.nan))), outlined=True)

    def mirrored(self) -> Photograph:
        """Upside down: a topography's first row may be the lowest one (y upwards), a picture's is the highest."""
        azimuth = self.lighting.azimuth_deg
        lighting = self.lighting if azimuth is None else replace(self.lighting, azimuth_deg=-azimuth % 360.0)
        return replace(self, brightness=_frozen(self.brightness[::-1]), lighting=lighting)


def read_photograph(
    path: Path,
    um_per_pixel: float | tuple[float, float],
    lighting: Lighting | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Photograph:
    """Read a PNG, TIFF or JPEG as brightness.

    1. Check the pixel size; check the file (``inspect_image``).
    2. Decode; colour becomes luminance (ITU-R BT.601), transparent pixels NaN; full scale is 1.
    3. Turn it as the camera was held (Exif 2.32, tag 0x0112).

    ``um_per_pixel``: of the picture as it is shown, one number or (y, x).
    Raises ScanRefused: "pixel-size-implausible", and what ``inspect_image`` raises; OSError when the file
    cannot be opened.
    """
    # Pillow costs more than the rest of the matcher's import, and topographies do not need it
    from matcher.read.image import decode_image, inspect_image

    # 1.
    spacing = um_per_pixel if isinstance(um_per_pixel, tuple) else (um_per_pixel, um_per_pixel)
    if not all(_FINEST_UM <= size <= _COARSEST_UM for size in spacing):
        raise ScanRefused(
            "pixel-size-implausible",
            f"A pixel of {spacing[1]:g} x {spacing[0]:g} um cannot be: give micrometres per pixel, "
            f"{_FINEST_UM:g} to {_COARSEST_UM:g}.",
        )
    info = inspect_image(path, limits)

    # 2. and 3.
    brightness = decode_image(path, info, limits)
    return Photograph(_frozen(brightness), spacing, lighting or Lighting(), info.warnings)


def _frozen(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    own = np.array(brightness, np.float32, order="C")
    own.flags.writeable = False
    return own
