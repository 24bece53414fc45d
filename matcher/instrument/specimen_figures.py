"""What a scan of a specimen says where the first one said 1, or 0: the figures alone, without what measures them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CHECK_VERSION: Final = 1
"""Of the method: figures of two versions are not one series."""


@dataclass(frozen=True)
class MeasuredFigure:
    """A measured figure with its standard uncertainty (GUM, 2.3.1); None where it was not estimated."""

    value: float
    uncertainty: float | None


@dataclass(frozen=True)
class SpecimenFigures:
    """What a scan says where the first one said 1, or 0.

    ``correlation``: of the heights at the best place, -1 to 1. ``height_ratio``: by which factor heights are larger;
    ``scale_x``, ``scale_y``: the same of lengths along the scan's own x and y; ``skew_deg``: by how much the angle
    between its axes is off a right one, against the first scan; ``detail_ratio``: by which factor the shortest waves
    are higher than the longer ones: below 1 the picture is less sharp. ``difference_um``: root mean square of what is
    left where one lies on the other, heights of both as they are; ``roughness_um``: the same of the first scan's
    heights; ``missing``: share of the points measured then that were not measured now. ``rotation_deg``, ``tilt_deg``:
    how the specimen was laid otherwise. ``patches``: how many witnesses the uncertainties rest on.
    """

    correlation: float
    height_ratio: MeasuredFigure
    scale_x: MeasuredFigure
    scale_y: MeasuredFigure
    skew_deg: MeasuredFigure
    detail_ratio: MeasuredFigure
    difference_um: float
    roughness_um: float
    missing: float
    rotation_deg: float
    tilt_deg: float
    patches: int
