from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from matcher import Lighting, Photograph, ScanNotUsable, compare, prepare_photograph, read_photograph
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.numeric.parameters import RELIEF_PARAMETERS

UM = 5.0
CENTRE_UM, PRIMER_UM = (2300.0, 2700.0), 1850.0
APERTURE_UM, APERTURE_CENTRE_UM = 1100.0, (2500.0, 2600.0)


def draw_head(seed: int = 0) -> Photograph:
    """A case head under ring light: lit head, shade around the primer, its textured face, a ring of shade in it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:940, 0:1080] * UM
    texture = sum(
        weight * cv2.GaussianBlur(rng.standard_normal(y.shape), (0, 0), sigma) * sigma
        for sigma, weight in ((1.2, 1.0), (4.0, 1.0))
    )
    light = 0.45 + 0.2 * texture
    from_primer = np.hypot(y - CENTRE_UM[0], x - CENTRE_UM[1])
    from_aperture = np.hypot(y - APERTURE_CENTRE_UM[0], x - APERTURE_CENTRE_UM[1])
    shade = ((from_primer > PRIMER_UM) & (from_primer < 2500.0)) | (np.abs(from_aperture - 1020.0) < 80.0)
    light = np.where(shade, 0.03, light)
    return Photograph(np.clip(light, 0.0, 0.99).astype(np.float32), (UM, UM), Lighting("ring"))


@pytest.fixture(scope="module")
def head() -> Photograph:
    return draw_head()


def test_primer_and_aperture_are_found_on_a_whole_head(head: Photograph) -> None:
    found = find_photograph_mark(head)
    assert found.outline.centre_um == pytest.approx(CENTRE_UM, abs=40.0)
    assert found.outline.radius_um == pytest.approx(PRIMER_UM, abs=50.0)
    assert found.aperture is not None
    assert found.aperture.centre_um == pytest.approx(APERTURE_CENTRE_UM, abs=60.0)
    assert found.aperture.radius_um == pytest.approx(APERTURE_UM, abs=90.0)
    area = np.pi * (PRIMER_UM**2 - APERTURE_UM**2) / 1e6
    assert found.quality.coverage_mm2 == pytest.approx(area, rel=0.15)
    assert found.quality.usable
    assert found.quality.reason == ""


def test_an_outline_that_was_given_stands(head: Photograph) -> None:
    outline = np.zeros(head.brightness.shape, np.bool_)
    outline[100:400, 300:700] = True
    weights = find_photograph_mark(head.within(outline)).mark.weights
    np.testing.assert_array_equal(weights > 0, outline)


def test_a_blotch_is_taken_out_and_a_glint_is_not(head: Photograph) -> None:
    brightness = head.brightness.copy()
    blotch, glint = (slice(130, 170), slice(500, 540)), (slice(220, 223), slice(500, 540))
    brightness[blotch] = brightness[glint] = 1.0
    weights = find_photograph_mark(replace(head, brightness=brightness)).mark.weights
    assert weights[blotch].max() == 0.0
    assert weights[glint].min() == 1.0


def blurred(photograph: Photograph) -> Photograph:
    return replace(photograph, brightness=cv2.GaussianBlur(photograph.brightness, (0, 0), 6.0))


def bare(photograph: Photograph) -> Photograph:
    rng = np.random.default_rng(3)
    return replace(photograph, brightness=rng.uniform(0.3, 0.6, (700, 900)).astype(np.float32))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (blurred, "out of focus"),
        (bare, "no primer was found"),
        (lambda p: replace(p, brightness=np.minimum(p.brightness * np.float32(8), np.float32(1))), "overexposed"),
        (lambda p: replace(p, brightness=p.brightness * np.float32(0.02)), "underexposed"),
        (lambda p: replace(p, um_per_pixel=(5.0, 25.0)), "too coarse"),
        (lambda p: p.within(np.zeros(p.brightness.shape, np.bool_)), "transparent"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_next_step(
    head: Photograph, spoil: Callable[[Photograph], Photograph], words: str
) -> None:
    with pytest.raises(ScanNotUsable, match=f"^not usable: .*{words}.*;"):
        find_photograph_mark(spoil(head))


@pytest.mark.slow
@pytest.mark.data
def test_two_real_photographs_of_one_firearm(ffp_data: Path) -> None:
    """They show that the pipeline runs; of one firearm alone, they prove no accuracy."""
    paths = sorted((ffp_data / "reflectance").glob("*.png"))
    photographs = [read_photograph(path, 2.53, Lighting("ring")) for path in paths]
    # read off the pictures by eye, within 50 um
    by_eye = (((2430.0, 3240.0), 1860.0, 1170.0), ((2480.0, 3280.0), 1840.0, 1170.0))
    for photograph, (centre, primer, aperture) in zip(photographs, by_eye, strict=True):
        found = find_photograph_mark(photograph)
        assert found.outline.centre_um == pytest.approx(centre, abs=50.0)
        assert found.outline.radius_um == pytest.approx(primer, abs=50.0)
        assert found.aperture is not None
        assert found.aperture.radius_um == pytest.approx(aperture, abs=60.0)
        assert found.quality.focus > 0.5
    a, b, upside_down = (prepare_photograph(p) for p in (*photographs, photographs[1].mirrored()))
    real = compare(a, b, RELIEF_PARAMETERS)
    assert real.score > compare(a, upside_down, RELIEF_PARAMETERS).score + 0.2
    assert real.n_congruent >= 10
