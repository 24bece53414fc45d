"""Regions that examiners marked by hand, between the contract's bits and the matcher's cells.

Arrays are loaded where they are made: by workers, and by nobody who asks for a digest alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matcher
from schemas import RegionMask

if TYPE_CHECKING:
    from exchange.store.tables.record_tables import AcquisitionRow
    from matcher.numeric.plane import Mask


def region_mask_of(acquisition: AcquisitionRow) -> RegionMask | None:
    """None where the matcher is to find the region."""
    stated = acquisition.region_mask
    return None if stated is None else RegionMask.model_validate_json(stated)


def mask_digest(mask: RegionMask | None) -> str | None:
    return None if mask is None else mask.digest


def cells_in(mask: RegionMask) -> Mask:
    from matcher.mark.region_cells import unpacked

    return unpacked(mask.packed, (mask.rows, mask.columns))


def mask_of(cells: Mask) -> RegionMask | None:
    """None where no cell is in the region."""
    from matcher.mark.region_cells import packed

    if not cells.any():
        return None
    rows, columns = cells.shape
    return RegionMask.of(rows, columns, packed(cells))


def points_in(mask: RegionMask, shape: tuple[int, ...]) -> Mask:
    """For each point of a scan whether it lies in the region. Raises matcher.ScanNotUsable where it does not fit."""
    from matcher.mark.region_cells import on_points

    return on_points(cells_in(mask), shape)


def topography_within(scan: matcher.Topography, mask: RegionMask | None) -> matcher.Topography:
    """Only what lies in the region, if one was marked. Raises as ``points_in``."""
    return scan if mask is None else scan.within(points_in(mask, scan.heights_um.shape))


def photograph_within(scan: matcher.Photograph, mask: RegionMask | None) -> matcher.Photograph:
    """As ``topography_within``."""
    return scan if mask is None else scan.within(points_in(mask, scan.brightness.shape))
