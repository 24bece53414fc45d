from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, Topography, compare, prepare
from matcher.areal.controls import mask_only, random_texture
from matcher.areal.prepared import pack
from matcher.evaluate.conditions import Conditions, noisy, resampled, rotated, sector
from matcher.mark.clean import clean


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


def flat(rows: int = 400, columns: int = 400, spacing_um: tuple[float, float] = (5.0, 5.0)) -> Topography:
    return Topography(np.zeros((rows, columns), np.float32), spacing_um)


@pytest.mark.parametrize("spacing_um", [(5.0, 5.0), (5.0, 10.0)])
def test_noise_has_its_deviation_and_its_correlation_length(spacing_um: tuple[float, float]) -> None:
    noise = noisy(flat(spacing_um=spacing_um), 0.3, 60.0, np.random.default_rng(4)).heights_um / 0.3
    assert noise.std() == pytest.approx(1.0, rel=1e-3)
    down, across = (round(60.0 / step) for step in spacing_um)
    for apart, along in ((noise[:-down] * noise[down:], "y"), (noise[:, :-across] * noise[:, across:], "x")):
        assert apart.mean() == pytest.approx(np.exp(-1.0), abs=0.06), along
    edge, inside = noise[:20].std(), noise[100:-100].std()
    assert edge == pytest.approx(inside, rel=0.2)


def test_white_noise_is_white_and_leaves_missing_points_missing() -> None:
    heights = np.zeros((300, 300), np.float32)
    heights[:50] = np.nan
    noise = noisy(Topography(heights, (5.0, 5.0)), 2.0, 0.0, np.random.default_rng(4)).heights_um
    assert np.isnan(noise[:50]).all()
    assert noise[50:].std() == pytest.approx(2.0, rel=0.02)
    assert abs((noise[50:-1] * noise[51:]).mean()) < 0.05 * 4.0


def test_noise_is_measured_by_the_mark_itself(scans: dict[tuple[int, int], Topography]) -> None:
    scan = scans[0, 0]
    mark = scan.heights_um[np.isfinite(scan.heights_um)]
    own = 1.4826 * np.median(np.abs(mark - np.median(mark)))
    changed = changed_by(Conditions(noise=1.5), scan)
    added = (changed.heights_um - scan.heights_um)[np.isfinite(scan.heights_um)]
    assert added.std() == pytest.approx(1.5 * own, rel=0.1)


def changed_by(conditions: Conditions, scan: Topography, place: int = 0) -> Topography:
    changed = conditions.apply(scan, place)
    assert isinstance(changed, Topography)
    return changed


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_a_crop_keeps_its_share_around_the_centroid(scans: dict[tuple[int, int], Topography], share: float) -> None:
    scan = scans[1, 0]
    whole = np.isfinite(scan.heights_um)
    shares = []
    for place in range(8):
        kept = np.isfinite(changed_by(Conditions(crop=share), scan, place).heights_um)
        assert not (kept & ~whole).any()
        shares.append(kept.sum() / whole.sum())
    assert np.mean(shares) == pytest.approx(share, abs=0.05)


def test_a_half_is_cut_along_a_straight_line_through_the_centre() -> None:
    kept = sector((101, 201), (2.0, 1.0), (100.0, 100.0), 0.5, 0.0)
    assert kept[:, 100:].all()
    assert not kept[:, :100].any()
    quarter = sector((101, 201), (2.0, 1.0), (100.0, 100.0), 0.25, 90.0)
    assert quarter[90, 100]
    assert not quarter[50, 190]
    assert quarter.mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("spacing_um", [3.125, 6.25, 9.0, 12.5])
def test_another_sampling_keeps_heights_and_field(spacing_um: float) -> None:
    y, x = np.indices((200, 160)) * np.array([6.25, 8.0])[:, None, None]
    heights = (3.0 + 0.002 * y + np.sin(2 * np.pi * x / 200.0)).astype(np.float32)
    heights[:40] = np.nan
    changed = resampled(Topography(heights, (6.25, 8.0)), spacing_um)
    assert changed.spacing_um == (spacing_um, spacing_um)
    rows, columns = changed.heights_um.shape
    assert rows * spacing_um == pytest.approx(200 * 6.25, abs=spacing_um)
    assert columns * spacing_um == pytest.approx(160 * 8.0, abs=spacing_um)
    # the field's edge stays where it was, so the first point moves by half of the difference
    y = np.arange(rows)[:, None] * spacing_um + (spacing_um - 6.25) / 2
    x = np.arange(columns)[None, :] * spacing_um + (spacing_um - 8.0) / 2
    expected = 3.0 + 0.002 * y + np.sin(2 * np.pi * x / 200.0)
    inner = changed.heights_um[:, 2:-2]
    known = np.isfinite(inner)
    np.testing.assert_allclose(inner[known], expected[:, 2:-2][known], atol=0.03)
    first = y[np.flatnonzero(known.any(axis=1))[0], 0]
    assert first == pytest.approx(40 * 6.25, abs=spacing_um)


