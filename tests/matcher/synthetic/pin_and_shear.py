"""Drawn firing pin impressions and aperture shears of known firearm. Never evidence of accuracy.

No real scans of these regions with known firearm were at hand: the forms, depths and disturbances are those that
the literature describes, their strengths are a guess on the hard side, and nothing is shared between firearms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.numeric.plane import Mask, Plane, blurred, interpolated
from matcher.read.topography import Topography
from matcher.synthetic.breech_face import INSTRUMENT

IMPRESSION_SPACING_UM = 4.0
_IMPRESSION_POINTS = 600
_TIP_POINTS = 600
_TIP_SPACING_UM = 4.0
_TIP_DEPTH_UM = 1.2

SHEAR_SPACING_UM = 2.5
_SHEAR_POINTS = 720
_EDGE_POINTS = 1200
_STRIA_DEPTH_UM = 0.8


@dataclass(frozen=True)
class _Pin:
    """A firing pin: its tip's marks (deviation 1), its radius, and whether it is flat or a sphere's cap."""

    marks: Plane
    radius_um: float
    flat: bool
    drag_direction: float


def draw_impression(firearm_seed: int, shot_seed: int, *, raw: bool = False) -> Topography:
    """Draw the firing pin impression of one shot of one firearm: a bowl or a flat-bottomed dent.

    The same seeds (not negative) draw the same scan of 600 x 600 points, 4 um apart. By default it is cropped to the
    dent, as laboratories share it, its form still in it; ``raw`` adds the primer around it, flow-back, and the
    dropouts of steep walls.

    1. Draw the firearm's pin (kept for the next shot).
    2. Choose how this shot prints it: where, how deep, how well, with how much drag.
    3. Print the tip's marks on the dent's form, over the primer's own texture.
    4. Drag the pin out on one side; crop the dent, or add what surrounds it.
    """
    # 1.
    pin = _pin(firearm_seed)

    # 2.
    rng = np.random.default_rng([0x0F1A, firearm_seed, shot_seed])
    turn = rng.uniform(0.0, 2.0 * np.pi)
    offset, tilt = rng.normal(0.0, 60.0, 2), rng.normal(0.0, 0.03, 2)
    depth = float(np.clip(pin.radius_um * rng.uniform(0.25, 0.5), 100.0, 450.0))

    # 3.
    y, x = _coordinates(_IMPRESSION_POINTS, IMPRESSION_SPACING_UM)
    v, u = y - offset[0], x - offset[1]
    radius = np.hypot(v, u)
    dent = _dent(radius, pin, depth)
    inside = np.where(radius < pin.radius_um, 1.0, 0.3).astype(np.float32)
    heights = dent + inside * _printed_tip(pin, v, u, turn, rng)

    # 4.
    heights, dragged = _dragged(heights, v, u, pin, turn, depth, rng)
    steep = _steepness(dent) > np.tan(np.deg2rad(52.0))
    lost = (u * np.cos(turn) + v * np.sin(turn)) > pin.radius_um * float(rng.choice([2.0, 2.0, rng.uniform(0.3, 0.8)]))
    measured = rng.random(radius.shape, np.float32) > 0.004
    if raw:
        heights += _flow_back(radius, pin.radius_um)
        measured &= ~steep | (rng.random(radius.shape, np.float32) > 0.7)
    else:
        measured &= (radius < pin.radius_um) & ~steep & ~lost
    noise = np.where(dragged, 0.3, 0.06) * rng.standard_normal(radius.shape)
    return _scan(heights + tilt[0] * y + tilt[1] * x + noise, measured, IMPRESSION_SPACING_UM)


def draw_shear(firearm_seed: int, shot_seed: int) -> Topography:
    """Draw the aperture shear of one shot of one firearm: a band of striae beside the aperture's edge.

    The same seeds (not negative) draw the same scan of 720 x 720 points, 2.5 um apart: the band in any direction,
    0.7 to 1.6 mm across its striae and 0.15 to 0.4 mm along them, with unstriated primer around it.

    1. Draw the edge of the firearm's aperture (kept for the next shot).
    2. Choose how this shot cuts the primer on it: where, in which direction, how much of it, how worn.
    3. Draw the striae: the edge's profile, stretched a little, coming and going along the cut.
    4. Lay the band on the primer: granular, at another height, with dropouts and spikes.
    """
    # 1.
    edge = _edge(firearm_seed)

    # 2.
    rng = np.random.default_rng([0x05EA, firearm_seed, shot_seed])
    direction = rng.uniform(0.0, 2.0 * np.pi)
    stretch = float(np.exp(rng.normal(0.0, 0.012)))
    width, length = rng.uniform(700.0, 1600.0), rng.uniform(150.0, 400.0)
    place = rng.normal(0.0, 60.0, 3)

    # 3.
    y, x = _coordinates(_SHEAR_POINTS, SHEAR_SPACING_UM)
    across = np.asarray(x * np.cos(direction) + y * np.sin(direction) - place[0], np.float32)
    along = np.asarray(y * np.cos(direction) - x * np.sin(direction) - place[1], np.float32)
    striae = _striae(edge, (across * stretch + place[2] * 0.5), along, rng)

    # 4.
    ragged = 25.0 * _noise(rng, _SHEAR_POINTS, 12.0, 60.0)
    band = (np.abs(across) + ragged < width / 2) & (np.abs(along) + ragged < length / 2)
    grain = _noise(rng, _SHEAR_POINTS, 3.0, 12.0)
    rounded = -((across / 900.0) ** 2) * 30.0 + along * rng.normal(0.0, 0.08)
    heights = np.where(band, _STRIA_DEPTH_UM * striae + rounded, 0.9 * grain - 35.0)
    heights = heights + _STRIA_DEPTH_UM * (0.25 * grain + 0.12 * rng.standard_normal(band.shape))
    border = cv2.morphologyEx(band.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    chance = rng.random(band.shape, np.float32)
    heights = np.where(chance > 0.999, heights + 20.0, heights)
    return _scan(heights, (chance > 0.006) & ~border, SHEAR_SPACING_UM)


@lru_cache(maxsize=8)
def _pin(firearm_seed: int) -> _Pin:
    rng = np.random.default_rng([0x0B1A, firearm_seed])
    y, x = _coordinates(_TIP_POINTS, _TIP_SPACING_UM)
    axis = rng.normal(0.0, 150.0, 2)
    radius = np.hypot(y - axis[0], x - axis[1]) + 6.0 * _noise(rng, _TIP_POINTS, 15.0, 60.0)
    # turned on a lathe: rings around an axis that is not quite the pin's own
    rings = _across(_profile(rng, 900, float(rng.uniform(2.0, 4.0))), np.asarray(radius, np.float32), _TIP_SPACING_UM)
    worn = _noise(rng, _TIP_POINTS, 3.0, 20.0) + 0.7 * _noise(rng, _TIP_POINTS, 1.5, 6.0)
    marks = rng.uniform(0.4, 0.8) * rings + _standard(worn)
    for _ in range(25):
        middle = tuple(int(value) for value in rng.integers(120, _TIP_POINTS - 120, 2))
        cv2.circle(marks, middle, int(rng.integers(3, 10)), float(rng.uniform(-4.0, 4.0)), -1)
    marks = _standard(blurred(marks, (1.2, 1.2)))
    marks.flags.writeable = False
    return _Pin(marks, float(rng.uniform(420.0, 850.0)), bool(rng.integers(2)), float(rng.uniform(0.0, 2.0 * np.pi)))


def _dent(radius: Plane, pin: _Pin, depth: float) -> Plane:
    """The dent without marks, micrometres: 0 at the primer's surface."""
    if pin.flat:
        # a flat end of three quarters of the radius, a little domed, and a wall up to the surface
        bottom = 0.75 * pin.radius_um
        wall = depth * (radius - bottom) / (pin.radius_um - bottom)
        shape = np.where(radius < bottom, 6.0 * (radius / bottom) ** 2 - 6.0, wall) - depth
    else:
        sphere = (pin.radius_um**2 + depth**2) / (2.0 * depth)
        shape = sphere - np.sqrt(np.maximum(sphere**2 - radius**2, 1.0)) - depth
    return np.asarray(np.where(radius < pin.radius_um, shape, 0.0), np.float32)


