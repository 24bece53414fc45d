from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import (
    APERTURE_SHEAR_PARAMETERS,
    FIRING_PIN_PARAMETERS,
    Profile,
    ProfileParameters,
    ScanNotUsable,
    ScanRefused,
    Topography,
    prepare_profile,
)
from matcher.mark.striation import find_strip
from schemas.vocabulary import RegionOfInterest
from tests.matcher.synthetic.pin_and_shear import draw_shear

SPACING_UM = 2.5
PLACE = (np.arange(400) - 199.5) * SPACING_UM
Y, X = np.meshgrid(PLACE, PLACE, indexing="ij")


def edge(across_um: np.ndarray) -> np.ndarray:
    """A profile of three waves within the band, one above it, and a shape below it."""
    waves = sum(np.sin(2 * np.pi * across_um / period + period) for period in (17.0, 31.0, 58.0))
    return waves + 0.5 * np.sin(2 * np.pi * across_um / 4.0) + 6.0 * (across_um / 400.0) ** 2


def striated(direction_deg: float, noise_um: float = 0.0) -> Topography:
    """A band of 800 um across striae and 250 um along them, the rest grainy and lower."""
    turn = np.deg2rad(direction_deg)
    across, along = X * np.cos(turn) + Y * np.sin(turn), Y * np.cos(turn) - X * np.sin(turn)
    rng = np.random.default_rng(5)
    inside = (np.abs(across) < 400.0) & (np.abs(along) < 125.0)
    heights = np.where(inside, edge(across), rng.standard_normal(X.shape) - 30.0)
    heights = heights + noise_um * rng.standard_normal(X.shape) + 0.05 * X - 0.03 * Y
    heights[rng.random(X.shape) < 0.01] = np.nan
    canonical = heights.astype(np.float32)
    canonical.flags.writeable = False
    return Topography(canonical, (SPACING_UM, SPACING_UM))


@pytest.fixture(scope="module")
def profile() -> Profile:
    return prepare_profile(draw_shear(3, 0))


@pytest.mark.parametrize("direction_deg", [0.0, 33.0, 90.0, 147.0])
def test_the_profile_of_known_striae_comes_back(direction_deg: float) -> None:
    found = prepare_profile(striated(direction_deg, noise_um=0.3))
    apart = (found.direction_deg - direction_deg + 90.0) % 180.0 - 90.0
    assert abs(apart) < 0.5
    assert np.hypot(*(np.array(found.centre_um) + PLACE[0])) < 60.0
    # the three waves within the band, at their places: the middle of the profile says where it starts
    turn = np.deg2rad(found.direction_deg)
    middle = (found.centre_um[1] + PLACE[0]) * np.cos(turn) + (found.centre_um[0] + PLACE[0]) * np.sin(turn)
    sense = 1.0 if np.cos(turn - np.deg2rad(direction_deg)) > 0.0 else -1.0
    place = sense * (middle + (np.arange(len(found.heights)) - (len(found.heights) - 1) / 2) * SPACING_UM)
    true = sum(np.sin(2 * np.pi * place / period + period) for period in (17.0, 31.0, 58.0))
    solid = found.weights > 200
    assert solid.sum() * SPACING_UM > 600.0
    assert np.corrcoef(true[solid], found.heights[solid])[0, 1] > 0.93


def test_a_strip_has_upright_striae() -> None:
    strip = find_strip(striated(33.0), APERTURE_SHEAR_PARAMETERS)
    lines = strip.heights[20:-20][(strip.weights[20:-20] > 0.9).mean(axis=1) > 0.5]
    assert len(lines) * strip.spacing_um > 120.0
    upper, lower = lines[: len(lines) // 2].mean(axis=0), lines[len(lines) // 2 :].mean(axis=0)
    assert np.corrcoef(upper, lower)[0, 1] > 0.9


def test_quality_falls_with_noise() -> None:
    clear, noisy = prepare_profile(striated(0.0)), prepare_profile(striated(0.0, noise_um=1.5))
    assert 0.5 < clear.striation <= 1.0
    assert noisy.striation < 0.8 * clear.striation
    assert clear.stria_um > 150.0


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (Topography(np.full((300, 300), np.nan, np.float32), (2.5, 2.5)), "no valid point"),
        (Topography(np.zeros((300, 300), np.float32), (8.0, 8.0)), "too coarse"),
        (Topography(np.zeros((300, 300), np.float32), (2.5, 2.5)), "not usable"),
        (
            Topography(np.random.default_rng(1).standard_normal((300, 300)).astype(np.float32), (2.5, 2.5)),
            "not usable",
        ),
    ],
)
def test_what_shows_no_striae_is_said(scan: Topography, said: str) -> None:
    with pytest.raises(ScanNotUsable, match=said):
        prepare_profile(scan)


def test_bytes_there_and_back(profile: Profile) -> None:
    again = Profile.from_bytes(profile.to_bytes())
    assert again.to_bytes() == profile.to_bytes()
    assert again.digest == profile.digest
    assert len(profile.to_bytes()) < 2_000
    with pytest.raises(ValueError, match="read-only"):
        profile.heights[0] = 1


def test_preparing_again_gives_the_same_content(profile: Profile) -> None:
    assert prepare_profile(draw_shear(3, 0)).to_bytes() == profile.to_bytes()


@given(data=st.data())
def test_damaged_bytes_are_refused_never_believed(profile: Profile, data: st.DataObject) -> None:
    good = profile.to_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = bytearray(good)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    for bad in (bytes(flipped), good[:place], good + b"\0"):
        with pytest.raises(ScanRefused, match="prepare it again"):
            Profile.from_bytes(bad)


def test_parameters_are_bounded_and_have_a_digest_of_their_own() -> None:
    assert APERTURE_SHEAR_PARAMETERS.region in {region.value for region in RegionOfInterest}
    assert APERTURE_SHEAR_PARAMETERS.digest not in (
        FIRING_PIN_PARAMETERS.digest,
        ProfileParameters(min_overlap=0.5).digest,
    )
    with pytest.raises(ValueError, match="max_stretch"):
        ProfileParameters(max_stretch=0.5)
    with pytest.raises(ValueError, match="band_um"):
        ProfileParameters(band_um=(100.0, 50.0))
