"""Drawn breech faces of known firearm, for demonstrations, tests and benchmarks. Never evidence of accuracy.

A firearm's face is a class texture (granular, milled or arched, each with its own tool marks) and individual
marks (roughness, scratches, dents); nothing is shared between firearms. A shot prints it with varying contact onto a
primer that has a texture of its own, at any rotation, a little off centre, with a firing-pin hole and missing parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from matcher.numeric.plane import Mask, Plane, blurred, interpolated
from matcher.read.topography import Topography

INSTRUMENT = "synthetic: drawn, not measured"
SPACING_UM = 6.25
_POINTS, _RAW_POINTS = 560, 720
FACE_POINTS = 384
FACE_SPACING_UM = 12.5
_MARK_DEPTH_UM = 1.5


@dataclass(frozen=True)
class Shot:
    """What differs from shot to shot: micrometres from the primer's centre, degrees, shares from 0 to 1."""

    rotation_deg: float
    offset_um: tuple[float, float]
    primer_radius_um: float
    hole_radius_um: float
    hole_offset_um: tuple[float, float]
    contact: float
    primer_roughness: float
    missing: float
    missing_direction: float


def draw(firearm_seed: int, shot_seed: int, *, raw: bool = False) -> Topography:
    """Draw the breech-face mark of one shot of one firearm.

    The same seeds (not negative) draw the same scan. By default it is levelled and masked, as laboratories share
    them; ``raw`` adds what an instrument sees: tilt, the primer's rounded edge, the firing-pin impression
    with flow-back around it, dropouts. 560 x 560 points (720 x 720 for ``raw``), 6.25 um apart.

    1. Draw the firearm's face (kept for the next shot).
    2. Choose how this shot prints it.
    3. Print it: turned, off centre, fainter where contact was poor, over the primer's own texture.
    4. Mask what is not the mark, or add what surrounds it.
    """
    # 1.
    face = face_of(firearm_seed)

    # 2.
    rng = np.random.default_rng([0x5107, firearm_seed, shot_seed])
    shot = choose_shot(rng)

    if not raw:
        return shared_scan(face, shot, rng)

    # 3.
    heights = print_shot(face, shot, _RAW_POINTS, rng)

    # 4.
    y, x = _coordinates(_RAW_POINTS)
    return _scan(*_surround(heights, shot, y, x, rng))


def shared_scan(face: Plane, shot: Shot, rng: np.random.Generator) -> Topography:
    """One shot's print of a face, levelled and masked as laboratories share scans: 560 x 560 points."""
    heights = print_shot(face, shot, _POINTS, rng)
    y, x = _coordinates(_POINTS)
    return _scan(heights, _mark(shot, y, x))


def _scan(heights: Plane, measured: Mask) -> Topography:
    canonical = np.where(measured, heights, np.float32(np.nan)).astype(np.float32)
    canonical.flags.writeable = False
    return Topography(canonical, (SPACING_UM, SPACING_UM), instrument=INSTRUMENT)


@lru_cache(maxsize=8)
def face_of(firearm_seed: int) -> Plane:
    """A firearm's breech face, 4.8 mm wide at 12.5 um, mean 0 and deviation 1."""
    rng = np.random.default_rng([0xFACE, firearm_seed])
    draw_class = (_granular, _milled, _arched)[rng.integers(3)]
    individual = individual_marks(rng)
    share = float(rng.uniform(0.4, 0.6))
    return worn_face(draw_class(rng), individual, share, rng)


def individual_marks(rng: np.random.Generator) -> Plane:
    """The roughness that no other firearm has, mean 0 and deviation 1."""
    return standardised(noise(rng, FACE_POINTS, 4.0, 30.0) + 0.7 * noise(rng, FACE_POINTS, 1.5, 8.0))


def worn_face(texture: Plane, individual: Plane, share: float, rng: np.random.Generator) -> Plane:
    """A face of a class texture, which has this ``share`` of the relief's power, and of individual marks; scratched and
    dented."""
    face = standardised(texture) * np.float32(np.sqrt(share)) + individual * np.float32(np.sqrt(1.0 - share))
    face = standardised(face + _scratches(rng))
    face.flags.writeable = False
    return face


