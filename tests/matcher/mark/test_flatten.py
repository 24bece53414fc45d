from __future__ import annotations

import numpy as np
import pytest

from matcher.mark.flatten import flattened
from matcher.numeric.plane import Plane, blurred, moved

POINTS = 160
BAND = (2.0, 20.0)
ROWS, COLUMNS = np.mgrid[:POINTS, :POINTS] - (POINTS - 1) / 2
RADIUS = np.hypot(ROWS, COLUMNS)
DISC = (RADIUS <= 70.0).astype(np.float32)


def steep(seed: int) -> Plane:
    """A surface whose waves of 12 points are far stronger than those of 4; form was taken off it."""
    noise = np.random.default_rng(seed).standard_normal((POINTS, POINTS), np.float32)
    return noise * np.float32(0.02) + blurred(noise, (1.7, 1.7)) - blurred(noise, (4.0, 4.0))


def ring_power(plane: Plane) -> np.ndarray:
    """Mean power around circles, by cycles per field."""
    power = np.abs(np.fft.fft2(plane)) ** 2
    cycles = np.fft.fftfreq(POINTS, 1 / POINTS)
    ring = np.rint(np.hypot(cycles[:, None], cycles)).astype(int)
    return np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())


def test_the_spectrum_is_flat_within_the_band() -> None:
    surface, everywhere = steep(1), np.ones((POINTS, POINTS), np.float32)
    flat = ring_power(flattened(surface, everywhere, BAND, 3.0))
    before = ring_power(surface)
    # waves of 4 to 12 points, of which the band's ends take little
    inside = slice(POINTS // 12, POINTS // 4)
    assert before[inside].max() / before[inside].min() > 50.0
    assert flat[inside].max() / flat[inside].min() < 3.0
    smooth = np.convolve(flat[inside], np.ones(5) / 5, "valid")
    assert smooth.max() / smooth.min() < 1.6


def test_beyond_the_band_little_is_left() -> None:
    flat = ring_power(flattened(steep(2), np.ones((POINTS, POINTS), np.float32), BAND, 3.0))
    middle = flat[POINTS // 12 : POINTS // 4].mean()
    assert flat[1:3].max() < 0.1 * middle


def test_mask_edges_do_not_ring() -> None:
    """Along the last five points of a soft-edged mask heights spread as they do inside."""
    weights = np.clip((72.0 - RADIUS) / 4.0, 0.0, 1.0).astype(np.float32)
    flat = flattened(steep(3), weights, BAND, 3.0)
    rim, inside = flat[(RADIUS > 65.0) & (RADIUS <= 70.0)], flat[RADIUS < 50.0]
    assert np.sqrt((rim**2).mean()) < 1.15 * np.sqrt((inside**2).mean())
    assert not flat[weights == 0.0].any()


def test_it_does_not_depend_on_the_unit_of_heights() -> None:
    once = flattened(steep(4), DISC, BAND, 3.0)
    assert flattened(steep(4) * np.float32(1000.0), DISC, BAND, 3.0) == pytest.approx(once, abs=1e-3)
    assert np.median(np.abs(once[DISC > 0])) == pytest.approx(1.0 / 1.4826, rel=1e-3)
    assert np.abs(once).max() == 3.0


def test_it_favours_no_direction() -> None:
    turned_after = moved(flattened(steep(5) * DISC, DISC, BAND, 3.0), 37.0, (0.0, 0.0))
    turned_before = flattened(moved(steep(5) * DISC, 37.0, (0.0, 0.0)), DISC, BAND, 3.0)
    inside = RADIUS < 60.0
    assert np.corrcoef(turned_after[inside], turned_before[inside])[0, 1] > 0.9


def test_it_is_the_same_every_time() -> None:
    first = flattened(steep(6), DISC, BAND, 3.0)
    assert np.array_equal(first, flattened(steep(6), DISC, BAND, 3.0))


@pytest.mark.parametrize("weights", [np.zeros_like(DISC), DISC])
def test_nothing_measured_and_nothing_but_a_plane_give_nothing(weights: Plane) -> None:
    assert not flattened(np.zeros_like(DISC), weights, BAND, 3.0).any()
