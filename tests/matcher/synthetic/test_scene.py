from __future__ import annotations

import numpy as np
import pytest

from tests.matcher.synthetic.scene import Aperture, Scene, draw_scene


def test_the_same_seeds_draw_the_same_scene() -> None:
    first, again = draw_scene(7, 2, Scene(spikes=0.01)), draw_scene(7, 2, Scene(spikes=0.01))
    np.testing.assert_array_equal(first.topography.heights_um, again.topography.heights_um)
    np.testing.assert_array_equal(first.mark, again.mark)
    assert not first.topography.heights_um.flags.writeable
    assert "drawn" in (first.topography.instrument or "")


def test_fields_and_spacings_are_those_asked_for() -> None:
    scene = draw_scene(7, 2, Scene(spacing_um=(2.0, 10.0), field_um=(3000.0, 4000.0)))
    assert scene.topography.heights_um.shape == scene.mark.shape == (1500, 400)
    assert scene.topography.spacing_um == (2.0, 10.0)


@pytest.mark.parametrize("aperture", ["circular", "elliptical", "rectangular", "teardrop"])
def test_the_mark_is_a_ring_of_plausible_area_around_any_aperture(aperture: Aperture) -> None:
    scene = draw_scene(7, 2, Scene(aperture, shear=False))
    area_mm2 = float(scene.mark.sum()) * 6.25**2 / 1e6
    assert 4.0 < area_mm2 < 8.5
    middle = scene.mark.shape[0] // 2
    assert not scene.mark[middle, middle]


def test_what_is_added_is_no_mark() -> None:
    plain = draw_scene(7, 2, Scene(shear=False))
    for scene in (Scene(shear=True), Scene(shear=False, drag=True), Scene(shear=False, lacquer=True)):
        drawn = draw_scene(7, 2, scene)
        assert not (drawn.mark & ~plain.mark).any()
        assert drawn.mark.sum() < 0.995 * plain.mark.sum()


def test_a_head_surrounds_the_primer() -> None:
    scene = draw_scene(7, 2, Scene(head=True, field_um=(12000.0, 12000.0), spacing_um=(25.0, 25.0)))
    outside = np.ones(scene.mark.shape, np.bool_)
    outside[140:340, 140:340] = False
    assert np.isfinite(scene.topography.heights_um[outside]).sum() > 3 * scene.mark.sum()
