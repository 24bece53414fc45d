"""Known answers: a texture is turned and shifted by a known amount, cut, and must be found there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from matcher.plane import Plane, blurred, moved
from matcher.polar import Place, PolarCode, PolarGrid, fixed_code, moving_code, search

POINTS, MARGIN = 160, 40
GRID = PolarGrid(reach=10.0)
ROTATION_STEP = 360.0 / GRID.directions
MIDDLE = slice(MARGIN, MARGIN + POINTS)
ROWS, COLUMNS = np.mgrid[:POINTS, :POINTS] - (POINTS - 1) / 2
DISC = (np.hypot(ROWS, COLUMNS) <= 75.0).astype(np.float32)


def texture(seed: int) -> Plane:
    """Of one strength from waves of two to waves of twenty points, with a margin for what a turn brings in."""
    size = POINTS + 2 * MARGIN
    noise = np.random.default_rng(seed).standard_normal((size, size), np.float32)
    band = blurred(noise, (0.6, 0.6)) - blurred(noise, (4.0, 4.0))
    return np.asarray(band / band.std(), np.float32)


def seen(field: Plane, weights: Plane) -> tuple[Plane, Plane]:
    return field[MIDDLE, MIDDLE] * weights, weights


def half(angle_deg: float, beyond: float = 0.0) -> Plane:
    """What of the disc lies towards an angle, from ``beyond`` points of its middle."""
    along = COLUMNS * np.cos(np.deg2rad(angle_deg)) + ROWS * np.sin(np.deg2rad(angle_deg))
    return np.asarray(DISC * (along >= beyond), np.float32)


def find(moving: PolarCode, fixed: PolarCode, grid: PolarGrid, min_overlap: float, count: int) -> list[Place]:
    return search(moving, [fixed], grid, min_overlap, count)[0]


def codes(moving: tuple[Plane, Plane], fixed: tuple[Plane, Plane]) -> tuple[PolarCode, PolarCode]:
    return moving_code(*moving, GRID), fixed_code(*fixed, GRID)


@pytest.mark.parametrize(
    ("rotation", "shift"), [(0.0, (0.0, 0.0)), (33.3, (4.1, -6.2)), (181.0, (-8.5, 2.0)), (275.4, (0.4, 9.0))]
)
def test_a_known_rotation_and_shift_are_found(rotation: float, shift: tuple[float, float]) -> None:
    field = texture(1)
    place = find(*codes(seen(field, DISC), seen(moved(field, rotation, shift), DISC)), GRID, 0.1, 1)[0]
    assert abs((place.rotation_deg - rotation + 180.0) % 360.0 - 180.0) <= ROTATION_STEP
    assert np.hypot(place.shift_points[0] - shift[0], place.shift_points[1] - shift[1]) <= GRID.shift_step
    assert place.agreement > 40.0


@pytest.mark.parametrize(
    ("moving_half", "fixed_half"),
    [(half(20.0), DISC), (DISC, half(200.0)), (half(0.0, -25.0), half(180.0, -25.0)), (half(0.0), half(90.0))],
)
def test_parts_of_one_mark_are_found(moving_half: Plane, fixed_half: Plane) -> None:
    """Of two halves only what both show can agree; half the disc, a third of it, a quarter."""
    field, rotation, shift = texture(2), 0.0, (3.0, -2.0)
    found = find(*codes(seen(field, moving_half), seen(moved(field, rotation, shift), fixed_half)), GRID, 0.1, 1)[0]
    assert min(found.rotation_deg, 360.0 - found.rotation_deg) <= ROTATION_STEP
    assert np.hypot(found.shift_points[0] - shift[0], found.shift_points[1] - shift[1]) <= GRID.shift_step
    assert found.agreement > 15.0


@pytest.mark.parametrize("rotation", [0.0, 90.0, 200.0])
def test_the_shared_area_is_that_of_the_masks_there(rotation: float) -> None:
    """Without the middle, which no ring crosses."""
    field, shift = texture(3), (5.0, 4.0)
    weights = half(0.0, -30.0)
    place = find(*codes(seen(field, weights), seen(moved(field, rotation, shift), DISC)), GRID, 0.1, 1)[0]
    rings = np.hypot(ROWS, COLUMNS) >= GRID.first_radius
    shared = float((moved(weights, rotation, shift) * DISC * rings).sum())
    assert place.shared == pytest.approx(shared, rel=0.06)


def test_unrelated_textures_stay_near_chance() -> None:
    agreements = [
        find(*codes(seen(texture(seed), DISC), seen(texture(seed + 50), DISC)), GRID, 0.1, 1)[0].agreement
        for seed in range(6)
    ]
    assert min(agreements) > 3.0
    assert max(agreements) < 8.0


def test_marks_that_share_too_little_have_no_place() -> None:
    left, right = half(0.0, 45.0), half(180.0, 45.0)
    slim = PolarGrid(reach=10.0)
    moving, fixed = moving_code(*seen(texture(4), left), slim), fixed_code(*seen(texture(4), right), slim)
    assert find(moving, fixed, slim, 1.0, 2) == []
    assert find(moving, fixed, slim, 0.9, 2) != [], "turned by half a turn, they lie on each other"


def test_places_come_best_first_and_apart() -> None:
    pair = codes(seen(texture(5), DISC), seen(texture(6), DISC))
    places = find(*pair, GRID, 0.1, 4)
    assert places[:1] == find(*pair, GRID, 0.1, 1)
    assert [place.agreement for place in places] == sorted((place.agreement for place in places), reverse=True)
    for one, other in pairwise(places):
        turn = abs((one.rotation_deg - other.rotation_deg + 180.0) % 360.0 - 180.0)
        apart = np.hypot(*np.subtract(one.shift_points, other.shift_points))
        assert turn > 3.0 * ROTATION_STEP or apart > GRID.shift_step


def test_it_is_the_same_every_time_whatever_memory_held_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moving scan's code has places that are never written, and must never be read."""
    moving, fixed = seen(texture(7), DISC), seen(texture(8), DISC)
    first = find(*codes(moving, fixed), GRID, 0.1, 4)
    monkeypatch.setattr(np, "empty", lambda shape, dtype: np.full(shape, np.nan, dtype))
    assert np.isnan(moving_code(*moving, GRID).marks).any()
    assert find(*codes(moving, fixed), GRID, 0.1, 4) == first


