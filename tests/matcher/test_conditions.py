from __future__ import annotations

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, Topography, compare, prepare
from matcher.clean import clean
from matcher.conditions import rotated
from matcher.controls import mask_only, random_texture
from matcher.prepared import pack


def test_a_quarter_turn_is_from_x_towards_y() -> None:
    heights = np.zeros((40, 60), np.float32)
    heights[20, 50] = 1.0  # far along +x
    turned = rotated(Topography(heights, (5.0, 5.0)), 90.0).heights_um
    row, column = np.unravel_index(np.nanargmax(turned), turned.shape)
    assert row - (turned.shape[0] - 1) / 2 == pytest.approx(20.5, abs=1.0)
    assert abs(column - (turned.shape[1] - 1) / 2) < 2.0


def test_unequal_spacing_turns_as_a_surface_not_as_a_picture() -> None:
    heights = np.full((100, 50), np.nan, np.float32)
    y, x = np.indices(heights.shape)
    disc = np.hypot((y - 49.5) * 5.0, (x - 24.5) * 10.0) < 200.0
    heights[disc] = 1.0
    turned = np.isfinite(rotated(Topography(heights, (5.0, 10.0)), 37.0).heights_um)
    rows, columns = np.nonzero(turned)
    assert np.ptp(rows) * 5.0 == pytest.approx(400.0, abs=15.0)
    assert np.ptp(columns) * 10.0 == pytest.approx(400.0, abs=25.0)


def test_controls_keep_the_outline_and_lose_the_mark(scans: dict[tuple[int, int], Topography]) -> None:
    one, other = (clean(scans[0, shot], DEFAULT_PARAMETERS) for shot in range(2))
    real = compare(prepare(scans[0, 0]), prepare(scans[0, 1])).score
    textures = [
        pack(random_texture(scan, seed, DEFAULT_PARAMETERS), DEFAULT_PARAMETERS)
        for seed, scan in enumerate((one, other))
    ]
    assert compare(*textures).score < 0.5 * real
    np.testing.assert_array_equal(textures[0].fine_weights > 0, pack(one, DEFAULT_PARAMETERS).fine_weights > 0)
    plateau = mask_only(one, DEFAULT_PARAMETERS)
    again = mask_only(random_texture(one, 5, DEFAULT_PARAMETERS), DEFAULT_PARAMETERS)
    np.testing.assert_array_equal(plateau.fine.heights, again.fine.heights)
