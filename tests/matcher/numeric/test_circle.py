from __future__ import annotations

import numpy as np
import pytest

from matcher.numeric.circle import Circle, find_wall, fit_outline

SPACING = (25.0, 25.0)


def disc(centre: tuple[float, float], radius: float, points: int = 160) -> np.ndarray:
    y, x = np.indices((points, points)) * 25.0
    return np.hypot(y - centre[0], x - centre[1]) <= radius


@pytest.mark.parametrize("lost", ["nothing", "a half", "the inside", "a crescent's gap"])
def test_the_outline_is_found_whatever_part_is_left(lost: str) -> None:
    centre, radius = (1950.0, 2040.0), 1700.0
    mask = disc(centre, radius)
    if lost == "a half":
        mask[:, 82:] = False
    if lost in ("the inside", "a crescent's gap"):
        mask &= ~disc((1950.0, 2040.0), 1300.0)
    if lost == "a crescent's gap":
        mask[60:90, :80] = False
    found = fit_outline(mask, SPACING, 1000.0, 2700.0)
    assert found.centre_um == pytest.approx(centre, abs=25.0)
    assert found.radius_um == pytest.approx(radius, abs=25.0)


def test_without_a_circle_the_centroid_stands_in() -> None:
    mask = np.zeros((160, 160), np.bool_)
    mask[70:90, 60:100] = True
    found = fit_outline(mask, SPACING, 1000.0, 2700.0)
    assert found.support == 0.0
    assert found.centre_um == pytest.approx((79.5 * 25.0, 79.5 * 25.0))


def test_the_outermost_wall_is_the_aperture() -> None:
    outline = Circle((2000.0, 2000.0), 1800.0, 1.0)
    aperture, hole = (1900.0, 1850.0), (1850.0, 1900.0)
    wall = disc(aperture, 1250.0) & ~disc(aperture, 1180.0) | disc(hole, 700.0)
    found = find_wall(wall, np.ones_like(wall), SPACING, outline)
    assert found is not None
    assert found.centre_um == pytest.approx(aperture, abs=60.0)
    assert found.radius_um == pytest.approx(1230.0, abs=50.0)


def test_a_straight_wall_is_no_circle() -> None:
    wall = np.zeros((160, 160), np.bool_)
    wall[40:120, 70:73] = True
    assert find_wall(wall, np.ones_like(wall), SPACING, Circle((2000.0, 2000.0), 1800.0, 1.0)) is None


def test_of_a_part_of_a_mark_what_the_field_does_not_show_is_no_wall() -> None:
    outline, aperture = Circle((2000.0, 2000.0), 1800.0, 1.0), (1900.0, 1850.0)
    wall = disc(aperture, 1250.0) & ~disc(aperture, 1180.0)
    shown = np.zeros_like(wall)
    shown[:70, :80] = True
    found = find_wall(wall & shown, shown, SPACING, outline)
    assert found is not None
    y, x = np.argwhere(wall & shown).T * 25.0
    off = np.hypot(y - found.centre_um[0], x - found.centre_um[1]) - found.radius_um
    # the wall is 70 um wide
    assert float(np.abs(off).max()) < 100.0
    # the same quarter of it is no aperture where the rest of the field shows that there is none
    assert find_wall(wall & shown, np.ones_like(wall), SPACING, outline) is None
