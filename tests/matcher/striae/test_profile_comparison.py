from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from matcher import (
    APERTURE_SHEAR_PARAMETERS,
    NotComparable,
    Profile,
    ProfileParameters,
    ScanNotUsable,
    compare_profiles,
    prepare_profile,
    rank_profiles,
)
from matcher.draw.explain_profiles import draw_profiles
from matcher.numeric import figures
from matcher.striae.profile_comparison import ProfileView
from tests.matcher.synthetic.pin_and_shear import draw_shear

STEP_UM = APERTURE_SHEAR_PARAMETERS.spacing_um


def made(heights: np.ndarray, weights: np.ndarray | None = None) -> Profile:
    scaled = np.rint(np.clip(heights / heights.std(), -3.0, 3.0) * 127.0 / 3.0).astype(np.int8)
    shown = np.full(len(scaled), 255, np.uint8) if weights is None else weights
    return Profile(scaled, shown, (0.0, 0.0), 0.0, 0.5, 100.0, APERTURE_SHEAR_PARAMETERS.digest)


def drawn(seed: int, points: int) -> np.ndarray:
    """Noise between 10 and 100 um."""
    white = np.random.default_rng(seed).standard_normal(points + 100)
    place = np.arange(-40, 41)
    fine, coarse = (np.exp(-0.5 * (place / width) ** 2) for width in (1.5, 8.0))
    return np.convolve(white, fine / fine.sum() - coarse / coarse.sum(), mode="same")[50:-50]


shear = cache(draw_shear)


@cache
def usable(firearm: int, shot: int) -> Profile | None:
    try:
        return prepare_profile(shear(firearm, shot))
    except ScanNotUsable:
        return None


def profiles_of(firearms: int) -> dict[tuple[int, int], Profile]:
    keys = [(firearm, shot) for firearm in range(firearms) for shot in range(2)]
    ready = {key: profile for key in keys if (profile := usable(*key)) is not None}
    assert len(ready) >= len(keys) - 1
    return ready


@pytest.fixture(scope="module")
def profiles() -> dict[tuple[int, int], Profile]:
    return profiles_of(3)


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("stretch", [0.967, 1.0, 1.021])
@pytest.mark.parametrize("lag_um", [-120.0, 66.0])
def test_a_known_place_is_found(sense: int, stretch: float, lag_um: float) -> None:
    whole = ProfileView(made(drawn(1, 500)), APERTURE_SHEAR_PARAMETERS)
    # the part of 360 points whose middle lies at the lag: place on the whole = lag + sense x stretch x own place
    own = (np.arange(360) - 179.5) * STEP_UM
    heights, _ = whole.at((lag_um + sense * stretch * own) / STEP_UM)
    part = made(heights + 0.1 * drawn(2, 360))
    found = compare_profiles(part, whole.profile)
    assert found.reversed == (sense < 0)
    assert found.lag_um == pytest.approx(lag_um, abs=1.0)
    assert found.stretch == pytest.approx(stretch, abs=0.002)
    assert found.ccf > 0.97
    assert found.n_congruent == found.n_segments == found.n_consecutive > 10
    back = compare_profiles(whole.profile, part)
    assert back.score == found.score
    assert back.stretch == pytest.approx(1.0 / found.stretch)
    assert back.lag_um == pytest.approx(-sense * found.lag_um / found.stretch)


def test_a_mirrored_surface_is_another_surface() -> None:
    heights = drawn(3, 400)
    upside_down = compare_profiles(made(heights), made(-heights))
    assert upside_down.ccf < 0.75 < compare_profiles(made(heights), made(heights[::-1])).ccf


def test_gaps_count_for_nothing() -> None:
    heights, other = drawn(4, 400), drawn(5, 400)
    weights = np.full(400, 255, np.uint8)
    weights[150:220] = 0
    mixed = heights.copy()
    mixed[150:220] = other[150:220]
    found = compare_profiles(made(heights), made(mixed, weights))
    assert found.ccf > 0.99
    assert found.overlap_um == pytest.approx(330 * STEP_UM, abs=3 * STEP_UM)


def test_segments_say_where_profiles_part() -> None:
    heights = drawn(6, 480)
    half = heights.copy()
    half[240:] = drawn(7, 240)
    found = compare_profiles(made(heights), made(half))
    congruent = [segment.congruent for segment in found.segments]
    assert sum(congruent) >= 9
    assert abs(len(congruent) / 2 - found.n_consecutive) <= 2


@pytest.mark.slow
def test_score_is_symmetric_to_the_last_bit_and_deterministic(profiles: dict[tuple[int, int], Profile]) -> None:
    one, other = profiles[0, 0], profiles[0, 1]
    forth = compare_profiles(one, other)
    assert forth.score == compare_profiles(other, one).score
    assert forth == compare_profiles(Profile.from_bytes(one.to_bytes()), other)
    assert json.loads(forth.to_json())["n_congruent"] == forth.n_congruent


@pytest.mark.slow
@pytest.mark.parametrize("firearms", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_drawn_firearms_are_told_apart(firearms: int) -> None:
    profiles = profiles_of(firearms)
    keys = list(profiles)
    km, knm = [], []
    for i, first in enumerate(keys):
        for second in keys[:i]:
            score = compare_profiles(profiles[first], profiles[second]).score
            (km if first[0] == second[0] else knm).append(score)
    assert figures.auc(np.array(km), np.array(knm)) > 0.99


def test_ranking_finds_the_one_among_many(profiles: dict[tuple[int, int], Profile]) -> None:
    others = [made(drawn(100 + seed, 300 + seed)) for seed in range(150)]
    gallery = [*others[:70], profiles[2, 1], *others[70:]]
    ranked = rank_profiles(profiles[2, 0], gallery, ProfileParameters())
    assert ranked[0].index == 70
    assert ranked[0].comparison == compare_profiles(profiles[2, 0], profiles[2, 1])
    assert len(ranked) == APERTURE_SHEAR_PARAMETERS.compared_candidates
    assert [entry.comparison.score for entry in ranked] == sorted(
        (entry.comparison.score for entry in ranked), reverse=True
    )
    assert rank_profiles(profiles[2, 0], []) == []


def test_other_parameters_are_not_compared(profiles: dict[tuple[int, int], Profile]) -> None:
    other = ProfileParameters(min_overlap=0.5)
    with pytest.raises(NotComparable, match="prepare it again"):
        compare_profiles(profiles[0, 0], profiles[0, 1], other)
    with pytest.raises(NotComparable):
        rank_profiles(profiles[0, 0], [profiles[0, 1]], other)


@pytest.mark.slow
def test_the_picture_shows_both_strips_in_one_frame() -> None:
    scans = shear(2, 0), shear(2, 1)
    comparison = compare_profiles(*(prepare_profile(scan) for scan in scans))
    picture = draw_profiles(*scans, comparison)
    assert picture.startswith(b"\x89PNG")
    assert picture == draw_profiles(*scans, comparison)
