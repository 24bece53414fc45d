from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from matcher import FIRING_PIN_PARAMETERS, Quality, ScanRefused, Topography, assess
from matcher.draw.quality_picture import draw_quality
from matcher.synthetic import breech_face
from tests.matcher.synthetic.pin_and_shear import draw_impression
from tests.matcher.synthetic.scene import DrawnScene, Scene, draw_scene


@pytest.fixture(scope="module")
def scene() -> DrawnScene:
    return draw_scene(2, 0)


def test_a_raw_scan_is_described(scene: DrawnScene) -> None:
    quality = assess(scene.topography)
    assert quality.usable
    assert quality.reason is None
    assert quality.warnings == ()
    assert not quality.levelled_before
    assert not quality.cut_off
    assert quality.mark_area_mm2 == pytest.approx(scene.mark.sum() * 6.25**2 / 1e6, rel=0.08)
    assert quality.coverage is not None
    assert quality.coverage > 0.9
    assert quality.outline is not None
    assert quality.outline.centre_um == pytest.approx((2250.0 - 3.125, 2250.0 - 3.125), abs=30.0)
    assert quality.sampling_um == (6.25, 6.25)
    assert quality.field_mm == pytest.approx((4.5, 4.5))


def test_noise_and_roughness_are_measured() -> None:
    rng = np.random.default_rng(5)
    place = np.arange(520) * 6.25
    waves = 3.0 * np.sin(2.0 * np.pi * place / 120.0)[:, None] * np.ones(520)
    for noise_um in (0.05, 0.4):
        heights = (waves + noise_um * rng.standard_normal((520, 520))).astype(np.float32)
        quality = assess(Topography(heights, (6.25, 6.25)))
        assert quality.noise_um == pytest.approx(noise_um, rel=0.1)
        # amplitude 3, of which the band's filters pass nearly all at 120 um
        assert quality.sq_um == pytest.approx(3.0 / np.sqrt(2.0), rel=0.15)
    assert quality.signal_to_noise is not None
    assert quality.robust_sq_um is not None
    assert quality.noise_um is not None
    assert quality.signal_to_noise == pytest.approx(quality.robust_sq_um / quality.noise_um)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(spacing_um=(12.5, 12.5)), "12.5 um apart"),
        (Scene(spacing_um=(3.0, 6.0)), "6.00 um apart in x and 3.00 um in y"),
        (Scene(field_um=(4000.0, 2200.0), centre_um=(0.0, 900.0)), "edge of the field"),
        (Scene(dropouts=0.2), "20% of the mark's points are missing"),
    ],
)
def test_what_weakens_a_comparison_is_said(scene: Scene, words: str) -> None:
    quality = assess(draw_scene(2, 0, scene).topography)
    assert quality.usable
    assert any(words in warning for warning in quality.warnings)


def test_noise_as_strong_as_the_marks_is_said(scene: DrawnScene) -> None:
    rng = np.random.default_rng(6)
    noisy = scene.topography.heights_um + rng.normal(0.0, 1.0, scene.mark.shape).astype(np.float32)
    assert any("Noise" in warning for warning in assess(Topography(noisy, (6.25, 6.25))).warnings)


def test_a_levelled_and_masked_scan_is_recognised() -> None:
    quality = assess(breech_face.draw(2, 0))
    assert quality.levelled_before
    assert quality.aperture is None
    assert quality.warnings == ()


def test_half_of_a_levelled_mark_covers_half_of_the_region() -> None:
    heights = breech_face.draw(2, 0).heights_um.copy()
    heights[:, :280] = np.nan
    quality = assess(Topography(heights, (6.25, 6.25)))
    assert quality.coverage == pytest.approx(0.5, abs=0.1)
    assert any("of the breech face was found" in warning for warning in quality.warnings)


@pytest.mark.parametrize(
    ("heights", "spacing", "reason"),
    [
        (np.full((300, 300), np.nan), 6.25, "no valid point"),
        (np.zeros((400, 400)), 6.25, "smooth"),
        (np.ones((100, 100)), 30.0, "too coarse"),
        (np.zeros((60, 60)), 6.25, "0.20 mm2"),
    ],
)
def test_a_scan_that_cannot_be_compared_is_no_exception(heights: object, spacing: float, reason: str) -> None:
    quality = assess(Topography(np.asarray(heights, np.float32), (spacing, spacing)))
    assert not quality.usable
    assert quality.reason is not None
    assert reason in quality.reason
    assert quality.coverage is None


def test_a_users_mask_is_used_and_one_of_another_size_refused(scene: DrawnScene) -> None:
    quality = assess(scene.topography, mask=scene.mark)
    assert quality.outlined
    assert quality.mark_area_mm2 == pytest.approx(scene.mark.sum() * 6.25**2 / 1e6, rel=0.03)
    with pytest.raises(ScanRefused, match="scan's own size"):
        assess(scene.topography, mask=scene.mark[1:])


def test_firing_pin_impressions_are_assessed_too() -> None:
    quality = assess(draw_impression(1, 0), FIRING_PIN_PARAMETERS)
    assert quality.usable
    assert quality.region == "firing_pin_impression"


def test_it_is_json(scene: DrawnScene) -> None:
    for quality in (assess(scene.topography), assess(Topography(np.zeros((9, 9), np.float32), (6.25, 6.25)))):
        again = json.loads(json.dumps(quality.as_dict(), allow_nan=False))
        assert again.keys() == Quality.__dataclass_fields__.keys()


@pytest.mark.slow
def test_the_picture_outlines_the_mark_and_tints_what_was_left_out(scene: DrawnScene) -> None:
    picture = np.asarray(Image.open(io.BytesIO(draw_quality(scene.topography))).convert("RGB")).astype(int)
    panel = picture[28:848, 28:848]
    green = (panel == (94, 220, 172)).all(axis=-1)
    assert green.sum() > 1000
    tinted = panel[..., 0] - panel[..., 2] > 40
    true = np.kron(scene.mark, np.ones((2, 2), np.bool_))[: 2 * 720, : 2 * 720]
    place = (np.arange(820) * len(true) / 820).astype(int)
    true = true[np.ix_(place, place)]
    assert tinted[true].mean() < 0.05
    measured = np.kron(np.isfinite(scene.topography.heights_um), np.ones((2, 2), np.bool_))[np.ix_(place, place)]
    assert tinted[measured & ~true].mean() > 0.6


@pytest.mark.parametrize("shape", [(5, 5), (40, 300)])
def test_there_is_a_picture_of_a_scan_without_a_mark(shape: tuple[int, int]) -> None:
    empty = Topography(np.full(shape, np.nan, np.float32), (6.25, 6.25))
    assert draw_quality(empty).startswith(b"\x89PNG")
