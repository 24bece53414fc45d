"""Whether what was found looks like a breech-face mark at all: an edge of a primer, an aperture, a level, and marks."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from matcher.mark.level import LevelledMark
from matcher.numeric.circle import Circle
from matcher.numeric.parameters import Parameters

_ON_EDGE_UM = 50.0
_LEAST_ARC_DEG = 20
"""Parts are marks too: quarters of real ones show 50 degrees of the edge at least. The corners of a square field touch a
circle along 11 degrees together."""
_FIELD_EDGE_UM = 25.0
_MOSTLY_DEG = 180
_CENTRE = 0.2
_FILLED = 0.5
_LEAST_BEND_RADIUS_UM = 12_000.0
"""A primer that is domed by 120 um. The forms of real marks have radii from 100 mm on, those of their quarters from 20 mm
on; bullets, balls and dents have up to 10 mm."""
_OF_NOISE = 1.25


class Doubt(StrEnum):
    """What speaks against a breech-face mark."""

    NO_ROUND_EDGE = "no-round-edge"
    BENT = "bent"
    NO_APERTURE = "no-aperture"
    NOISE = "noise"


DOUBTS: dict[Doubt, str] = {
    Doubt.NO_ROUND_EDGE: "its outline is nowhere round like a primer's edge, of 1.0 to 2.7 mm radius",
    Doubt.BENT: "it is bent like a ball, a bullet or a dent, and a primer is nearly flat",
    Doubt.NO_APERTURE: "it is whole where the firing-pin aperture should be",
    Doubt.NOISE: "its heights differ from point to point as noise does, and no marks stand out",
}


def doubts_of(
    mark: LevelledMark, signal_to_noise: float | None, point_um: float, parameters: Parameters
) -> tuple[Doubt, ...]:
    """What speaks against a breech-face mark, on a scan that can be compared.

    ``signal_to_noise``: of ``Quality``; ``point_um``: between the scan's points, which noise differs by.
    """
    found = []
    arc = 0 if mark.outline is None or mark.outline.support == 0.0 else _arc_deg(mark, mark.outline)
    if arc < _LEAST_ARC_DEG:
        found.append(Doubt.NO_ROUND_EDGE)
    if mark.bend_radius_um is not None and mark.bend_radius_um < _LEAST_BEND_RADIUS_UM:
        found.append(Doubt.BENT)
    if arc >= _MOSTLY_DEG and mark.outline is not None and _filled(mark, mark.outline):
        found.append(Doubt.NO_APERTURE)
    if signal_to_noise is not None and signal_to_noise < _OF_NOISE * _left_of_noise(point_um, parameters):
        found.append(Doubt.NOISE)
    return tuple(found)


def _arc_deg(mark: LevelledMark, outline: Circle) -> int:
    """In so many directions from the circle's centre the mark ends on the circle, and not at the field's edge."""
    y, x = (
        places * step - centre
        for places, step, centre in zip(np.nonzero(mark.weights), mark.spacing_um, outline.centre_um, strict=True)
    )
    away, direction = np.hypot(y, x), np.rint(np.rad2deg(np.arctan2(y, x))).astype(np.intp) % 360
    reach = np.zeros(360)
    np.maximum.at(reach, direction, away)
    ends = np.abs(reach - outline.radius_um) < _ON_EDGE_UM
    turn = np.deg2rad(np.arange(360))
    for along, centre, points, step in zip(
        (np.sin(turn), np.cos(turn)), outline.centre_um, mark.weights.shape, mark.spacing_um, strict=True
    ):
        place = centre + along * reach
        ends &= (place > _FIELD_EDGE_UM) & (place < (points - 1) * step - _FIELD_EDGE_UM)
    return int(np.count_nonzero(ends))


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