def _printed_tip(pin: _Pin, v: Plane, u: Plane, turn: float, rng: np.random.Generator) -> Plane:
    """The tip's marks, turned, where contact was good, with the primer's own texture."""
    cosine, sine = np.cos(turn), np.sin(turn)
    middle = (_TIP_POINTS - 1) / 2
    columns = (u * cosine + v * sine) / _TIP_SPACING_UM + middle
    rows = (v * cosine - u * sine) / _TIP_SPACING_UM + middle
    marks = cv2.remap(pin.marks, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_CUBIC)
    coarse = np.clip(rng.uniform(0.7, 1.1) + 0.4 * _noise(rng, 75, 5.0, 20.0), 0.05, 1.0).astype(np.float32)
    contact = interpolated(coarse, (_IMPRESSION_POINTS, _IMPRESSION_POINTS))
    texture = _noise(rng, _IMPRESSION_POINTS, 2.5, 9.0)
    return np.asarray(_TIP_DEPTH_UM * (marks * contact + rng.uniform(0.3, 0.7) * texture), np.float32)


def _dragged(
    heights: Plane, v: Plane, u: Plane, pin: _Pin, turn: float, depth: float, rng: np.random.Generator
) -> tuple[Plane, Mask]:
    """The heights with a ramp where the pin was dragged out over the rim, and where that is."""
    direction = turn + pin.drag_direction + rng.normal(0.0, 0.15)
    forward = u * np.cos(direction) + v * np.sin(direction)
    sideways = v * np.cos(direction) - u * np.sin(direction)
    start, end = rng.uniform(0.65, 0.85) * pin.radius_um, rng.uniform(1.15, 1.4) * pin.radius_um
    ramp = -0.6 * depth * (end - forward) / (end - start)
    striae = _across(_profile(rng, 900, 2.0), np.asarray(sideways, np.float32), _TIP_SPACING_UM)
    inside = (np.abs(sideways) < 0.3 * pin.radius_um) & (forward > start) & (forward < end) & (ramp < heights + 2.0)
    return np.where(inside, ramp + 1.5 * striae, heights).astype(np.float32), np.asarray(inside)


