from __future__ import annotations

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, ScanNotUsable, Topography, prepare
from matcher.mark.clean import clean
from matcher.mark.level import level_mark
from matcher.numeric.plane import area_means, ratio
from matcher.synthetic import breech_face

RNG = np.random.default_rng(7)


def topography(heights: object, spacing: tuple[float, float] = (6.25, 6.25)) -> Topography:
    return Topography(np.asarray(heights, np.float32), spacing)


def waves(length_um: float, points: int = 520) -> Topography:
    x = np.arange(points) * 6.25
    return topography(np.broadcast_to(np.sin(2 * np.pi * x / length_um), (points, points)))


def test_both_copies_are_scaled_clipped_and_empty_where_nothing_was_measured(
    scans: dict[tuple[int, int], Topography],
) -> None:
    scan = clean(scans[0, 0], DEFAULT_PARAMETERS)
    for copy, points in ((scan.coarse, 160), (scan.fine, 320)):
        assert copy.heights.shape == copy.weights.shape == (points, points)
        solid = copy.heights[copy.weights > 0.9]
        assert np.median(solid) == pytest.approx(0.0, abs=0.05)
        assert np.median(np.abs(solid)) * 1.4826 == pytest.approx(1.0, abs=0.05)
        assert np.abs(copy.heights).max() == pytest.approx(3.0)
        assert (copy.heights[copy.weights == 0.0] == 0.0).all()
        assert copy.weights.min() == 0.0
        assert copy.weights.max() == pytest.approx(1.0, abs=1e-3)


def test_the_centre_is_the_primers_however_much_is_missing() -> None:
    points = np.arange(560) * 6.25 - 1750.0
    inside = np.hypot(points[:, None] + 60.0, points[None, :] - 90.0) < 1600.0
    heights = np.where(inside, RNG.standard_normal((560, 560)), np.nan)
    whole = clean(topography(heights), DEFAULT_PARAMETERS)
    heights[:, :250] = np.nan
    part = clean(topography(heights), DEFAULT_PARAMETERS)
    assert whole.centre_um == pytest.approx((1690.0, 1840.0), abs=15.0)
    assert part.centre_um == pytest.approx((1690.0, 1840.0), abs=30.0)


def test_the_band_passes_marks_and_stops_form_and_noise() -> None:
    def amplitude(length_um: float) -> float:
        # against a wave in the middle of the band, which sets the scale of the copy
        mixed = topography(waves(150.0).heights_um + waves(length_um).heights_um.T)
        heights = clean(mixed, DEFAULT_PARAMETERS).fine.heights[120:200, 120:200]
        return float(heights.mean(axis=1).std() / heights.mean(axis=0).std())

    assert amplitude(100.0) == pytest.approx(1.0, abs=0.25)
    assert amplitude(900.0) < 0.3
    assert amplitude(15.0) < 0.1


@pytest.mark.parametrize("spacing", [(3.125, 3.125), (12.5, 12.5), (8.7, 13.1), (2.0, 10.0)])
def test_resolution_and_unequal_spacing_change_little(
    scans: dict[tuple[int, int], Topography], spacing: tuple[float, float]
) -> None:
    scan = scans[0, 0]
    valid = np.isfinite(scan.heights_um).astype(np.float32)
    shape = (round(560 * 6.25 / spacing[0]), round(560 * 6.25 / spacing[1]))
    fine = np.ones((4, 4), np.float32)
    share = area_means(np.kron(valid, fine), shape)
    heights = ratio(area_means(np.kron(np.nan_to_num(scan.heights_um), fine), shape), share)
    again = topography(np.where(share >= 0.5, heights, np.nan), (560 * 6.25 / shape[0], 560 * 6.25 / shape[1]))
    first, second = clean(scan, DEFAULT_PARAMETERS).coarse, clean(again, DEFAULT_PARAMETERS).coarse
    both = (first.weights > 0.9) & (second.weights > 0.9)
    assert both.sum() > 0.9 * (first.weights > 0.9).sum()
    assert np.corrcoef(first.heights[both], second.heights[both])[0, 1] > 0.85


def test_a_raw_scan_yields_the_mark_without_flow_back_impression_and_edge() -> None:
    mark = level_mark(breech_face.draw(4, 0, raw=True), DEFAULT_PARAMETERS)
    masked = level_mark(breech_face.draw(4, 0), DEFAULT_PARAMETERS)
    raw_area, area = (float((m.weights > 0).sum()) for m in (mark, masked))
    assert raw_area > 0.8 * area
    assert np.abs(mark.heights).max() <= DEFAULT_PARAMETERS.levelling_tolerance_um
    # the collar around the impression stands 35 to 45 um high, and would be most of the deviation
    assert mark.heights[mark.weights > 0].std() < 2.0 * masked.heights[masked.weights > 0].std()


