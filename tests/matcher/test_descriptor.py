from __future__ import annotations

import numpy as np
import pytest

from matcher import DESCRIPTOR_SHAPE, Prepared, Topography, prefilter, prepare
from matcher.conditions import rotated
from matcher.descriptor import rotation_curve


def test_a_descriptor_fits_its_budget(prepared: dict[tuple[int, int], Prepared]) -> None:
    descriptor = prepared[0, 0].descriptor
    assert descriptor.shape == DESCRIPTOR_SHAPE
    assert descriptor.dtype == np.int8
    assert descriptor.nbytes <= 4500


@pytest.mark.parametrize("degrees", [0.0, 17.0, 95.5, 201.0])
def test_it_tells_the_rotation_up_to_a_half_turn(scans: dict[tuple[int, int], Topography], degrees: float) -> None:
    query = prepare(scans[0, 0]).descriptor
    turned = prepare(rotated(scans[0, 0], degrees)).descriptor
    scores, rotations = prefilter(query, turned[None])
    assert scores[0] > 0.8
    assert abs((rotations[0] - degrees + 90.0) % 180.0 - 90.0) < 1.0


def test_a_scan_has_score_one_with_itself_and_is_ranked_before_others(
    prepared: dict[tuple[int, int], Prepared],
) -> None:
    descriptors = np.stack([scan.descriptor for scan in prepared.values()])
    for place, descriptor in enumerate(descriptors):
        scores, rotations = prefilter(descriptor, descriptors)
        assert scores[place] == pytest.approx(1.0, abs=0.01)
        assert rotations[place] == 0.0
        assert set(np.argsort(-scores)[:2]) == {2 * (place // 2), 2 * (place // 2) + 1}


def test_a_gallery_of_any_length_gives_the_same_scores(prepared: dict[tuple[int, int], Prepared]) -> None:
    rng = np.random.default_rng(3)
    gallery = rng.integers(-60, 60, (517, *DESCRIPTOR_SHAPE), dtype=np.int8)
    query = prepared[0, 0].descriptor
    scores, rotations = prefilter(query, gallery)
    assert scores.shape == rotations.shape == (517,)
    for row in (0, 255, 256, 516):
        alone, turn = prefilter(query, gallery[row : row + 1])
        assert alone[0] == pytest.approx(scores[row], abs=1e-5)
        assert turn[0] == rotations[row]
    empty, _ = prefilter(query, gallery[:0])
    assert empty.shape == (0,)


def test_the_curve_of_a_pair_reversed_is_its_mirror(prepared: dict[tuple[int, int], Prepared]) -> None:
    one, other = prepared[0, 0].descriptor, prepared[1, 0].descriptor
    forth, back = rotation_curve(one, other, 360), rotation_curve(other, one, 360)
    np.testing.assert_allclose(forth, np.roll(back[::-1], 1), atol=1e-5)
