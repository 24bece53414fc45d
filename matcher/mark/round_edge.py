"""How much of a primer's round edge a mark shows."""

from __future__ import annotations

import numpy as np

from matcher.numeric.circle import Circle
from matcher.numeric.plane import Mask

_ON_EDGE_UM = 50.0
_BEYOND_UM = np.arange(100.0, 201.0, 25.0)
_FIELD_EDGE_UM = 25.0
_DIRECTIONS = 360
_GAP_DEG = 3


def round_edge_deg(mask: Mask, level: Mask, outline: Circle, spacing_um: tuple[float, float]) -> int:
    """The degrees of the longest arc on which the mark, and the level surface with it, ends on its outline's circle.

    1. Find how far the mark reaches in each direction from the circle's centre.
    2. Keep the directions in which it ends on the circle, and not where the field ends.
    3. Of these, keep those in which most of what lies 100 to 200 um beyond is no level surface: a circle drawn on a
       wide plane is no edge.
    4. Take the longest run of neighbours; gaps of up to 3 degrees are dirt.

    ``mask``: bool (rows, columns), the mark; ``level``: the same shape, measured and close to the form, mark or not.
    """
    if outline.support == 0.0:
        return 0

    # 1.
    y, x = (
        places * step - centre
        for places, step, centre in zip(np.nonzero(mask), spacing_um, outline.centre_um, strict=True)
    )
    direction = np.rint(np.rad2deg(np.arctan2(y, x))).astype(np.intp) % _DIRECTIONS
    reach = np.zeros(_DIRECTIONS)
    np.maximum.at(reach, direction, np.hypot(y, x))

    # 2.
    turn = np.deg2rad(np.arange(_DIRECTIONS))
    ends = np.abs(reach - outline.radius_um) < _ON_EDGE_UM
    rest = [np.zeros(0)] * 2
    for axis, along in enumerate((np.sin(turn), np.cos(turn))):
        place, last = outline.centre_um[axis] + along * reach, (mask.shape[axis] - 1) * spacing_um[axis]
        ends &= (place > _FIELD_EDGE_UM) & (place < last - _FIELD_EDGE_UM)
        rest[axis] = np.rint((place[:, None] + along[:, None] * _BEYOND_UM) / spacing_um[axis])

    # 3.
    rows, columns = (places.astype(np.intp) for places in rest)
    within = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    goes_on = np.zeros(rows.shape, np.bool_)
    goes_on[within] = level[rows[within], columns[within]]
    ends &= goes_on.mean(axis=1) < 0.5

    # 4.
    return _longest_arc(ends)


def _longest_arc(on_edge: Mask) -> int:
    """Directions in the longest run, and the short gaps in it."""
    if on_edge.all():
        return _DIRECTIONS
    # from twice around, so that a run across the first direction is one
    places = np.flatnonzero(np.tile(on_edge, 2))
    if not places.size:
        return 0
    runs = np.split(places, np.flatnonzero(np.diff(places) > _GAP_DEG + 1) + 1)
    return min(_DIRECTIONS, max(int(run[-1] - run[0]) + 1 for run in runs))
