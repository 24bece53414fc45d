"""Regions in cells: on the scan's points, from what was found, and what a region that was marked by hand changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import matcher
from matcher.mark.quality import assess
from matcher.mark.region_cells import cells_of, on_points, packed, unpacked
from matcher.mark.region_grid import fits, grid_of
from matcher.mark.regions import level_region
from matcher.mark.striation import find_striated
from matcher.synthetic import breech_face
from tests.matcher.synthetic.pin_and_shear import draw_impression, draw_shear


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_a_scan_has_nearly_square_cells(rows: int, columns: int) -> None:
    grid = grid_of((rows, columns))
    assert max(grid) == min(128, max(rows, columns))
    if max(rows, columns) <= 64 * min(rows, columns):
        assert fits(grid, (rows, columns))


@pytest.mark.parametrize(
    ("grid", "shape"), [((129, 100), (128, 128)), ((100, 129), (128, 128)), ((64, 128), (128, 128)), ((9, 1), (90, 90))]
)
def test_cells_of_another_scan_do_not_fit(grid: tuple[int, int], shape: tuple[int, int]) -> None:
    assert not fits(grid, shape)
    with pytest.raises(matcher.ScanNotUsable, match="mark it on this scan anew"):
        on_points(np.ones(grid, np.bool_), shape)


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 30), st.integers(0, 30), st.randoms())
def test_each_point_lies_in_the_cell_that_the_contract_says(
    rows: int, columns: int, more_rows: int, more_columns: int, chance: Any
) -> None:
    shape = rows + more_rows, columns + more_columns
    if not fits((rows, columns), shape):
        return
    cells = np.array([[chance.random() < 0.5 for _ in range(columns)] for _ in range(rows)])
    points = on_points(cells, shape)
    for y, x in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] // 3)):
        cell = (2 * y + 1) * rows // (2 * shape[0]), (2 * x + 1) * columns // (2 * shape[1])
        assert points[y, x] == cells[cell]


@given(st.integers(1, 128), st.integers(1, 128), st.integers(0, 2**32 - 1))
def test_bits_are_cells(rows: int, columns: int, seed: int) -> None:
    cells = np.random.default_rng(seed).random((rows, columns)) < 0.5
    bits = packed(cells)
    assert len(bits) == -(-rows * columns // 8)
    np.testing.assert_array_equal(unpacked(bits, (rows, columns)), cells)
    assert bits[0] >> 7 == cells[0, 0]


def found_on(scan: matcher.Topography, parameters: matcher.Parameters) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mark = level_region(scan, parameters)
    rows, columns = scan.heights_um.shape
    field = rows * scan.spacing_um[0], columns * scan.spacing_um[1]
    return cells_of(mark.weights > 0, mark.spacing_um, field, grid_of((rows, columns)))


def test_what_was_found_lies_where_it_was_measured() -> None:
    scan = breech_face.draw(3, 0)
    shape = (scan.heights_um.shape[0], scan.heights_um.shape[1])
    inside, measured = on_points(found_on(scan, matcher.DEFAULT_PARAMETERS), shape), np.isfinite(scan.heights_um)
    assert np.count_nonzero(inside & measured) > 0.97 * np.count_nonzero(measured)
    assert np.count_nonzero(inside & ~measured) < 0.03 * np.count_nonzero(measured)


def test_half_of_the_region_is_half_of_the_mark() -> None:
    scan = breech_face.draw(3, 0)
    cells = found_on(scan, matcher.DEFAULT_PARAMETERS)
    whole = assess(scan)
    cells[:, round(np.nonzero(cells)[1].mean()) :] = False
    half = assess(scan, mask=on_points(cells, scan.heights_um.shape))
    assert whole.mark_area_mm2 is not None
    assert half.mark_area_mm2 is not None
    assert 0.35 < half.mark_area_mm2 / whole.mark_area_mm2 < 0.65
    assert half.outlined


def test_leaving_a_spoiled_area_out_raises_the_score() -> None:
    """Half of the mark is corroded: nothing of what the firearm printed is left there."""
    first, second = breech_face.draw(5, 0), breech_face.draw(5, 1)
    cells = found_on(first, matcher.DEFAULT_PARAMETERS)
    middle = round(np.nonzero(cells)[1].mean())
    cells[:, :middle] = False
    rust = breech_face.noise(np.random.default_rng(1), 560, 3.0, 30.0)
    heights = first.heights_um.copy()
    left = np.arange(560)[None, :] * 128 // 560 < middle
    heights = np.where(left & np.isfinite(heights), 3.0 * rust / rust.std(), heights).astype(np.float32)
    spoiled, reference = matcher.Topography(heights, first.spacing_um), matcher.prepare(second)
    with_it = matcher.compare(matcher.prepare(spoiled), reference)
    without = matcher.compare(matcher.prepare(spoiled.within(on_points(cells, heights.shape))), reference)
    assert without.score > with_it.score + 0.2


def test_a_marked_impression_is_the_dent() -> None:
    scan = draw_impression(1, 0)
    cells = found_on(scan, matcher.FIRING_PIN_PARAMETERS)
    middle = round(np.nonzero(cells)[0].mean())
    cells[:middle] = False
    mark = level_region(scan.within(on_points(cells, scan.heights_um.shape)), matcher.FIRING_PIN_PARAMETERS)
    top = mark.origin_um[0] + np.nonzero(mark.weights)[0].min() * mark.spacing_um[0]
    cell_um = scan.heights_um.shape[0] * scan.spacing_um[0] / cells.shape[0]
    assert top >= middle * cell_um - mark.spacing_um[0]
    assert mark.weights.sum() > 0


def test_striae_are_looked_for_in_the_region_alone() -> None:
    scan = draw_shear(1, 0)
    whole = find_striated(scan, matcher.APERTURE_SHEAR_PARAMETERS)
    rows, columns = scan.heights_um.shape
    field = rows * scan.spacing_um[0], columns * scan.spacing_um[1]
    cells = cells_of(whole.region, whole.spacing_um, field, grid_of((rows, columns)))
    across = np.nonzero(cells)[1]
    cells[:, : round(across.mean())] = False
    part = find_striated(scan.within(on_points(cells, (rows, columns))), matcher.APERTURE_SHEAR_PARAMETERS)
    assert part.region.any()
    left = round(across.mean()) * field[1] / cells.shape[1]
    assert np.nonzero(part.region)[1].min() * part.spacing_um[1] >= left - part.spacing_um[1]


def test_a_photograph_whose_every_point_is_marked_is_outlined() -> None:
    brightness = np.full((8, 8), 0.5, np.float32)
    photograph = matcher.Photograph(brightness, (5.0, 5.0))
    assert not photograph.outlined
    assert photograph.within(np.ones((8, 8), np.bool_)).mirrored().outlined