def _granular(rng: np.random.Generator) -> Plane:
    """Blasted or eroded: craters of one size."""
    size = float(rng.uniform(2.0, 4.0))
    grains = standardised(noise(rng, FACE_POINTS, size, 3.0 * size))
    return np.asarray(grains + 0.4 * grains**2)


def _milled(rng: np.random.Generator) -> Plane:
    """Nearly parallel tool marks."""
    y, x = face_coordinates()
    direction = rng.uniform(0.0, np.pi)
    return _tool_marks(rng, np.asarray(x * np.cos(direction) + y * np.sin(direction)))


def _arched(rng: np.random.Generator) -> Plane:
    """Tool marks around a far centre."""
    y, x = face_coordinates()
    direction, distance = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(3000.0, 9000.0)
    return _tool_marks(rng, np.hypot(x - distance * np.cos(direction), y - distance * np.sin(direction)) - distance)


def _tool_marks(rng: np.random.Generator, across_um: Plane) -> Plane:
    profile = rng.standard_normal(2048).astype(np.float32)[None, :]
    return tool_marks(profile, float(rng.uniform(2.0, 4.0)), across_um, rng)


def tool_marks(profile: Plane, width: float, across_um: Plane, rng: np.random.Generator) -> Plane:
    """Ridges ``width`` points wide that vary across the marks, waver a little, and come and go along them. ``profile``:
    noise of shape (1, 2048)."""
    ridges = blurred(profile, (0.1, width)) - blurred(profile, (0.1, 4.0 * width))
    waver = 15.0 * standardised(noise(rng, FACE_POINTS, 20.0, 60.0))
    place = ((across_um + waver) / FACE_SPACING_UM + 1024.0).astype(np.float32)
    drawn = np.asarray(cv2.remap(ridges, place, np.zeros_like(place), cv2.INTER_LINEAR), np.float32)
    presence = 0.7 + 0.3 * np.tanh(standardised(noise(rng, FACE_POINTS, 15.0, 60.0)))
    return np.asarray(drawn * presence, np.float32)


def _scratches(rng: np.random.Generator) -> Plane:
    """Single scratches and dents of this firearm."""
    plane = np.zeros((FACE_POINTS, FACE_POINTS), np.float32)
    for _ in range(12):
        start, length, turn = rng.uniform(40.0, 344.0, 2), rng.uniform(20.0, 140.0), rng.uniform(0.0, 2.0 * np.pi)
        end = start + length * np.array([np.cos(turn), np.sin(turn)])
        ends = [tuple(int(value) for value in np.rint(point * 16)) for point in (start, end)]
        cv2.line(plane, ends[0], ends[1], float(rng.uniform(-6.0, 6.0)), 2, cv2.LINE_AA, 4)
    for _ in range(30):
        middle = tuple(int(value) for value in rng.integers(40, 344, 2))
        cv2.circle(plane, middle, int(rng.integers(2, 6)), float(rng.uniform(-4.0, 4.0)), -1)
    return blurred(plane, (1.2, 1.2))


def choose_shot(rng: np.random.Generator) -> Shot:
    """How one shot prints its firearm's face."""
    return Shot(
        rotation_deg=float(rng.uniform(0.0, 360.0)),
        offset_um=(float(rng.normal(0.0, 60.0)), float(rng.normal(0.0, 60.0))),
        primer_radius_um=float(rng.uniform(1640.0, 1720.0)),
        hole_radius_um=float(rng.uniform(650.0, 950.0)),
        hole_offset_um=(float(rng.normal(0.0, 130.0)), float(rng.normal(0.0, 130.0))),
        contact=float(rng.uniform(0.7, 1.1)),
        primer_roughness=float(rng.uniform(0.25, 0.6)),
        missing=float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4)])),
        missing_direction=float(rng.uniform(0.0, 2.0 * np.pi)),
    )


