from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from matcher import DEFAULT_PARAMETERS, Prepared, Topography, compare
from matcher.draw.draw_pair import _LIT, draw_pair
from matcher.draw.explain_svg import draw_pair_svg, explanation
from matcher.draw.panels import PANEL_POINTS, panel_to_scan, scan_to_panel, um_a_panel_point


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def lit(pixels: np.ndarray) -> int:
    return int((pixels == np.array(_LIT, np.uint8)).all(axis=-1).sum())


@pytest.mark.slow
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
    left, right = (
        pixels[64 : 64 + PANEL_POINTS, 24 : 24 + PANEL_POINTS],
        pixels[64 : 64 + PANEL_POINTS, 48 + PANEL_POINTS : 48 + 2 * PANEL_POINTS],
    )
    grey = [(np.ptp(panel, axis=2) < 1.0) for panel in (left, right)]
    both = grey[0] & grey[1]
    assert both.sum() > 50_000
    assert np.corrcoef(left[both][:, 0], right[both][:, 0])[0, 1] > 0.35


@pytest.mark.parametrize("order", [((0, 0), (0, 1)), ((0, 1), (0, 0))])
def test_places_on_the_panel_and_on_the_scans_agree(
    prepared: dict[tuple[int, int], Prepared], order: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    comparison = compare(prepared[order[0]], prepared[order[1]])
    um = um_a_panel_point(DEFAULT_PARAMETERS)
    for scan in ("a", "b"):
        for place in ((100.0, 50.0), (380.0, 700.0)):
            there = panel_to_scan(comparison, scan, place, um)
            assert scan_to_panel(comparison, scan, there, um) == pytest.approx(place, abs=1e-6)
    # a congruent cell lies within the congruence distance of itself on both panels
    for cell in comparison.cells:
        if cell.congruent:
            on_a = scan_to_panel(comparison, "a", cell.centre_a_um, um)
            on_b = scan_to_panel(comparison, "b", cell.centre_b_um, um)
            assert np.hypot(on_a[0] - on_b[0], on_a[1] - on_b[1]) * um < 125.0 * 2**0.5


def test_the_picture_is_the_same_every_time(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    comparison = compare(prepared[1, 0], prepared[1, 1])
    assert draw_pair(scans[1, 0], scans[1, 1], comparison) == draw_pair(scans[1, 0], scans[1, 1], comparison)


def test_the_drawing_holds_each_cell_with_its_figures(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    comparison = compare(prepared[0, 0], prepared[0, 1])
    drawn = draw_pair_svg(scans[0, 0], scans[0, 1], comparison)
    drawing = ElementTree.fromstring(drawn)  # noqa: S314  # our own drawing
    svg = "{http://www.w3.org/2000/svg}"
    frames = [rect.get("class") for rect in drawing.iter(f"{svg}rect") if "cell" in (rect.get("class") or "")]
    assert frames.count("cell congruent") == 2 * comparison.n_congruent > 0
    assert frames.count("cell other") == 2 * (comparison.n_cells - comparison.n_congruent)
    titles = [title.text for title in drawing.iter(f"{svg}title")]
    cell = comparison.cells[0]
    assert sum(f"{cell.label}: correlation {cell.correlation:.2f}" in (title or "") for title in titles) == 2
    # displacements on the moved scan only
    assert len(list(drawing.iter(f"{svg}line"))) == comparison.n_congruent
    # nothing is fetched: it opens offline and in a page that allows no other source
    references = [image.get("href") or "" for image in drawing.iter(f"{svg}image")]
    assert len(references) == 2
    assert all(reference.startswith("data:image/png;base64,") for reference in references)


def test_what_both_show_is_outlined_on_both_scans(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    comparison = compare(prepared[0, 0], prepared[0, 1])
    told = explanation(scans[0, 0], scans[0, 1], comparison)
    assert told["n_congruent"] == comparison.n_congruent
    for which, scan in (("a", scans[0, 0]), ("b", scans[0, 1])):
        outer = max(told["overlap_outlines"][which], key=len)
        rows, columns = (np.rint(np.array(outer) / scan.spacing_um)).astype(int).T
        inside = [
            np.isfinite(scan.heights_um[max(row - 12, 0) : row + 13, max(column - 12, 0) : column + 13]).any()
            for row, column in zip(rows, columns, strict=True)
        ]
        assert np.mean(inside) > 0.95
    lengths = [
        sum(np.hypot(*np.diff(np.array(outline), axis=0).T).sum() for outline in told["overlap_outlines"][which])
        for which in ("a", "b")
    ]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-3)
