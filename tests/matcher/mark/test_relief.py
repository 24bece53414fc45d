from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from matcher import (
    DEFAULT_PARAMETERS,
    RELIEF_PARAMETERS,
    Lighting,
    Photograph,
    ScanNotUsable,
    Topography,
    compare,
    compare_scans,
    prepare,
)
from matcher.areal.prepared_photograph import clean_photograph, inverted, parameters_for
from matcher.mark.clean import band_passed, clean
from matcher.mark.level import LevelledMark, level_mark
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.mark.relief import heights_of_shading, light_axis_deg, relief_of_brightness, relief_of_heights
from matcher.synthetic.render import render

pytestmark = pytest.mark.slow


def agreement(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> float:
    return float(np.corrcoef(a[inside], b[inside])[0, 1])


@pytest.fixture(scope="module")
def scan(scans: dict[tuple[int, int], Topography]) -> Topography:
    return scans[1, 0]


def shot(scan: Topography, azimuth: float) -> LevelledMark:
    return find_photograph_mark(render(scan, Lighting("side", azimuth))).mark


@pytest.mark.parametrize("gain", [0.25, 4.0])
def test_the_relief_does_not_depend_on_exposure(scan: Topography, gain: float) -> None:
    mark = shot(scan, 70.0)
    brighter = relief_of_brightness(replace(mark, heights=mark.heights * np.float32(gain)), RELIEF_PARAMETERS)
    once = relief_of_brightness(mark, RELIEF_PARAMETERS)
    inside = mark.weights > 0
    np.testing.assert_allclose((brighter.heights - once.heights)[inside], np.log(gain), atol=2e-2)


def test_a_photograph_shows_the_relief_that_its_topography_has(scan: Topography) -> None:
    surface = band_passed(relief_of_heights(level_mark(scan, DEFAULT_PARAMETERS), RELIEF_PARAMETERS), RELIEF_PARAMETERS)
    assert np.array_equal(surface.fine.heights, clean(scan, RELIEF_PARAMETERS).fine.heights)
    for azimuth in (0.0, 65.0, 130.0):
        seen = clean_photograph(render(scan, Lighting("side", azimuth)), RELIEF_PARAMETERS)
        inside = (seen.fine.weights > 0.9) & (surface.fine.weights > 0.9)
        assert agreement(seen.fine.heights, surface.fine.heights, inside) > 0.5


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 215.0])
def test_shading_gives_heights_back_with_their_sign(scan: Topography, azimuth: float) -> None:
    real = clean(scan, DEFAULT_PARAMETERS)
    seen = clean_photograph(render(scan, Lighting("side", azimuth)), DEFAULT_PARAMETERS)
    inside = (seen.coarse.weights > 0.9) & (real.coarse.weights > 0.9)
    assert agreement(seen.coarse.heights, real.coarse.heights, inside) > 0.5
    wrong = heights_of_shading(shot(scan, azimuth), azimuth + 180.0, DEFAULT_PARAMETERS)
    inverted = band_passed(wrong, DEFAULT_PARAMETERS)
    assert agreement(inverted.coarse.heights, real.coarse.heights, inside) < -0.5


def test_heights_need_light_from_one_side(scan: Topography) -> None:
    for lighting in (Lighting("ring"), Lighting()):
        photograph = replace(render(scan, Lighting("ring")), lighting=lighting)
        assert parameters_for(scan, photograph) == RELIEF_PARAMETERS
        with pytest.raises(ScanNotUsable, match="one side"):
            clean_photograph(photograph, DEFAULT_PARAMETERS)
    known = replace(photograph, lighting=Lighting.parse("side:4"))
    assert parameters_for(scan, known) == parameters_for(scan, scan) == DEFAULT_PARAMETERS


def test_a_photograph_without_any_contrast_is_not_usable() -> None:
    y, x = np.indices((700, 700)) * 6.0
    flat = np.where(np.hypot(y - 2100, x - 2100) < 1800, 0.5, np.nan).astype(np.float32)
    with pytest.raises(ScanNotUsable, match="not usable"):
        clean_photograph(Photograph(flat, (6.0, 6.0)), RELIEF_PARAMETERS)


@pytest.mark.parametrize("azimuth", [10.0, 100.0, 250.0])
def test_the_line_of_light_is_found_but_not_its_end(azimuth: float) -> None:
    # looks the same in all directions; a mark of parallel ridges draws the estimate across them
    rng = np.random.default_rng(4)
    heights = cv2.GaussianBlur(rng.standard_normal((600, 600)), (0, 0), 4.0).astype(np.float32) * 20
    y, x = np.indices(heights.shape) * 6.0
    heights[np.hypot(y - 1800, x - 1800) > 1700] = np.nan
    found = light_axis_deg(shot(Topography(heights, (6.0, 6.0)), azimuth), DEFAULT_PARAMETERS)
    assert abs((found - azimuth + 90.0) % 180.0 - 90.0) < 10.0


def test_inverting_changes_the_sign_and_nothing_else(scan: Topography) -> None:
    real = prepare(scan)
    other = inverted(real)
    np.testing.assert_array_equal(other.fine, -real.fine)
    np.testing.assert_array_equal(other.fine_weights, real.fine_weights)
    assert compare(other, inverted(prepare(scan))).score == pytest.approx(compare(real, real).score, abs=1e-6)
    assert compare(real, other).score < 0.5


def test_without_a_noted_side_either_sign_is_tried(scans: dict[tuple[int, int], Topography]) -> None:
    for azimuth in (30.0, 210.0):
        photograph = replace(render(scans[1, 0], Lighting("side", azimuth)), lighting=Lighting("side"))
        assert compare_scans(photograph, scans[1, 1]).comparison.score > 0.6
        assert compare_scans(photograph, scans[2, 1]).comparison.score < 0.5