def test_a_whole_case_head_is_searched_for_its_primer() -> None:
    head = np.full((1600, 1600), np.nan, np.float32)
    place = np.arange(1600) * 6.25 - 5000.0
    radius = np.hypot(place[:, None], place[None, :])
    ring = (radius < 4900.0) & (radius > 2300.0)
    head[ring] = 20.0 * RNG.standard_normal(int(ring.sum()))
    primer = breech_face.draw(4, 0, raw=True).heights_um
    window = (slice(440, 1160), slice(440, 1160))
    inner = radius[window] < 1900.0
    head[window] = np.where(inner, primer - 80.0, head[window])
    found = level_mark(topography(head), DEFAULT_PARAMETERS)
    alone = level_mark(breech_face.draw(4, 0, raw=True), DEFAULT_PARAMETERS)
    assert found.centre_um == pytest.approx((5000.0, 5000.0), abs=120.0)
    assert (found.weights > 0).sum() == pytest.approx((alone.weights > 0).sum(), rel=0.1)


def test_spikes_do_not_hide_the_mark(scans: dict[tuple[int, int], Topography]) -> None:
    heights = scans[0, 0].heights_um.copy()
    heights[RNG.random(heights.shape) < 0.01] = 30_000.0
    spiked = clean(topography(heights), DEFAULT_PARAMETERS).coarse
    smooth = clean(scans[0, 0], DEFAULT_PARAMETERS).coarse
    both = (spiked.weights > 0.9) & (smooth.weights > 0.9)
    assert np.corrcoef(spiked.heights[both], smooth.heights[both])[0, 1] > 0.9


@pytest.mark.parametrize(("depth_um", "wide"), [(20.0, 17), (20.0, 33), (50.0, 17), (-20.0, 3)])
def test_a_dent_or_a_grain_of_dust_leaves_its_surroundings_as_they_are(
    scans: dict[tuple[int, int], Topography], depth_um: float, wide: int
) -> None:
    scan = scans[0, 0]
    half, row, column = wide // 2, 80, 280
    heights = scan.heights_um.copy()
    heights[row - half : row + half + 1, column - half : column + half + 1] -= depth_um
    dented, whole = (clean(topography(each), DEFAULT_PARAMETERS).fine for each in (heights, scan.heights_um))
    centre = clean(scan, DEFAULT_PARAMETERS).centre_um
    place = (np.arange(320) - 159.5) * 12.5
    away = np.maximum(np.abs(place + centre[0] - row * 6.25)[:, None], np.abs(place + centre[1] - column * 6.25)) - (
        half * 6.25
    )
    around = (away > 40.0) & (away < 200.0) & (dented.weights > 0.9) & (whole.weights > 0.9)
    assert around.sum() > 300
    difference = (dented.heights - whole.heights)[around]
    # a linear filter lets a dent of 100 um change its surroundings by 0.6 deviations, one of 200 um by 0.9
    assert np.sqrt(np.mean(difference**2)) < 0.25


@pytest.mark.parametrize(
    ("heights", "spacing", "sentence"),
    [
        (np.full((300, 300), np.nan), 6.25, "no valid point"),
        (np.zeros((0, 5)), 6.25, "no valid point"),
        ([[1.0]], 6.25, "0.20 mm2"),
        (np.zeros((1, 400)), 6.25, "0.20 mm2"),
        (RNG.standard_normal((300, 300)), 1.0, "0.20 mm2"),
        (RNG.standard_normal((2, 2)), 0.01, "few micrometres"),
        (np.zeros((400, 400)), 6.25, "smooth"),
        (np.add.outer(np.arange(400.0), np.arange(400.0)), 6.25, "smooth"),
        (RNG.standard_normal((100, 100)), 30.0, "too coarse"),
        (30_000.0 * RNG.standard_normal((400, 400)), 6.25, "0.20 mm2"),
        (np.where(RNG.random((400, 400)) < 0.02, RNG.standard_normal((400, 400)), np.nan), 6.25, "0.20 mm2"),
    ],
    ids=["all-missing", "empty", "point", "line", "small", "tiny", "flat", "tilted", "coarse", "wild", "sparse"],
)
def test_what_cannot_be_compared_is_refused_with_a_sentence(heights: object, spacing: float, sentence: str) -> None:
    with pytest.raises(ScanNotUsable, match="not usable: .*" + sentence.replace(".", r"\.")):
        prepare(topography(heights, (spacing, spacing)))
