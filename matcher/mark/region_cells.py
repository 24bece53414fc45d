"""A region of a scan in few cells, as an examiner mends it: from what was found, and to the scan's points."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.region_grid import fits
from matcher.numeric.plane import Mask


def on_points(cells: Mask, shape: tuple[int, ...]) -> Mask:
    """For each of the scan's points whether it lies in a cell of the region.

    ``cells``: bool (rows, columns), row 0 on the scan's first row. Point (y, x) of ``shape`` (H, W) lies in cell
    (floor((2 y + 1) rows / 2 H), floor((2 x + 1) columns / 2 W)). Raises ``ScanNotUsable`` for cells that do not fit.
    """
    (rows, columns), (high, wide) = cells.shape, shape
    if not fits((rows, columns), (high, wide)):
        raise ScanNotUsable(
            f"not usable: the region was marked in {columns} x {rows} cells, which do not fit a scan of {wide} x "
            f"{high} points; mark it on this scan anew"
        )
    down, across = (
        (2 * np.arange(points) + 1) * count // (2 * points) for points, count in ((high, rows), (wide, columns))
    )
    return np.asarray(cells[down[:, None], across[None, :]])


def cells_of(
    inside: Mask, spacing_um: tuple[float, float], field_um: tuple[float, float], grid: tuple[int, int]
) -> Mask:
    """Which cells have their centre in a region that was found on a grid of points of its own.

    ``inside``: bool, on whole blocks of the scan's points from its first corner on, ``spacing_um`` (y, x) apart;
    gaps of a few points in it are filled. ``field_um``: the scan's height and width.
    """
    solid = cv2.morphologyEx(inside.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    step_y, step_x = (side / count / step for side, count, step in zip(field_um, grid, spacing_um, strict=True))
    to_points = np.array([[step_x, 0.0, (step_x - 1.0) / 2.0], [0.0, step_y, (step_y - 1.0) / 2.0]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(solid, to_points, grid[::-1], flags=flags) > 0)


def unpacked(packed: bytes, grid: tuple[int, int]) -> Mask:
    """Cells from bits: row after row without a gap, the most significant bit of each byte first."""
    bits: NDArray[np.uint8] = np.unpackbits(np.frombuffer(packed, np.uint8), count=grid[0] * grid[1])
    return np.asarray(bits.reshape(grid) > 0)


def packed(cells: Mask) -> bytes:
    """The inverse of ``unpacked``; unused bits of the last byte are 0."""
    return np.packbits(cells).tobytes()
