from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from matcher import DEFAULT_PARAMETERS, Prepared, Topography, compare
from matcher.explain import _LIT, _PANEL, _to_panel, _to_scan, _um_a_point, draw_pair


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def lit(pixels: np.ndarray) -> int:
    return int((pixels == np.array(_LIT, np.uint8)).all(axis=-1).sum())


def test_congruent_cells_are_lit_on_both_sides(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    same = compare(prepared[0, 0], prepared[0, 1])
    different = compare(prepared[0, 0], prepared[1, 0])
    shown = picture(draw_pair(scans[0, 0], scans[0, 1], same))
    other = picture(draw_pair(scans[0, 0], scans[1, 0], different))
    half = shown.shape[1] // 2
    for side in (shown[:, :half], shown[:, half:]):
        assert lit(side) > 100 * same.n_congruent
    assert lit(other) < lit(shown) / 3


def test_both_marks_stand_in_one_frame(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    """Registered and under one light, the two panels show the same relief: their greys agree where both marks are."""
    pixels = picture(draw_pair(scans[0, 0], scans[0, 1], compare(prepared[0, 0], prepared[0, 1]))).astype(float)
    left, right = pixels[64 : 64 + _PANEL, 24 : 24 + _PANEL], pixels[64 : 64 + _PANEL, 48 + _PANEL : 48 + 2 * _PANEL]
    grey = [(np.ptp(panel, axis=2) < 1.0) for panel in (left, right)]
    both = grey[0] & grey[1]
    assert both.sum() > 50_000
    assert np.corrcoef(left[both][:, 0], right[both][:, 0])[0, 1] > 0.35


@pytest.mark.parametrize("order", [((0, 0), (0, 1)), ((0, 1), (0, 0))])
def test_places_on_the_panel_and_on_the_scans_agree(
    prepared: dict[tuple[int, int], Prepared], order: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    comparison = compare(prepared[order[0]], prepared[order[1]])
    um = _um_a_point(DEFAULT_PARAMETERS)
    for scan in ("a", "b"):
        for place in ((100.0, 50.0), (380.0, 700.0)):
            there = _to_scan(comparison, scan, place, um)
            assert _to_panel(comparison, scan, there, um) == pytest.approx(place, abs=1e-6)
    # a congruent cell lies within the congruence distance of itself on both panels
    for cell in comparison.cells:
        if cell.congruent:
            on_a = _to_panel(comparison, "a", cell.centre_a_um, um)
            on_b = _to_panel(comparison, "b", cell.centre_b_um, um)
            assert np.hypot(on_a[0] - on_b[0], on_a[1] - on_b[1]) * um < 125.0 * 2**0.5


def test_the_picture_is_the_same_every_time(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    comparison = compare(prepared[1, 0], prepared[1, 1])
    assert draw_pair(scans[1, 0], scans[1, 1], comparison) == draw_pair(scans[1, 0], scans[1, 1], comparison)