def print_shot(face: Plane, shot: Shot, points: int, rng: np.random.Generator) -> Plane:
    """The heights of the printed face in micrometres, on ``points`` x ``points``, 6.25 um apart, around the primer."""
    turn = np.deg2rad(shot.rotation_deg)
    scale = SPACING_UM / FACE_SPACING_UM
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    middle, half = (points - 1) / 2, (FACE_POINTS - 1) / 2
    dy, dx = (offset / FACE_SPACING_UM for offset in shot.offset_um)
    matrix = np.array(
        [
            [cosine, sine, half + dx - (cosine + sine) * middle],
            [-sine, cosine, half + dy - (cosine - sine) * middle],
        ]
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    printed = cv2.warpAffine(face, matrix, (points, points), flags=flags, borderMode=cv2.BORDER_REFLECT)
    pressure = shot.contact + 0.45 * standardised(noise(rng, 70, 5.0, 20.0))
    contact = interpolated(np.clip(pressure, 0.05, 1.0).astype(np.float32), (points, points))
    texture = interpolated(standardised(noise(rng, points // 2, 1.5, 5.0)), (points, points))
    instrument = 0.08 * rng.standard_normal((points, points), np.float32)
    return np.asarray(_MARK_DEPTH_UM * (printed * contact + shot.primer_roughness * texture + instrument), np.float32)


def _mark(shot: Shot, y: Plane, x: Plane) -> Mask:
    hole = np.hypot(y - shot.hole_offset_um[0], x - shot.hole_offset_um[1]) < shot.hole_radius_um
    along = x * np.cos(shot.missing_direction) + y * np.sin(shot.missing_direction)
    lost = along > shot.primer_radius_um * (1.0 - 2.0 * shot.missing)
    return np.asarray((np.hypot(y, x) < shot.primer_radius_um) & ~hole & ~lost)


def _surround(heights: Plane, shot: Shot, y: Plane, x: Plane, rng: np.random.Generator) -> tuple[Plane, Mask]:
    """The heights as an instrument sees them, and which points it measures."""
    radius = np.hypot(y, x)
    from_hole = np.hypot(y - shot.hole_offset_um[0], x - shot.hole_offset_um[1]) - shot.hole_radius_um
    tilt = rng.normal(0.0, 0.01, 2)
    edge = np.clip(radius - shot.primer_radius_um, 0.0, None)
    # flow-back rises as a steep collar around the impression, which falls away inside of it
    collar = np.where((from_hole < 0.0) & (from_hole > -200.0), 45.0 - 0.1 * np.abs(from_hole + 100.0), 0.0)
    impression = np.where(from_hole <= -200.0, np.maximum(0.9 * (from_hole + 200.0), -250.0), 0.0)
    form = tilt[0] * y + tilt[1] * x + 2e-6 * radius**2 - edge**2 / 400.0
    flat = (from_hole >= 0.0) & (edge == 0.0)
    whole = heights * np.where(flat, 1.0, 0.2) + form + collar + impression
    steep = (np.abs(from_hole) < 20.0) | (np.abs(from_hole + 200.0) < 15.0) | (edge > 60.0)
    measured = (radius < shot.primer_radius_um + 150.0) & ~steep & (rng.random(radius.shape, np.float32) > 0.003)
    return whole.astype(np.float32), np.asarray(measured)


def noise(rng: np.random.Generator, points: int, fine: float, coarse: float) -> Plane:
    """Isotropic noise between two Gaussian deviations, in points."""
    white = rng.standard_normal((points, points), np.float32)
    return blurred(white, (fine, fine)) - blurred(white, (coarse, coarse))


def standardised(plane: Plane) -> Plane:
    return np.asarray((plane - plane.mean()) / plane.std(), np.float32)


def face_coordinates() -> tuple[Plane, Plane]:
    """Each point's y and x from the middle of a face, in micrometres."""
    place = ((np.arange(FACE_POINTS) - (FACE_POINTS - 1) / 2) * FACE_SPACING_UM).astype(np.float32)
    return place[:, None], place[None, :]


def _coordinates(points: int) -> tuple[Plane, Plane]:
    place = ((np.arange(points) - (points - 1) / 2) * SPACING_UM).astype(np.float32)
    return place[:, None], place[None, :]
