"""Polar codes: whole numbers, and nothing read that was not written."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.areal.polar import PolarGrid, fixed_code, moving_code
from matcher.numeric.plane import Plane, blurred

POINTS = 160
GRID = PolarGrid(reach=10.0)
ROWS, COLUMNS = np.mgrid[:POINTS, :POINTS] - (POINTS - 1) / 2
DISC = (np.hypot(ROWS, COLUMNS) <= 75.0).astype(np.float32)


def texture(seed: int) -> Plane:
    noise = np.random.default_rng(seed).standard_normal((POINTS, POINTS), np.float32)
    band = blurred(noise, (0.8, 0.8)) - blurred(noise, (4.0, 4.0))
    return np.asarray(DISC * band / band.std(), np.float32)


def test_what_is_never_written_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring has no more harmonics than its length allows; places of others hold whatever memory held before."""
    first = moving_code(texture(7), DISC, GRID)
    monkeypatch.setattr(np, "empty", lambda shape, dtype: np.full(shape, np.nan, dtype))
    again = moving_code(texture(7), DISC, GRID)
    unwritten = np.isnan(again.marks)
    assert unwritten.any()
    for ring, radius in enumerate(GRID.radii):
        known = int(2.0 * np.pi * radius / GRID.shortest_wave)
        assert not unwritten[: known + 1, ring].any()
        np.testing.assert_array_equal(again.marks[: known + 1, ring], first.marks[: known + 1, ring])


def test_the_centres_are_evenly_spread_within_reach() -> None:
    apart = np.hypot(*(GRID.shifts[:, None] - GRID.shifts[None]).transpose(2, 0, 1))
    assert np.hypot(*GRID.shifts.T).max() <= GRID.reach
    assert apart[apart > 0.0].min() == pytest.approx(GRID.shift_step)
    assert len(GRID.shifts) == pytest.approx(np.pi * GRID.reach**2 / (GRID.shift_step**2 * np.sqrt(0.75)), rel=0.1)


def test_codes_are_whole_and_so_small_that_sums_of_their_products_are_exact() -> None:
    loud = 50.0 * texture(9)
    moving, fixed = moving_code(loud, DISC, GRID), fixed_code(loud, DISC, GRID)
    rings = len(GRID.radii)
    for code in (fixed.marks, fixed.area, moving.marks[:15], moving.area[:8, -7:]):
        np.testing.assert_array_equal(code, np.rint(code))
        assert np.abs(code).max() <= GRID.limit
    assert 2 * rings * GRID.limit**2 < 2.0**24