def _flow_back(radius: Plane, dent_radius: float) -> Plane:
    """What rises around the dent into the aperture, and the breech face's level beyond the aperture."""
    collar = 35.0 * np.exp(-(((radius - dent_radius - 90.0) / 70.0) ** 2))
    return np.asarray(np.where(radius > dent_radius, collar, 0.0) - 50.0 * (radius > 1.35 * dent_radius + 150.0))


def _steepness(surface: Plane) -> Plane:
    return np.asarray(np.hypot(*np.gradient(surface, IMPRESSION_SPACING_UM)), np.float32)


@lru_cache(maxsize=8)
def _edge(firearm_seed: int) -> Plane:
    """The profile of an aperture's edge, 3 mm at 2.5 um, deviation 1: fine and broad ridges, and some nicks."""
    rng = np.random.default_rng([0x0ED6E, firearm_seed])
    edge = _profile(rng, _EDGE_POINTS, 1.6) + 0.8 * _profile(rng, _EDGE_POINTS, float(rng.uniform(3.0, 5.0)))
    for place in rng.integers(0, _EDGE_POINTS, 40):
        edge[:, place : place + int(rng.integers(2, 7))] += float(rng.uniform(-3.0, 3.0))
    edge = _standard(blurred(edge, (0.1, 1.2)))
    edge.flags.writeable = False
    return edge


def _striae(edge: Plane, across_um: Plane, along_um: Plane, rng: np.random.Generator) -> Plane:
    """The edge's profile as this shot shows it: partly worn or new, and coming and going along the cut."""
    fresh = _profile(rng, _EDGE_POINTS, float(rng.uniform(2.0, 4.0)))
    share = rng.uniform(0.02, 0.12)
    presence = np.clip(rng.uniform(0.9, 1.1) + 0.2 * _profile(rng, _EDGE_POINTS, 25.0), 0.0, 1.2)
    profile = np.sqrt(1.0 - share) * edge * presence + np.sqrt(share) * fresh
    waver = 2.5 * _across(_profile(rng, 600, 30.0), along_um, SHEAR_SPACING_UM)
    fade = 0.75 + 0.25 * _noise(rng, _SHEAR_POINTS, 20.0, 80.0)
    return np.asarray(_across(profile.astype(np.float32), across_um + waver, SHEAR_SPACING_UM) * fade, np.float32)


def _profile(rng: np.random.Generator, points: int, fine: float) -> Plane:
    """(1, points): noise between two Gaussian deviations, in points; deviation 1."""
    white = rng.standard_normal((1, points), np.float32)
    return _standard(blurred(white, (0.1, fine)) - blurred(white, (0.1, 4.0 * fine)))


def _across(profile: Plane, place_um: Plane, spacing_um: float) -> Plane:
    """A profile (1, points) laid out over a surface: its value at each point's place from the profile's middle."""
    columns = place_um / np.float32(spacing_um) + np.float32((profile.shape[1] - 1) / 2)
    rows = np.zeros_like(columns)
    drawn = cv2.remap(profile, columns.astype(np.float32), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(drawn, np.float32)


def _noise(rng: np.random.Generator, points: int, fine: float, coarse: float) -> Plane:
    """Isotropic noise between two Gaussian deviations, in points; mean 0, deviation 1."""
    white = rng.standard_normal((points, points), np.float32)
    return _standard(blurred(white, (fine, fine)) - blurred(white, (coarse, coarse)))


def _standard(plane: Plane) -> Plane:
    return np.asarray((plane - plane.mean()) / plane.std(), np.float32)


def _coordinates(points: int, spacing_um: float) -> tuple[Plane, Plane]:
    place = ((np.arange(points) - (points - 1) / 2) * spacing_um).astype(np.float32)
    y, x = np.meshgrid(place, place, indexing="ij")
    return y, x


def _scan(heights: NDArray[np.floating], measured: Mask, spacing_um: float) -> Topography:
    canonical = np.where(measured, heights, np.float32(np.nan)).astype(np.float32)
    canonical.flags.writeable = False
    return Topography(canonical, (spacing_um, spacing_um), instrument=INSTRUMENT)
