"""Drawn surfaces that are no breech-face mark, as they are uploaded by mistake: heights in micrometres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.numeric.plane import Plane, blurred
from matcher.read.topography import Topography
from matcher.synthetic.breech_face import draw, noise, standardised
from tests.matcher.synthetic.pin_and_shear import draw_impression, draw_shear

_UM = 6.25
_POINTS = 480
_RNG_SEED = 0x0DD


def _place(points: int = _POINTS, um: float = _UM) -> tuple[Plane, Plane]:
    place = ((np.arange(points) - (points - 1) / 2) * um).astype(np.float32)
    return place[:, None], place[None, :]


def _rng() -> np.random.Generator:
    return np.random.default_rng(_RNG_SEED)


def _scan(heights: Plane, um: float = _UM) -> Topography:
    measured = heights + 0.05 * _rng().standard_normal(heights.shape, np.float32)
    return Topography(measured.astype(np.float32), (um, um))


def _striae(points: int, depth_um: float) -> Plane:
    """Ridges along y, which last."""
    across = blurred(_rng().standard_normal((1, points), np.float32), (0.1, 2.0))
    return np.asarray(depth_um * standardised(across) + np.zeros((points, 1), np.float32), np.float32)


def bullet_land() -> Topography:
    """A land impression of a 9 mm bullet: striae on a cylinder, a shoulder on either side."""
    _, x = _place(800, 3.125)
    shoulders = 120.0 / (1.0 + np.exp(-(np.abs(x) - 1000.0) / 15.0))
    return _scan(np.asarray(_striae(800, 1.0) - x**2 / (2.0 * 4500.0) + shoulders, np.float32), 3.125)


def ground_flat() -> Topography:
    return _scan(_striae(_POINTS, 0.8))


def dent_in_a_flat() -> Topography:
    """A firing pin that struck a plate: a bowl, a raised rim around it, and no primer."""
    y, x = _place()
    radius = np.hypot(y, x)
    bowl = -np.clip(1.0 - (radius / 600.0) ** 2, 0.0, None) * 200.0
    rim = 25.0 * np.exp(-(((radius - 640.0) / 60.0) ** 2))
    return _scan(np.asarray(bowl + rim + standardised(noise(_rng(), _POINTS, 2.0, 8.0)), np.float32))


def ball() -> Topography:
    """A steel ball of 10 mm: what an instrument sees of it is as wide as a primer."""
    y, x = _place(600)
    squared = y**2 + x**2
    heights = np.sqrt(5000.0**2 - squared) + 0.3 * standardised(noise(_rng(), 600, 1.5, 6.0))
    return _scan(np.where(squared < 1650.0**2, heights, np.nan).astype(np.float32))


def rubber() -> Topography:
    rng = _rng()
    return _scan(5.0 * standardised(noise(rng, _POINTS, 6.0, 24.0)) + 2.0 * standardised(noise(rng, _POINTS, 1.0, 4.0)))


def coin() -> Topography:
    """Letters with steep flanks on a smooth ground."""
    letters = blurred((noise(_rng(), _POINTS, 12.0, 40.0) > 0.01).astype(np.float32), (1.0, 1.0))
    return _scan(np.asarray(30.0 * letters + 0.5 * standardised(noise(_rng(), _POINTS, 1.0, 4.0)), np.float32))


def ski_base() -> Topography:
    """Polyethylene, ground with a stone: grooves that cross."""
    y, x = _place()
    grooves = 6.0 * np.abs(np.sin(np.pi * (x + 0.15 * y) / 350.0)) + 4.0 * np.abs(
        np.sin(np.pi * (x - 0.15 * y) / 270.0)
    )
    return _scan(np.asarray(grooves + standardised(noise(_rng(), _POINTS, 1.0, 5.0)), np.float32))


def white_noise() -> Topography:
    return _scan(_rng().standard_normal((_POINTS, _POINTS), np.float32))


def calibration_grid() -> Topography:
    """Square pits of 2 um, 200 um apart."""
    y, x = _place()
    pits = (np.mod(x, 200.0) < 100.0) & (np.mod(y, 200.0) < 100.0)
    return _scan(np.where(pits, np.float32(-2), np.float32(0)))


def empty_plane() -> Topography:
    y, x = _place()
    return _scan(np.asarray(0.01 * x - 0.004 * y, np.float32))


def impression() -> Topography:
    return draw_impression(3, 1)


def shear() -> Topography:
    return draw_shear(3, 1)


def noise_in_the_mask_of_a_mark() -> Topography:
    """What a wrong export makes of a mark: its mask is right, its heights are not."""
    mask = np.isfinite(draw(2, 0).heights_um)
    return Topography(np.where(mask, _rng().standard_normal(mask.shape), np.nan).astype(np.float32), (_UM, _UM))


def disc_of_a_plate() -> Topography:
    """Cut out as wide as a primer, without an aperture."""
    y, x = _place(600)
    return _scan(np.where(np.hypot(y, x) < 1700.0, _striae(600, 1.0), np.float32(np.nan)))


OTHER_SURFACES: dict[str, Callable[[], Topography]] = {
    made.__name__: made
    for made in (
        bullet_land,
        ground_flat,
        dent_in_a_flat,
        ball,
        rubber,
        coin,
        ski_base,
        white_noise,
        calibration_grid,
        empty_plane,
        impression,
        shear,
        noise_in_the_mask_of_a_mark,
        disc_of_a_plate,
    )
}
