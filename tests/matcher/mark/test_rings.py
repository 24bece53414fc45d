"""What goes round is taken away, about whatever centre it goes; what does not is left."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import FIRING_PIN_PARAMETERS
from matcher.mark.level import LevelledMark
from matcher.mark.rings import ring_centre, without_rings
from matcher.numeric.plane import Plane, blurred

SPACING_UM = 4.0
POINTS = 320
PLACE = (np.arange(POINTS) * SPACING_UM).astype(np.float32)
Y, X = np.meshgrid(PLACE, PLACE, indexing="ij")
MIDDLE = PLACE[-1] / 2
INSIDE = np.hypot(Y - MIDDLE, X - MIDDLE) < 600.0


def texture(seed: int) -> Plane:
    white = np.random.default_rng(seed).standard_normal((POINTS, POINTS), np.float32)
    marks = blurred(white, (2.0, 2.0))
    return np.asarray(marks / marks.std(), np.float32)


def rings(centre: tuple[float, float], waver: Plane | float = 0.0) -> Plane:
    """Not periodic, or a ring could stand for its neighbour: deviation 1."""
    profile = blurred(np.random.default_rng(5).standard_normal((1, 1000), np.float32), (0.1, 3.0))
    radius = np.hypot(Y - centre[0], X - centre[1]) + waver
    drawn = np.interp(radius, np.arange(1000) * 3.0, profile[0] / profile.std())
    return np.asarray(drawn, np.float32)


def mark(heights: Plane, weights: Plane | None = None) -> LevelledMark:
    weights = INSIDE.astype(np.float32) if weights is None else weights
    centre = float(MIDDLE), float(MIDDLE)
    return LevelledMark(np.where(weights > 0, heights, 0.0), weights, (SPACING_UM, SPACING_UM), (0.0, 0.0), centre)


def correlation(a: Plane, b: Plane, where: NDArray[np.bool_] = INSIDE) -> float:
    return float(np.corrcoef(a[where], b[where])[0, 1])


@pytest.mark.parametrize("centre", [(640.0, 640.0), (500.0, 790.0), (300.0, 460.0)])
def test_the_centre_of_rings_is_found_wherever_it_lies_in_the_mark(centre: tuple[float, float]) -> None:
    found = ring_centre(mark(texture(1) + rings(centre)), FIRING_PIN_PARAMETERS)
    assert np.hypot(*(np.array(found) - centre)) < 8.0


def test_half_a_mark_gives_the_same_centre() -> None:
    half = (INSIDE & (X > 600.0)).astype(np.float32)
    found = ring_centre(mark(texture(1) + rings((500.0, 700.0)), half), FIRING_PIN_PARAMETERS)
    assert np.hypot(*(np.array(found) - (500.0, 700.0))) < 8.0


def test_rings_go_and_the_texture_between_them_stays() -> None:
    marks, turned = texture(1), rings((500.0, 790.0))
    left = without_rings(mark(marks + turned), FIRING_PIN_PARAMETERS).heights
    far = INSIDE & (np.hypot(Y - 500.0, X - 790.0) > 150.0)
    assert correlation(marks + turned, turned, far) > 0.6
    assert abs(correlation(left, turned, far)) < 0.1
    assert correlation(left, marks, far) > 0.9


def test_rings_that_waver_and_fade_go_too() -> None:
    """An ellipse, and twice as deep on one side: over a whole circle they have no mean to be taken away."""
    oval = 25.0 * np.cos(2.0 * np.arctan2(Y - 600.0, X - 600.0)).astype(np.float32)
    marks, turned = texture(2), rings((600.0, 600.0), oval) * (1.0 + 0.5 * (X - 600.0) / 600.0)
    left = without_rings(mark(marks + turned), FIRING_PIN_PARAMETERS).heights
    far = INSIDE & (np.hypot(Y - 600.0, X - 600.0) > 150.0)
    assert abs(correlation(left, turned, far)) < 0.35 * correlation(marks + turned, turned, far)
    assert correlation(left, marks, far) > 0.8


def test_a_mark_without_rings_is_left_as_it_is_but_for_what_chance_lays_along_a_circle() -> None:
    left = without_rings(mark(texture(3)), FIRING_PIN_PARAMETERS).heights
    assert correlation(left, texture(3)) > 0.9


def test_a_drag_does_not_smear_along_the_rings() -> None:
    marks = texture(4) + rings((640.0, 640.0))
    dragged = np.where((abs(Y - 640.0) < 60.0) & (X > 1000.0), 12.0, marks).astype(np.float32)
    beside = INSIDE & (abs(Y - 640.0) > 80.0)
    plain, smeared = (without_rings(mark(heights), FIRING_PIN_PARAMETERS).heights for heights in (marks, dragged))
    assert correlation(plain, smeared, beside) > 0.97


def test_what_was_not_measured_stays_so() -> None:
    holes = INSIDE & (np.random.default_rng(6).random(INSIDE.shape) > 0.05)
    before = mark(texture(1) + rings((600.0, 640.0)), holes.astype(np.float32))
    after = without_rings(before, FIRING_PIN_PARAMETERS)
    assert np.array_equal(after.weights, before.weights)
    assert not after.heights[~holes].any()
    assert np.isfinite(after.heights).all()
