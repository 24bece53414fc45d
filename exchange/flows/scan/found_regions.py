"""What the matcher finds to be the region of a scan, in the cells in which an examiner mends it."""

from __future__ import annotations

import matcher
from exchange.flows.node.region_masks import mask_of
from matcher.mark.level import LevelledMark
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.mark.region_cells import cells_of
from matcher.mark.region_grid import grid_of
from matcher.mark.regions import level_region
from matcher.mark.striation import find_striated
from matcher.numeric.plane import Mask
from schemas import RegionMask


def find_levelled_mark(topography: matcher.Topography, parameters: matcher.Parameters) -> LevelledMark | None:
    """None where no mark is found."""
    try:
        return level_region(topography, parameters)
    except matcher.ScanNotUsable:
        return None


def mark_cells(mark: LevelledMark, topography: matcher.Topography) -> RegionMask | None:
    return _in_cells(mark.weights > 0, mark.spacing_um, topography.heights_um.shape, topography.spacing_um)


def striae_cells(topography: matcher.Topography, parameters: matcher.ProfileParameters) -> RegionMask | None:
    """None where no striae are found."""
    try:
        striated = find_striated(topography, parameters)
    except matcher.ScanNotUsable:
        return None
    return _in_cells(striated.region, striated.spacing_um, topography.heights_um.shape, topography.spacing_um)


def photograph_cells(photograph: matcher.Photograph) -> RegionMask | None:
    """None where no mark is found, or it is not fit for use."""
    try:
        mark = find_photograph_mark(photograph).mark
    except matcher.ScanNotUsable:
        return None
    return _in_cells(mark.weights > 0, mark.spacing_um, photograph.brightness.shape, photograph.um_per_pixel)


def _in_cells(
    inside: Mask, spacing_um: tuple[float, float], shape: tuple[int, ...], between_um: tuple[float, float]
) -> RegionMask | None:
    rows, columns = shape
    field = rows * between_um[0], columns * between_um[1]
    return mask_of(cells_of(inside, spacing_um, field, grid_of((rows, columns))))
