"""In how many cells a region is mended, and whether such cells fit a scan: plain numbers, no arrays."""

from __future__ import annotations

MOST_CELLS = 128
"""Along the longer side."""
_MOST_OBLONG = 2
"""A cell that is longer belongs to a scan of another shape."""


def grid_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells for a scan of so many rows and columns of points: nearly square in points."""
    longer = max(shape)
    rows, columns = (max(1, -(-side * min(MOST_CELLS, longer) // longer)) for side in shape)
    return rows, columns


def fits(grid: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Whether cells may lie on a scan of that shape: none is smaller than a point, or twice as long as wide."""
    if grid[0] > shape[0] or grid[1] > shape[1]:
        return False
    # a side of points divided by cells, both ways; compared as integers
    high, wide = shape[0] * grid[1], shape[1] * grid[0]
    return high < _MOST_OBLONG * wide and wide < _MOST_OBLONG * high
