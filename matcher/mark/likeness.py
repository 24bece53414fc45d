"""Whether what was found looks like a breech-face mark at all: an edge of a primer, an aperture, a level, and marks."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from matcher.mark.level import LevelledMark
from matcher.numeric.circle import Circle
from matcher.numeric.parameters import Parameters

_LEAST_ARC_DEG = 20
"""Parts are marks too: real quarters show an arc of 25 degrees at least; what is no mark, of 18 with few exceptions."""
_CENTRE = 0.2
_FILLED = 0.5
_LEAST_BEND_RADIUS_UM = 12_000.0
"""A primer that is domed by 120 um. The forms of real marks have radii from 100 mm on, those of levelled quarters from
20 mm on; bullets, balls and dents have up to 10 mm."""
_OF_NOISE = 1.25


class MarkDoubt(StrEnum):
    """What speaks against a breech-face mark."""

    NO_ROUND_EDGE = "no-round-edge"
    BENT = "bent"
    NO_APERTURE = "no-aperture"
    NOISE = "noise"


DOUBTS: dict[MarkDoubt, str] = {
    MarkDoubt.NO_ROUND_EDGE: "its edge is nowhere round like a primer's edge, of 1.0 to 2.7 mm radius",
    MarkDoubt.BENT: "it is bent like a ball, a bullet or a dent, and a primer is nearly flat",
    MarkDoubt.NO_APERTURE: "it is whole where the firing-pin aperture should be",
    MarkDoubt.NOISE: "its heights differ from point to point as noise does, and no marks stand out",
}


def doubts_of(
    mark: LevelledMark, signal_to_noise: float | None, point_um: float, parameters: Parameters
) -> tuple[MarkDoubt, ...]:
    """What speaks against a breech-face mark, on a scan that can be compared.

    ``signal_to_noise``: of ``Quality``; ``point_um``: between the scan's points, which noise differs by.
    """
    found = []
    if mark.round_edge_deg < _LEAST_ARC_DEG:
        found.append(MarkDoubt.NO_ROUND_EDGE)
    if mark.bend_radius_um is not None and mark.bend_radius_um < _LEAST_BEND_RADIUS_UM:
        found.append(MarkDoubt.BENT)
    if mark.outline is not None and _filled(mark, mark.outline):
        found.append(MarkDoubt.NO_APERTURE)
    if signal_to_noise is not None and signal_to_noise < _OF_NOISE * _left_of_noise(point_um, parameters):
        found.append(MarkDoubt.NOISE)
    return tuple(found)


def _filled(mark: LevelledMark, outline: Circle) -> bool:
    y, x = (
        np.arange(points) * step - centre
        for points, step, centre in zip(mark.weights.shape, mark.spacing_um, outline.centre_um, strict=True)
    )
    middle = mark.weights[np.hypot(y[:, None], x[None, :]) < _CENTRE * outline.radius_um]
    return middle.size > 0 and float(middle.mean()) > _FILLED


def _left_of_noise(point_um: float, parameters: Parameters) -> float:
    """What the band's Gaussian filter (ISO 16610-61) leaves of the deviation of white noise."""
    deviation_um = parameters.fine_band_um[0] * np.sqrt(np.log(2.0) / 2.0) / np.pi
    return float(point_um / (2.0 * np.sqrt(np.pi) * deviation_um))
