"""Correlations from waves are those of the planes themselves, turned and shifted point by point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import jv

from matcher.areal.waves import Band, ShiftRings, Spectrum, Waves
from matcher.numeric.plane import Plane, blurred, moved

POINTS, DIRECTIONS = 160, 192
ROWS, COLUMNS = np.mgrid[:POINTS, :POINTS] - (POINTS - 1) / 2
RINGS = ShiftRings.within(6.0, 1.5)
SPECTRUM = Spectrum(2 * math.pi / 40, 2 * math.pi / 4, 0.04, 1.4, 78.0, DIRECTIONS)


def blobs(seed: int) -> Plane:
    """Waves of six to twenty points, which the spectrum holds, and nothing near the rim."""
    noise = np.random.default_rng(seed).standard_normal((POINTS, POINTS), np.float32)
    band = blurred(noise, (2.0, 2.0)) - blurred(noise, (4.0, 4.0))
    faded = blurred((np.hypot(ROWS, COLUMNS) <= 55.0).astype(np.float32), (3.0, 3.0))
    return np.asarray(band / band.std() * faded, np.float32)


@pytest.mark.parametrize("first_rotation", [0.0, 0.7])
def test_every_rotation_and_shift_is_that_of_the_plane_itself(first_rotation: float) -> None:
    waves, moving, fixed = Waves(SPECTRUM, RINGS, first_rotation), blobs(1), blobs(2)
    found = waves.correlations(waves.harmonics(moving), waves.harmonics(fixed))
    assert found.shape == (len(RINGS.shifts), DIRECTIONS)
    itself = math.sqrt(float(np.vdot(moving, moving) * np.vdot(fixed, fixed)))
    for shift in range(0, len(found), 7):
        for direction in range(shift % 5, DIRECTIONS, 23):
            turn = first_rotation + direction * 360.0 / DIRECTIONS
            wanted = float(np.vdot(moved(moving, turn, tuple(RINGS.shifts[shift])), fixed))
            assert found[shift, direction] == pytest.approx(wanted, abs=0.01 * itself)


def test_a_plane_with_itself_is_highest_where_it_lies_on_itself() -> None:
    waves, plane = Waves(SPECTRUM, RINGS), blobs(3)
    harmonics = waves.harmonics(plane)
    found = waves.correlations(harmonics, harmonics)
    assert divmod(int(found.argmax()), DIRECTIONS) == (0, 0)
    # interpolation on circles takes some of the shortest waves
    assert found[0, 0] == pytest.approx(float(np.vdot(plane, plane)), rel=0.08)


def test_an_area_is_right_once_the_zero_wave_is_taken_off() -> None:
    waves = Waves(Spectrum(0.0, 2 * math.pi / 14, 0.025, 2.8, 78.0, 48), RINGS)
    disc = (np.hypot(ROWS, COLUMNS) <= 70.0).astype(np.float32)
    left = disc * (COLUMNS < 0)
    found = waves.correlations(waves.harmonics(disc), waves.harmonics(left))
    found -= waves.zero_wave * float(disc.sum()) * float(left.sum())
    assert found[0] == pytest.approx(float(left.sum()), rel=0.03)


def test_shifts_are_within_reach_and_nowhere_far_apart() -> None:
    shifts = ShiftRings.within(10.0, 1.25).shifts
    assert np.hypot(*shifts.T).max() == pytest.approx(10.0)
    rng = np.random.default_rng(4)
    angle, radius = rng.uniform(0, 2 * np.pi, 2000), 10.0 * np.sqrt(rng.uniform(0, 1, 2000))
    places = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    nearest = np.hypot(*(places[:, None] - shifts).transpose(2, 0, 1)).min(axis=1)
    assert nearest.max() < 2.8 / 3


def test_bessel_functions_are_those_of_the_reference_library() -> None:
    """In each band, at every difference either way, times the weight of each wave number; 0 where none is seen."""
    step, numbers = SPECTRUM.step, SPECTRUM.wave_numbers
    for band in Waves(SPECTRUM, RINGS).bands:
        assert isinstance(band, Band)
        k, d = numbers[band.first : band.end], np.arange(-band.difference, band.difference + 1)
        wanted = jv(d[:, None, None], RINGS.radii[:, None] * k) * k * step / (2 * np.pi) * DIRECTIONS
        np.testing.assert_allclose(band.bessel, wanted, atol=1e-6)
        small = np.abs(band.bessel[band.bessel != 0.0])
        assert small.min() > 1e-12, "numbers close to the smallest are slow"
