"""The mark that is found on drawn raw scans, against the one that was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, ScanNotUsable, compare, prepare
from matcher.mark.level import LevelledMark, level_mark
from matcher.synthetic import breech_face
from tests.matcher.synthetic.scene import DrawnScene, Scene, draw_scene

SCENES = {
    "round": Scene(),
    "rectangular": Scene("rectangular"),
    "teardrop": Scene("teardrop"),
    "elliptical": Scene("elliptical"),
    "drag": Scene("rectangular", drag=True),
    "lacquer": Scene(lacquer=True),
    "tilt": Scene(tilt_deg=3.0),
    "domed": Scene(domed_um=40.0),
    "scattered dropouts": Scene(dropouts=0.2),
    "lost regions": Scene(lost_patches=3),
    "spikes": Scene(spikes=0.005),
    "head": Scene(head=True, field_um=(12000.0, 12000.0), centre_um=(300.0, -500.0), spacing_um=(8.0, 8.0)),
    "head off centre": Scene("rectangular", head=True, field_um=(8000.0, 8000.0), centre_um=(900.0, -700.0)),
    "small field": Scene(field_um=(2600.0, 3000.0), centre_um=(300.0, 200.0)),
    "half a mark": Scene(field_um=(4000.0, 2200.0), centre_um=(0.0, 900.0)),
    "unequal spacing": Scene("teardrop", spacing_um=(3.0, 6.0), field_um=(4200.0, 4200.0)),
    "coarse": Scene(spacing_um=(12.5, 12.5)),
    "everything": Scene(
        "teardrop", tilt_deg=2.0, domed_um=25.0, drag=True, lacquer=True, dropouts=0.05, lost_patches=2, spikes=0.001
    ),
}


@dataclass(frozen=True)
class Agreement:
    """Of the measured points: shared by the found and the true mark over both; found of no mark; not found."""

    overlap: float
    leaked: float
    lost: float


def agreement(scene: DrawnScene, mark: LevelledMark) -> Agreement:
    topography = scene.topography
    (sy, sx), (my, mx) = topography.spacing_um, mark.spacing_um
    to_mark = np.array([[sx / mx, 0.0, -mark.origin_um[1] / mx], [0.0, sy / my, -mark.origin_um[0] / my]])
    solid = cv2.morphologyEx((mark.weights > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    size = topography.heights_um.shape[::-1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    measured = cv2.blur(np.isfinite(topography.heights_um).astype(np.float32), (5, 5)) > 0.4
    found = (cv2.warpAffine(solid, to_mark, size, flags=flags) > 0) & measured
    true = scene.mark & measured
    return Agreement(
        overlap=float((found & true).sum() / (found | true).sum()),
        leaked=float((found & ~true).sum() / found.sum()),
        lost=float((true & ~found).sum() / true.sum()),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_the_mark_is_found_and_little_else(name: str) -> None:
    scene = draw_scene(3, 1, SCENES[name])
    found = agreement(scene, level_mark(scene.topography, DEFAULT_PARAMETERS))
    assert found.overlap > 0.87
    # a leak of 6 % is a rim of 50 um, half of which is eroded before anything is compared
    assert found.leaked < 0.08
    assert found.lost < 0.12


def test_a_raw_scan_scores_with_another_shot_of_its_firearm_and_not_with_another_firearm() -> None:
    raw = prepare(draw_scene(5, 0, SCENES["everything"]).topography)
    same, other = (compare(raw, prepare(breech_face.draw(firearm, 1))).score for firearm in (5, 6))
    assert same > 0.8
    assert other < 0.45


def test_a_users_mask_stands() -> None:
    scene = draw_scene(3, 1)
    half = scene.mark.copy()
    half[:, : half.shape[1] // 2] = False
    mark = level_mark(scene.topography.within(half), DEFAULT_PARAMETERS)
    agreed = agreement(DrawnScene(scene.topography, half), mark)
    assert agreed.overlap > 0.95
    whole = level_mark(scene.topography, DEFAULT_PARAMETERS)
    assert mark.centre_um == pytest.approx(whole.centre_um, abs=40.0)


def test_a_users_mask_may_hold_what_the_search_would_leave_out() -> None:
    scene = draw_scene(3, 1, Scene(head=True, field_um=(9000.0, 9000.0), spacing_um=(12.5, 12.5)))
    on_head = np.zeros(scene.mark.shape, np.bool_)
    on_head[330:390, 70:190] = True
    found = level_mark(scene.topography.within(on_head), DEFAULT_PARAMETERS).weights > 0
    assert found.sum() > 0.8 * on_head.sum()
    assert not found[~on_head].any()


def test_a_users_mask_that_is_too_small_is_refused_with_the_reason() -> None:
    scene = draw_scene(3, 1)
    small = np.zeros(scene.mark.shape, np.bool_)
    small[100:150, 300:350] = True
    with pytest.raises(ScanNotUsable, match="needed to compare"):
        level_mark(scene.topography.within(small), DEFAULT_PARAMETERS)
