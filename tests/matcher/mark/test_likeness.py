"""What is no breech face is told as such; what is one, or a part of one, is not."""

from __future__ import annotations

import numpy as np
import pytest

from matcher import FIRING_PIN_PARAMETERS, Topography, assess
from matcher.mark.quality import MarkDoubt
from matcher.synthetic import breech_face
from tests.matcher.mark.other_surfaces import OTHER_SURFACES, ball, ground_flat
from tests.matcher.mark.test_find_mark import SCENES
from tests.matcher.synthetic.scene import Scene, draw_scene

WHY = {
    "bullet_land": MarkDoubt.BENT,
    "ball": MarkDoubt.BENT,
    "disc_of_a_plate": MarkDoubt.NO_APERTURE,
    "noise_in_the_mask_of_a_mark": MarkDoubt.NOISE,
    "white_noise": MarkDoubt.NOISE,
    "empty_plane": MarkDoubt.NOISE,
}
"""Of the others the round edge is missing."""


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHER_SURFACES)
def test_what_is_no_breech_face_is_told_with_the_reason(name: str) -> None:
    quality = assess(OTHER_SURFACES[name]())
    assert WHY.get(name, MarkDoubt.NO_ROUND_EDGE) in quality.doubts
    assert quality.warnings[0].startswith("Does not look like a breech face: ")
    # the examiner decides: it can be compared all the same
    assert quality.usable


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SCENES if "head" not in name])
def test_drawn_raw_scans_look_like_breech_faces(name: str) -> None:
    quality = assess(draw_scene(3, 1, SCENES[name]).topography)
    assert quality.usable
    assert quality.doubts == ()


@pytest.mark.slow
def test_a_head_in_view_is_no_doubt() -> None:
    scene = Scene(head=True, field_um=(9000.0, 9000.0), centre_um=(300.0, -500.0), spacing_um=(10.0, 10.0))
    assert assess(draw_scene(3, 1, scene).topography).doubts == ()


@pytest.mark.slow
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("quarters", [1, 2, 4])
def test_parts_look_like_breech_faces(quarters: int, raw: bool) -> None:
    heights = breech_face.draw(2, 0, raw=raw).heights_um
    y, x = (np.arange(points) - (points - 1) / 2 for points in heights.shape)
    kept = (np.arctan2(y[:, None], x[None, :]) % (2.0 * np.pi)) < quarters * np.pi / 2.0
    part = Topography(np.where(kept, heights, np.float32(np.nan)), (6.25, 6.25))
    quality = assess(part)
    assert quality.usable
    assert quality.doubts == ()


def test_where_a_user_says_what_the_mark_is_there_is_no_doubt() -> None:
    scan = ground_flat()
    mask = np.zeros(scan.heights_um.shape, np.bool_)
    mask[100:300, 100:300] = True
    assert assess(scan, mask=mask).doubts == ()


def test_other_regions_are_not_asked_to_look_like_a_breech_face() -> None:
    assert assess(ball(), FIRING_PIN_PARAMETERS).doubts == ()
