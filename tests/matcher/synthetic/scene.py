"""Drawn raw scans: a printed primer with everything that lies around it, and which of it is the mark.

What surrounds the mark follows real primers: flow-back around the firing-pin impression, the shear beside
the aperture, a drag, the primer's rounded edge and groove, the head with its headstamp. Never evidence of accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.numeric.plane import Mask, Plane, blurred, sampled
from matcher.read.topography import Topography
from matcher.synthetic.breech_face import (
    INSTRUMENT,
    SPACING_UM,
    Shot,
    choose_shot,
    face_of,
    noise,
    print_shot,
    standardised,
)

Aperture = Literal["circular", "elliptical", "rectangular", "teardrop"]

_PRINTED_POINTS = 760
_PRIMER_EDGE_UM = 480.0
"""From the flat of a primer to its outer wall."""
_GROOVE_UM = 60.0
_HEAD_RADIUS_UM = 4930.0
_HEAD_ABOVE_UM = 90.0
_STEEPEST = 1.0
"""Height over distance beyond which a drawn instrument sees nothing: 45 degrees."""


@dataclass(frozen=True)
class Scene:
    """How a raw scan is taken, and what the primer went through.

    Lengths in micrometres as (y, x); shares from 0 to 1; ``centre_um``: the primer's centre from the middle of the
    field; ``domed_um``: how far the primer's middle stands above its edge; ``lost_patches``: whole regions
    without data.
    """

    aperture: Aperture = "circular"
    spacing_um: tuple[float, float] = (6.25, 6.25)
    field_um: tuple[float, float] = (4500.0, 4500.0)
    centre_um: tuple[float, float] = (0.0, 0.0)
    head: bool = False
    tilt_deg: float = 0.6
    domed_um: float = 5.0
    shear: bool = True
    drag: bool = False
    lacquer: bool = False
    dropouts: float = 0.003
    lost_patches: int = 0
    spikes: float = 0.0


@dataclass(frozen=True)
class DrawnScene:
    """A drawn raw scan, and its true mark: bool, of the shape of the scan, measured or not."""

    topography: Topography
    mark: Mask


@dataclass(frozen=True)
class _Surface:
    """Heights, where they are the mark, and where an instrument measures them."""

    heights: Plane
    mark: Mask
    measured: Mask


def draw_scene(firearm_seed: int, shot_seed: int, scene: Scene = Scene()) -> DrawnScene:
    """Draw a raw scan of one shot of one firearm; ``breech_face.draw`` draws the same faces, levelled.

    1. Print the firearm's face, and sample the print on the scene's grid.
    2. Add what happened at the aperture: flow-back, impression, shear, drag.
    3. Add what lies around: the primer's rounded edge, groove, head; lacquer.
    4. Look at it as an instrument does: tilted, blind on steep walls, with dropouts, lost regions and spikes.
    """
    # 1.
    rng = np.random.default_rng([0x5CE4E, firearm_seed, shot_seed])
    shot = choose_shot(rng)
    y, x = _coordinates(scene)
    printed = _sample_print(print_shot(face_of(firearm_seed), shot, _PRINTED_POINTS, rng), scene, y, x)

    # 2.
    surface = _aperture(printed, shot, scene, y, x, rng)

    # 3.
    surface = _surroundings(surface, shot, scene, y, x, rng)

    # 4.
    heights = _seen(surface, scene, y, x, rng)
    heights.flags.writeable = False
    return DrawnScene(Topography(heights, scene.spacing_um, instrument=INSTRUMENT), surface.mark)


def _coordinates(scene: Scene) -> tuple[Plane, Plane]:
    """Each point's (y, x) from the primer's centre."""
    y, x = (
        ((np.arange(round(field / step)) + 0.5) * step - field / 2 - centre).astype(np.float32)
        for field, step, centre in zip(scene.field_um, scene.spacing_um, scene.centre_um, strict=True)
    )
    return y[:, None], x[None, :]


def _sample_print(printed: Plane, scene: Scene, y: Plane, x: Plane) -> Plane:
    """The print on the scene's grid; a coarser grid sees means, as an instrument's pixels do."""
    sy, sx = (max(step / SPACING_UM / 2 - 0.5, 0.0) for step in scene.spacing_um)
    middle = (_PRINTED_POINTS - 1) / 2
    matrix = np.array(
        [
            [scene.spacing_um[1] / SPACING_UM, 0.0, x[0, 0] / SPACING_UM + middle],
            [0.0, scene.spacing_um[0] / SPACING_UM, y[0, 0] / SPACING_UM + middle],
        ]
    )
    smooth = blurred(printed, (sy, sx)) if max(sy, sx) > 0.0 else printed
    return sampled(smooth, matrix, (y.size, x.size))


def _aperture(printed: Plane, shot: Shot, scene: Scene, y: Plane, x: Plane, rng: np.random.Generator) -> _Surface:
    """The print with its aperture: inside it the surface flowed back and the pin struck; beside it it sheared."""
    turn = float(rng.uniform(0.0, 2.0 * np.pi))
    v, u = y - shot.hole_offset_um[0], x - shot.hole_offset_um[1]
    outside = _distance_to_aperture(scene.aperture, shot.hole_radius_um, turn, v, u)
    angle = np.arctan2(v, u)
    # flow-back is a collar of varying height, which falls away into the impression
    collar = 40.0 + 18.0 * np.cos(angle - rng.uniform(0.0, 2.0 * np.pi)) - 0.1 * np.abs(outside + 100.0)
    rise = np.clip(-outside / 12.0, 0.0, 1.0) * collar
    pin = 0.55 * shot.hole_radius_um - np.hypot(v, u)
    impression = np.where(outside < 0.0, -np.clip(1.4 * pin, 0.0, 250.0), 0.0)
    heights = printed * np.where(outside >= 0.0, 1.0, 0.2) + rise + impression
    mark = outside >= 0.0
    if scene.shear:
        # tool marks of the aperture's edge: the surface is torn down along a part of it
        arc = np.clip(np.cos(angle - rng.uniform(0.0, 2.0 * np.pi)) * 2.0 - 0.8, 0.0, 1.0)
        reach = 110.0 * arc
        torn = np.clip(1.0 - outside / np.maximum(reach, 1.0), 0.0, 1.0) * (outside >= 0.0)
        heights -= 45.0 * np.minimum(torn * 2.0, 1.0) * arc
        mark &= ~((torn > 0.0) & (arc > 0.05))
    if scene.drag:
        across = np.abs(u * np.sin(turn) - v * np.cos(turn))
        along = u * np.cos(turn) + v * np.sin(turn)
        ends = shot.hole_radius_um + 350.0
        trough = np.clip(1.0 - across / 170.0, 0.0, 1.0) * np.clip((ends - along) / 350.0, 0.0, 1.0) * (along > 0.0)
        heights -= 60.0 * np.sqrt(trough) * (outside >= 0.0)
        mark &= trough == 0.0
    measured = ~(np.abs(outside + 6.0) < 10.0) | (np.cos(3.0 * angle + turn) > 0.3)
    return _Surface(heights.astype(np.float32), mark, measured)


def _distance_to_aperture(kind: Aperture, radius: float, turn: float, v: Plane, u: Plane) -> NDArray[np.float32]:
    """How far each point lies outside the aperture's edge; negative inside."""
    along = u * np.float32(np.cos(turn)) + v * np.float32(np.sin(turn))
    across = v * np.float32(np.cos(turn)) - u * np.float32(np.sin(turn))
    match kind:
        case "circular":
            return np.asarray(np.hypot(v, u) - radius, np.float32)
        case "elliptical":
            long, short = 1.25 * radius, 0.8 * radius
            return np.asarray((np.hypot(along / long, across / short) - 1.0) * short, np.float32)
        case "rectangular":
            corner = 60.0
            beyond = np.abs(along) - 1.2 * radius + corner, np.abs(across) - 0.72 * radius + corner
            outer = np.hypot(np.maximum(beyond[0], 0.0), np.maximum(beyond[1], 0.0))
            return np.asarray(outer + np.minimum(np.maximum(*beyond), 0.0) - corner, np.float32)
        case "teardrop":
            # discs that shrink from the middle towards the tip
            shares = np.linspace(0.0, 1.0, 9)
            discs = [np.hypot(along - 0.75 * s * radius, across) - radius * (0.85 - 0.6 * s) for s in shares]
            return np.asarray(np.minimum.reduce(discs), np.float32)