def test_coarser_points_are_means_and_not_samples() -> None:
    heights = np.tile(np.array([1.0, -1.0], np.float32), (60, 30))
    assert np.abs(resampled(Topography(heights, (5.0, 5.0)), 10.0).heights_um).max() < 1e-6


def test_scans_take_turns_with_several_spacings(scans: dict[tuple[int, int], Topography]) -> None:
    mixed = Conditions(resample_um=(3.125, 6.25, 12.5))
    spacings = [changed_by(mixed, scans[0, 0], place).spacing_um[0] for place in range(4)]
    assert spacings == [3.125, 6.25, 12.5, 3.125]


def test_every_option_is_seeded_for_each_scan_and_by_itself(scans: dict[tuple[int, int], Topography]) -> None:
    scan = scans[2, 0]
    all_of_it = Conditions(crop=0.6, rotate=3, resample_um=(8.0,), noise=0.5, noise_correlation_um=40.0)
    one, again = (changed_by(all_of_it, scan, 1).heights_um for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape != changed_by(all_of_it, scan, 2).heights_um.shape
    for other in (replace(all_of_it, seed=2), replace(all_of_it, rotate=4)):
        changed = changed_by(other, scan, 1).heights_um
        assert changed.shape != one.shape or not np.array_equal(changed, one, equal_nan=True)
    # noise leaves the crop where it was
    with_noise = changed_by(Conditions(crop=0.5, noise=1.0), scan, 1).heights_um
    without = changed_by(Conditions(crop=0.5), scan, 1).heights_um
    np.testing.assert_array_equal(np.isfinite(with_noise), np.isfinite(without))


def test_nothing_asked_is_nothing_done(scans: dict[tuple[int, int], Topography]) -> None:
    assert Conditions().apply(scans[0, 0], 0) is scans[0, 0]
    assert not Conditions(seed=9).change
    assert Conditions(noise=0.1, against="full").change


def test_references_are_turned_otherwise_and_left_whole() -> None:
    harder = Conditions(rotate=4, crop=0.5, noise=1.0, resample_um=(9.0,), render="side")
    assert harder.of_references is harder
    assert replace(harder, against="full").of_references == Conditions(rotate=5, render="side")
    assert replace(harder, against="topography").of_references == Conditions()
    assert replace(harder, rotate=None, against="full").of_references == Conditions(render="side")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"crop": 1.0}, "between 0 and 1"),
        ({"crop": 0.0}, "between 0 and 1"),
        ({"noise": -1.0}, "standard deviations"),
        ({"noise": float("nan")}, "standard deviations"),
        ({"noise_correlation_um": 60.0}, "needs noise"),
        ({"noise": 1.0, "noise_correlation_um": -1.0}, "0 to 1000 um"),
        ({"resample_um": (6.25, 0.0)}, "0.5 to 50 um"),
        ({"against": "topography"}, "how they are drawn"),
        ({"against": "full", "rotate": 1}, "need something"),
    ],
)
def test_conditions_that_cannot_be_are_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Conditions(**values)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_straight_line_takes_a_share_off_one_side(scans: dict[tuple[int, int], Topography], share: float) -> None:
    whole = scans[0, 0]
    cut = changed_by(Conditions(cut_side=share), whole)
    before, after = (np.isfinite(scan.heights_um) for scan in (whole, cut))
    assert not (after & ~before).any()
    assert (before & ~after).sum() / before.sum() == pytest.approx(share, abs=0.05)
    # what is gone and what is left lie on either side of a straight line
    gone, left = (np.argwhere(mask) for mask in (before & ~after, after))
    across = gone.mean(axis=0) - left.mean(axis=0)
    assert np.quantile(gone @ across, 0.2) > np.quantile(left @ across, 0.5)


def test_a_centre_is_put_off_and_nothing_of_the_mark_is_lost(scans: dict[tuple[int, int], Topography]) -> None:
    conditions = Conditions(shift_um=200.0)
    where = np.array([conditions.displacement_um(place) for place in range(200)])
    assert 190.0 < np.hypot(*where.T).max() <= 200.0
    assert abs(where.mean(axis=0)).max() < 30.0
    still = clean(scans[0, 0], DEFAULT_PARAMETERS)
    for place in range(3):
        put_off = clean(conditions.apply(scans[0, 0], place), DEFAULT_PARAMETERS, conditions.displacement_um(place))
        assert np.subtract(put_off.centre_um, still.centre_um) == pytest.approx(where[place])
        assert put_off.coarse.weights.sum() == pytest.approx(still.coarse.weights.sum(), rel=1e-3)
    assert Conditions().displacement_um(5) == (0.0, 0.0)


def test_whole_references_are_put_off_too_by_others() -> None:
    conditions = Conditions(crop=0.5, shift_um=150.0, against="full")
    assert conditions.of_references.shift_um == 150.0
    assert conditions.of_references.displacement_um(0) != conditions.displacement_um(0)
