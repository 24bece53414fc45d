from __future__ import annotations

import numpy as np
import pytest

from matcher import Topography, compare, prepare
from matcher.evaluate.conditions import Conditions, centroid_um, rotated
from matcher.evaluate.true_overlap import KeptPart, shared, true_overlaps
from matcher.mark.level import level_mark
from matcher.numeric.parameters import DEFAULT_PARAMETERS
from matcher.synthetic import breech_face


@pytest.mark.parametrize("turn", [50.0, 250.0])
def test_a_known_turn_is_undone_before_crops_are_laid_on_each_other(turn: float) -> None:
    """Half-planes towards +x, of a scan and of its turned copy: they share all but the turn."""
    scan = breech_face.draw(4, 0)
    other = rotated(scan, turn)
    whole = prepare(scan), prepare(other)
    parts = half(scan), half(other)
    there, back = compare(*whole), compare(*reversed(whole))
    assert there.rotation_deg == pytest.approx(turn, abs=0.5)
    assert shared(*parts, there) == pytest.approx(abs(180.0 - turn) / 180.0, abs=0.05)
    assert shared(*reversed(parts), back) == pytest.approx(shared(*parts, there), abs=0.01)


def half(scan: Topography) -> KeptPart:
    mark = level_mark(scan, DEFAULT_PARAMETERS)
    x = np.arange(mark.weights.shape[1]) * mark.spacing_um[1] + mark.origin_um[1]
    kept = (mark.weights >= 0.5) & (x >= centroid_um(mark)[1])[None, :]
    return KeptPart(kept.astype(np.float32), mark.spacing_um, mark.origin_um)


def test_wide_crops_share_much_and_each_pair_gets_its_share(scans: dict[tuple[int, int], Topography]) -> None:
    pair = [scans[0, 0], scans[0, 1]]
    [nearly_all] = true_overlaps(pair, [(0, 1)], Conditions(crop=0.95), DEFAULT_PARAMETERS)
    assert nearly_all > 0.75
    shares = [true_overlaps(pair, [(0, 1)], Conditions(crop=0.3, seed=s), DEFAULT_PARAMETERS)[0] for s in range(4)]
    assert len(set(shares)) > 1
    assert all(0.0 <= share <= 1.0 for share in shares)