def _surroundings(
    surface: _Surface, shot: Shot, scene: Scene, y: Plane, x: Plane, rng: np.random.Generator
) -> _Surface:
    radius = np.hypot(y, x)
    edge = np.clip(radius - shot.primer_radius_um, 0.0, None)
    heights, mark = surface.heights, surface.mark & (edge == 0.0)
    if scene.lacquer:
        # a thin film that fills the marks near the edge and dries in a bead
        film = np.clip((radius - shot.primer_radius_um + 120.0) / 60.0, 0.0, 1.0) * (edge < 80.0)
        heights = np.asarray(heights * (1.0 - 0.8 * film) + 12.0 * film, np.float32)
        mark &= film < 0.5
    dome = scene.domed_um * np.minimum(radius / shot.primer_radius_um, 1.0) ** 2
    heights = np.asarray(heights * np.where(edge == 0.0, 1.0, 0.2) - edge**2 / 400.0 - dome, np.float32)
    measured = surface.measured & (edge / 200.0 < _STEEPEST)
    if scene.head:
        head = radius > shot.primer_radius_um + _PRIMER_EDGE_UM + _GROOVE_UM
        heights = np.where(head, np.float32(_HEAD_ABOVE_UM) + _head(radius, y, x, rng), heights)
        measured = np.where(head, radius < _HEAD_RADIUS_UM, measured)
    return _Surface(heights, np.asarray(mark), np.asarray(measured))


