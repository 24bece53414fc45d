"""Drawn breech faces of different firearms that look alike, and marks that show little: for exercises of examiners.

Firearms of one tool share its class characteristics (the kind of marks, their direction and width) and, on a part of
the face, its subclass marks: the very ridges or craters that the tool left on one face after the other. Individual
marks, scratches and dents are each firearm's own. Never evidence of accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np

from matcher.numeric.plane import Plane, blurred
from matcher.read.topography import Topography
from matcher.synthetic.breech_face import (
    FACE_POINTS,
    Shot,
    choose_shot,
    face_coordinates,
    individual_marks,
    noise,
    shared_scan,
    standardised,
    tool_marks,
    worn_face,
)

_CLASS_SHARE: Final = 0.62
"""Of the relief's power: what the tool left."""
_EDGE: Final = 6.0
"""How sharply the part with subclass marks ends."""


class MarkCondition(StrEnum):
    """How much of a firearm's face one shot shows."""

    FULL = "full"
    HALF = "half"
    """One half of the mark is missing."""
    NOISY = "noisy"
    """Poor contact, and a primer as rough as the marks."""
    DROWNED = "drowned"
    """The primer's own texture is all that is left."""


@dataclass(frozen=True)
class DrawnFirearm:
    """``tool``: the seed of what cut the face; ``own``: of this one firearm; neither negative. ``subclass``: on which
    share of the face, 0 to 1, the tool's own marks stand; on the rest only its class characteristics."""

    tool: int
    own: int
    subclass: float = 0.0


def draw_condition(firearm: DrawnFirearm, shot_seed: int, condition: MarkCondition = MarkCondition.FULL) -> Topography:
    """One shot of the firearm: 560 x 560 points, 6.25 um apart. The same arguments draw the same scan."""
    rng = np.random.default_rng([0xE8E5, shot_seed])
    return shared_scan(tooled_face(firearm), _shown(choose_shot(rng), condition, rng), rng)


@lru_cache(maxsize=8)
def tooled_face(firearm: DrawnFirearm) -> Plane:
    """A firearm's breech face, 4.8 mm wide at 12.5 um, mean 0 and deviation 1.

    1. The class characteristics are the tool's: kind of marks, direction, width.
    2. Two textures of that class: one that the tool leaves everywhere, one that this firearm alone has.
    3. The first stands on the share ``subclass`` of the face, the second on the rest.
    4. Individual marks, scratches and dents are the firearm's own.
    """
    own = np.random.default_rng([0x0E11, firearm.tool, firearm.own])

    # 1. and 2.
    left_by_tool = _texture(firearm.tool, np.random.default_rng([0x7002, firearm.tool]))
    texture = _texture(firearm.tool, own)

    # 3.
    if firearm.subclass > 0.0:
        where = standardised(noise(own, FACE_POINTS, 14.0, 60.0))
        edge = float(np.quantile(where, 1.0 - firearm.subclass))
        carried = (1.0 / (1.0 + np.exp(-_EDGE * (where - edge)))).astype(np.float32)
        texture = np.asarray(left_by_tool * carried + texture * (1.0 - carried), np.float32)

    # 4.
    return worn_face(texture, individual_marks(own), _CLASS_SHARE, own)


def _texture(tool: int, marks: np.random.Generator) -> Plane:
    """A texture with the tool's class characteristics, whose marks come from ``marks``."""
    shape = np.random.default_rng([0xC1A5, tool])
    kind, size, turn = int(shape.integers(3)), float(shape.uniform(2.0, 4.0)), float(shape.uniform(0.0, 2.0 * np.pi))
    if kind == 0:
        grains = standardised(noise(marks, FACE_POINTS, size, 3.0 * size))
        return standardised(np.asarray(grains + 0.4 * grains**2, np.float32))
    y, x = face_coordinates()
    if kind == 1:
        across = np.asarray(x * np.cos(turn) + y * np.sin(turn), np.float32)
    else:
        away = float(shape.uniform(3000.0, 9000.0))
        across = np.asarray(np.hypot(x - away * np.cos(turn), y - away * np.sin(turn)) - away, np.float32)
    profile = marks.standard_normal(2048).astype(np.float32)[None, :]
    return standardised(blurred(tool_marks(profile, size, across, marks), (0.5, 0.5)))


def _shown(shot: Shot, condition: MarkCondition, rng: np.random.Generator) -> Shot:
    whole = replace(shot, contact=float(rng.uniform(0.9, 1.1)), missing=0.0)
    match condition:
        case MarkCondition.FULL:
            return whole
        case MarkCondition.HALF:
            return replace(whole, missing=float(rng.uniform(0.45, 0.55)))
        case MarkCondition.NOISY:
            return replace(whole, contact=float(rng.uniform(0.35, 0.5)), primer_roughness=float(rng.uniform(0.8, 1.1)))
        case MarkCondition.DROWNED:
            return replace(whole, contact=float(rng.uniform(0.0, 0.1)), primer_roughness=float(rng.uniform(1.3, 1.8)))
