"""How much of the breech face there is: cutting something out of a region never makes it more."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from matcher import DEFAULT_PARAMETERS, Topography, assess
from matcher.mark.coverage import coverage_of, coverage_within
from matcher.mark.level import LevelledMark
from matcher.mark.region_cells import cells_of, on_points
from matcher.mark.region_grid import grid_of
from matcher.mark.regions import level_region
from tests.matcher.synthetic.scene import draw_scene

Mask = NDArray[np.bool_]


@cache
def scanned() -> tuple[Topography, LevelledMark, Mask]:
    """A scan, its mark, and the region as an examiner begins with it: the cells of what was found."""
    topography = draw_scene(1, 0).topography
    mark = level_region(topography, DEFAULT_PARAMETERS)
    rows, columns = topography.heights_um.shape
    field = rows * topography.spacing_um[0], columns * topography.spacing_um[1]
    cells = cells_of(mark.weights > 0, mark.spacing_um, field, grid_of((rows, columns)))
    return topography, mark, on_points(cells, (rows, columns))


def wedge(shape: tuple[int, ...], start: float, degrees: float) -> Mask:
    y, x = np.indices(shape)
    angle = np.rad2deg(np.arctan2(y - (shape[0] - 1) / 2, x - (shape[1] - 1) / 2))
    return np.asarray((angle - start) % 360.0 < degrees)


@st.composite
def regions(draw: st.DrawFn) -> Mask:
    """Everything, what was found, or a disc anywhere; with wedges cut out of it."""
    topography, _, found = scanned()
    shape = topography.heights_um.shape
    whole = draw(st.sampled_from(["all", "found", "disc"]))
    if whole == "disc":
        centre = [draw(st.integers(0, side)) for side in shape]
        y, x = np.indices(shape)
        region = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < draw(st.integers(20, 400)) ** 2
    else:
        region = found if whole == "found" else np.ones(shape, bool)
    for _ in range(draw(st.integers(0, 2))):
        region = region & ~wedge(shape, draw(st.floats(0, 360)), draw(st.floats(0.5, 200)))
    return np.asarray(region)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(regions(), regions())
def test_what_is_cut_out_never_raises_the_coverage(one: Mask, other: Mask) -> None:
    topography, mark, _ = scanned()
    before, after = (coverage_within(mark, topography, region) for region in (one, one & other))
    assert before is not None
    assert after is not None
    assert after <= before <= 1.0


@pytest.mark.parametrize("degrees", [2.0, 20.0, 90.0])
def test_a_wedge_cut_out_of_what_was_found_lowers_the_coverage_by_as_much(degrees: float) -> None:
    """From 96 to 100 per cent it went once: without its aperture the region was measured in directions."""
    topography, mark, found = scanned()
    all_of_it = coverage_of(mark)
    assert all_of_it is not None
    region = found & ~wedge(found.shape, 30.0, degrees)
    coverage = assess(topography, mask=region).coverage
    assert coverage is not None
    assert coverage < all_of_it
    assert coverage == pytest.approx(all_of_it * (1.0 - degrees / 360.0), abs=0.05)


def test_what_is_added_counts_where_it_was_measured_within_the_outline() -> None:
    topography, mark, found = scanned()
    half = found & wedge(found.shape, 0.0, 180.0)
    more = half | wedge(found.shape, 180.0, 90.0)
    assert (coverage_within(mark, topography, more) or 0.0) > (coverage_within(mark, topography, half) or 1.0) + 0.2


def test_without_the_whole_scan_it_is_not_told() -> None:
    topography, _, found = scanned()
    assert assess(topography.within(found)).coverage is None
