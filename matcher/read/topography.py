"""A measured surface as every later stage sees it: one canonical form, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.read.mask import check_mask_shape
from matcher.read.origin import ORIGIN_UNKNOWN, Origin


@dataclass(frozen=True)
class Topography:
    """Heights of one acquisition on a regular grid.

    ``heights_um``: float32, C-contiguous, read-only, shape (rows, columns): rows run along y, columns along x,
    the first row is the one with the smallest y in the file. Micrometres. A missing point is a quiet NaN;
    infinities do not occur.
    ``spacing_um``: (y, x) distance between neighbouring points in micrometres; both positive and finite,
    not necessarily equal.
    ``warnings``: sentences for the examiner about what was doubtful in the file and how it was read.
    ``origin``: what else the file says of its making.
    ``outlined``: a user said what of it is the mark (``within``): that stands, and no other is looked for.
    """

    heights_um: NDArray[np.float32]
    spacing_um: tuple[float, float]
    warnings: tuple[str, ...] = ()
    instrument: str | None = None
    outlined: bool = False
    origin: Origin = ORIGIN_UNKNOWN

    @property
    def coverage(self) -> float:
        """The share of valid points, 0 to 1."""
        return float(np.isfinite(self.heights_um).mean()) if self.heights_um.size else 0.0

    def within(self, mask: NDArray[np.bool_]) -> Topography:
        """Only what lies inside a mask that a user drew: bool, the shape of ``heights_um``, True for the mark.

        Raises ``ScanRefused``: "mask-differs" where it has another shape.
        """
        check_mask_shape(mask, self.heights_um.shape)
        return replace(self, heights_um=_kept(np.where(mask, self.heights_um, np.float32(np.nan))), outlined=True)

    def mirrored(self) -> Topography:
        """The last row first: as a program writes it whose y runs the other way."""
        return replace(self, heights_um=_kept(np.ascontiguousarray(self.heights_um[::-1])))

    def inverted(self) -> Topography:
        """Bumps are dents: as of a cast, or of a program whose heights run downwards."""
        return replace(self, heights_um=_kept(-self.heights_um))


def _kept(heights: NDArray[np.float32]) -> NDArray[np.float32]:
    heights.flags.writeable = False
    return heights