def test_the_centres_are_evenly_spread_within_reach() -> None:
    apart = np.hypot(*(GRID.shifts[:, None] - GRID.shifts[None]).transpose(2, 0, 1))
    assert np.hypot(*GRID.shifts.T).max() <= GRID.reach
    assert apart[apart > 0.0].min() == pytest.approx(GRID.shift_step)
    assert len(GRID.shifts) == pytest.approx(np.pi * GRID.reach**2 / (GRID.shift_step**2 * np.sqrt(0.75)), rel=0.1)


def test_a_place_is_the_same_to_the_last_bit_whatever_is_searched_beside_it() -> None:
    moving, *fixed = (seen(texture(seed), half(seed * 40.0, -40.0)) for seed in range(20))
    code, others = moving_code(*moving, GRID), [fixed_code(*scan, GRID) for scan in fixed]
    together = search(code, others, GRID, 0.1, 3)
    assert together == [find(code, other, GRID, 0.1, 3) for other in others]
    assert search(code, others[::-1], GRID, 0.1, 3) == together[::-1]
    assert search(code, [], GRID, 0.1, 3) == []


def test_codes_are_whole_and_so_small_that_sums_of_their_products_are_exact() -> None:
    loud = 50.0 * texture(9)
    moving, fixed = moving_code(*seen(loud, DISC), GRID), fixed_code(*seen(loud, DISC), GRID)
    rings = len(GRID.radii)
    for code in (fixed.marks, fixed.area, moving.marks[:33, 6:], moving.area):
        np.testing.assert_array_equal(code, np.rint(code))
        assert np.abs(code).max() <= GRID.limit
    assert 2 * rings * GRID.limit**2 < 2.0**24