def _head(radius: Plane, y: Plane, x: Plane, rng: np.random.Generator) -> Plane:
    """Turned rings, and strokes in place of letters."""
    rings = 1.5 * np.sin(2.0 * np.pi * radius / 90.0 + rng.uniform(0.0, 6.0))
    angle = np.arctan2(y, x)
    strokes = np.sin(angle * 34.0 + rng.uniform(0.0, 6.0)) > 0.6
    letters = strokes & (np.abs(radius - 3600.0) < 420.0) & (np.sin(angle * 2.0) > -0.3)
    return np.asarray(rings - 85.0 * letters, np.float32)


def _seen(surface: _Surface, scene: Scene, y: Plane, x: Plane, rng: np.random.Generator) -> Plane:
    direction = rng.uniform(0.0, 2.0 * np.pi)
    slope = np.tan(np.deg2rad(scene.tilt_deg))
    shape = surface.heights.shape
    heights = surface.heights + slope * (np.cos(direction) * x + np.sin(direction) * y)
    heights += 0.05 * rng.standard_normal(shape, np.float32)
    chance = rng.random(shape, np.float32)
    measured = surface.measured & (chance >= scene.dropouts)
    spiked = chance > 1.0 - scene.spikes
    heights[spiked] += rng.uniform(-400.0, 400.0, int(spiked.sum())).astype(np.float32)
    for _ in range(scene.lost_patches):
        turn, away = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(900.0, 1500.0)
        ragged = standardised(noise(rng, 64, 3.0, 16.0))
        wide = cv2.resize(ragged, shape[::-1], interpolation=cv2.INTER_LINEAR)
        lost = np.hypot(y - away * np.sin(turn), x - away * np.cos(turn)) < 230.0 + 60.0 * wide
        measured = measured & ~lost
    return np.where(measured, heights, np.float32(np.nan)).astype(np.float32)
