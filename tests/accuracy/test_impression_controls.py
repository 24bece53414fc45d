"""Rings of a turned pin give no score: neither in the mirror nor at a wrong rotation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matcher import Topography, read_topography
from matcher.areal.comparison import ComparisonView
from tests.accuracy import impression_controls as controls
from tests.matcher.synthetic.pin_and_shear import draw_impression

PINS = 100, 102, 104, 108, 109, 114
"""Not those of the table in docs/regions.md; 102, 104 and 114 show their rings."""
BOUND = 0.224
"""What 95 of 100 pairs of two drawn pins stay below: 1,710 pairs, docs/regions.md."""


@pytest.fixture(scope="module")
def scans() -> list[Topography]:
    return [draw_impression(pin, shot) for pin in PINS for shot in range(2)]


@pytest.mark.long
def test_drawn_pins_score_neither_in_the_mirror_nor_at_a_wrong_rotation(scans: list[Topography]) -> None:
    pins = [pin for pin in PINS for _ in range(2)]
    mirrors = [controls.mirrored(scan) for scan in scans]
    before, after = (
        controls.measured([way(scan) for scan in scans], [way(mirror) for mirror in mirrors], pins)
        for way in (controls.with_rings, controls.without)
    )
    # what the rings did, so that the rest can fail
    assert before.own_wrong.max() > 1.2 * BOUND
    assert np.median(before.other) > BOUND
    # rotations 15 to 165 degrees off; at 180 each pair of points counts twice, as in the own mirror image
    once = [place for place, turn in enumerate(controls.WRONG_DEG) if turn != 180]
    assert after.own_wrong[:, once].max() < BOUND
    assert after.wrong.max() < BOUND
    assert np.median(after.other) < BOUND
    assert after.other.max() < 0.3
    # and what tells pins apart is left
    assert after.of_one.min() > 1.5 * after.of_two.max()
    assert after.of_one.mean() > 0.95 * before.of_one.mean()


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["Klein_non_replica_mode.al3d", "Klein_replica_mode_X3P_Alicona.x3p"])
def test_the_real_dent_scores_neither_in_the_mirror_nor_at_a_wrong_rotation(ffp_data: Path, name: str) -> None:
    scan = read_topography(ffp_data / "firing-pin" / name)
    turns = (15, 30, 45, 60, 75, 90)
    ringed = ComparisonView(controls.with_rings(scan), controls.P)
    assert controls.at_rotations(ringed, ringed, turns)[0] > 0.7
    view, mirror = (ComparisonView(controls.without(each), controls.P) for each in (scan, controls.mirrored(scan)))
    assert controls.at_rotations(view, view, turns).max() < BOUND
    # a texture without rings reaches 0.32 against its own mirror image
    assert controls.score(view, mirror) < 0.32


@pytest.mark.slow
def test_an_exact_score_at_the_found_rotation_is_that_of_the_registration() -> None:
    """The control measures what the score is made of."""
    a, b = (ComparisonView(controls.without(draw_impression(101, shot)), controls.P) for shot in range(2))
    first, second = sorted((a, b), key=lambda view: view.prepared.digest)
    found = controls.register_pair(first, second)
    [exact] = controls.at_rotations(first, second, [found.rotation_deg])
    assert exact == pytest.approx(controls.score(a, b), abs=0.03)


@pytest.mark.slow
@pytest.mark.data
def test_the_real_dent_of_both_programs_is_one_dent_and_its_flipped_copy_is_not(ffp_data: Path) -> None:
    """Scratch's x3p is Alicona's, flipped in y: before, the rings made the two alike."""
    alicona, scratch = (
        read_topography(ffp_data / "firing-pin" / f"Klein_replica_mode_X3P_{program}.x3p")
        for program in ("Alicona", "Scratch")
    )
    here, flipped, upright = (
        ComparisonView(controls.without(scan), controls.P) for scan in (alicona, scratch, controls.mirrored(scratch))
    )
    assert controls.score(here, upright) > 0.9
    assert controls.score(here, flipped) < 0.32
