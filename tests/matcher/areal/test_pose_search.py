"""Known answers: a texture is turned and shifted by a known amount, cut, and must be found there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from matcher.areal.pose_search import (
    DIRECTIONS,
    SHIFT_STEP,
    ProposedPose,
    SearchCode,
    search_code,
    search_poses,
    search_waves,
)
from matcher.numeric.plane import Plane, blurred, moved

POINTS, MARGIN = 160, 40
REACH = 10.0
ROTATION_STEP = 360.0 / DIRECTIONS
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


def codes(moving: tuple[Plane, Plane], fixed: tuple[Plane, Plane]) -> tuple[SearchCode, SearchCode]:
    return search_code(*moving, REACH), search_code(*fixed, REACH)


def find(moving: SearchCode, fixed: SearchCode, min_overlap: float = 0.1, count: int = 1) -> list[ProposedPose]:
    return search_poses(moving, fixed, REACH, min_overlap, count)


@pytest.mark.parametrize(
    ("rotation", "shift"), [(0.0, (0.0, 0.0)), (33.3, (4.1, -6.2)), (181.0, (-8.5, 2.0)), (275.4, (0.4, 9.0))]
)
def test_a_known_rotation_and_shift_are_found(rotation: float, shift: tuple[float, float]) -> None:
    field = texture(1)
    place = find(*codes(seen(field, DISC), seen(moved(field, rotation, shift), DISC)))[0]
    assert abs((place.rotation_deg - rotation + 180.0) % 360.0 - 180.0) <= ROTATION_STEP
    assert np.hypot(place.shift_points[0] - shift[0], place.shift_points[1] - shift[1]) <= SHIFT_STEP
    assert place.agreement > 40.0


@pytest.mark.parametrize(
    ("moving_half", "fixed_half"),
    [(half(20.0), DISC), (DISC, half(200.0)), (half(0.0, -25.0), half(180.0, -25.0)), (half(0.0), half(90.0))],
)
def test_parts_of_one_mark_are_found(moving_half: Plane, fixed_half: Plane) -> None:
    """Of two halves only what both show can agree; half the disc, a third of it, a quarter."""
    field, rotation, shift = texture(2), 0.0, (3.0, -2.0)
    found = find(*codes(seen(field, moving_half), seen(moved(field, rotation, shift), fixed_half)))[0]
    assert min(found.rotation_deg, 360.0 - found.rotation_deg) <= ROTATION_STEP
    assert np.hypot(found.shift_points[0] - shift[0], found.shift_points[1] - shift[1]) <= SHIFT_STEP
    assert found.agreement > 15.0


@pytest.mark.parametrize("rotation", [0.0, 90.0, 200.0])
def test_the_shared_area_is_that_of_the_masks_there(rotation: float) -> None:
    field, shift = texture(3), (5.0, 4.0)
    weights = half(0.0, -30.0)
    place = find(*codes(seen(field, weights), seen(moved(field, rotation, shift), DISC)))[0]
    shared = float((moved(weights, rotation, shift) * DISC).sum())
    assert place.shared == pytest.approx(shared, rel=0.04)


def test_unrelated_textures_stay_near_chance() -> None:
    agreements = [
        find(*codes(seen(texture(seed), DISC), seen(texture(seed + 50), DISC)))[0].agreement for seed in range(6)
    ]
    assert min(agreements) > 3.0
    assert max(agreements) < 8.0


def test_marks_that_share_too_little_have_no_place() -> None:
    left, right = half(0.0, 45.0), half(180.0, 45.0)
    pair = codes(seen(texture(4), left), seen(texture(4), right))
    assert find(*pair, min_overlap=1.0) == []
    assert find(*pair, min_overlap=0.9) != [], "turned by half a turn, they lie on each other"


def test_places_come_best_first_and_apart() -> None:
    pair = codes(seen(texture(5), DISC), seen(texture(6), DISC))
    places = find(*pair, count=4)
    assert places[:1] == find(*pair)
    assert [place.agreement for place in places] == sorted((place.agreement for place in places), reverse=True)
    for one, other in pairwise(places):
        turn = abs((one.rotation_deg - other.rotation_deg + 180.0) % 360.0 - 180.0)
        apart = np.hypot(*np.subtract(one.shift_points, other.shift_points))
        assert turn > 3.0 * ROTATION_STEP or apart > SHIFT_STEP


def test_the_other_way_round_the_place_is_the_inverse() -> None:
    """Of two parts one code each is enough, whichever of the two is moved."""
    field = texture(7)
    one, other = codes(seen(field, half(10.0, -30.0)), seen(moved(field, 70.0, (4.0, -3.0)), half(190.0, -40.0)))
    forth, back = find(one, other)[0], find(other, one)[0]
    turn = (forth.rotation_deg + back.rotation_deg + 180.0) % 360.0 - 180.0
    assert abs(turn) <= ROTATION_STEP
    assert forth.agreement == pytest.approx(back.agreement, rel=0.1)
    assert forth.shared == pytest.approx(back.shared, rel=0.05)


def test_it_is_the_same_every_time() -> None:
    moving, fixed = seen(texture(8), half(0.0)), seen(texture(9), half(120.0))
    assert find(*codes(moving, fixed), count=4) == find(*codes(moving, fixed), count=4)


def test_of_two_places_that_agree_alike_the_nearer_one_is_likelier_and_a_strong_one_stands_anywhere() -> None:
    field, other = texture(11), texture(12)
    for strength, wanted in ((0.1, 1.0), (3.0, 9.5)):
        here, there = moved(field, 0.0, (1.0, 0.0)), moved(other, 0.0, (0.0, 9.5))
        moving = seen(field + np.float32(strength) * other, DISC)
        fixed = seen(here + np.float32(strength) * there, DISC)
        place = find(*codes(moving, fixed))[0]
        assert np.hypot(*place.shift_points) == pytest.approx(wanted, abs=SHIFT_STEP)
    likely = search_waves(REACH).likely
    assert likely[0] == 1.0
    assert (np.diff(likely[[0, 1, 7, 19, -1]]) < 0.0).all()
    assert likely[-1] > 0.8
