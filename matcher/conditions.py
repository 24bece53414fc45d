"""Harder conditions made from the same scans."""

from __future__ import annotations

import numpy as np

from matcher.plane import ratio, sampled
from matcher.topography import Topography


def rotated(topography: Topography, degrees: float) -> Topography:
    """Turn a topography around the middle of its field, from +x towards +y, on a grid large enough for all of it.

    Linear between points; a point is missing where less than half of its surroundings was measured.
    """
    valid = np.isfinite(topography.heights_um)
    heights = np.where(valid, topography.heights_um, np.float32(0))
    rows, columns = heights.shape
    (sy, sx), turn = topography.spacing_um, np.deg2rad(degrees)
    cosine, sine = np.cos(turn), np.sin(turn)
    high, wide = rows * sy, columns * sx
    shape = (
        int(np.ceil((abs(high * cosine) + abs(wide * sine)) / sy)) + 1,
        int(np.ceil((abs(high * sine) + abs(wide * cosine)) / sx)) + 1,
    )
    # from a turned point to the scan: scale to micrometres, turn back, scale to points
    back = np.array([[cosine, sine * sy / sx], [-sine * sx / sy, cosine]])
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    offset = np.array([(columns - 1) / 2, (rows - 1) / 2]) - back @ middle
    matrix = np.column_stack([back, offset])
    share = sampled(valid.astype(np.float32), matrix, shape)
    turned = ratio(sampled(heights, matrix, shape), share)
    turned = np.where(share >= 0.5, turned, np.float32(np.nan))
    turned.flags.writeable = False
    return Topography(turned, topography.spacing_um, topography.warnings, topography.instrument)
