"""Known answers: a scan is moved by a known amount, and the comparison must give it back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher import DEFAULT_PARAMETERS, Comparison, Prepared, Topography, compare, prepare
from matcher.areal.comparison import ComparisonView, register_pair
from matcher.areal.prepared import pack, tells_its_rotation
from matcher.areal.registration import place_roughly, register
from matcher.evaluate.conditions import noisy, rotated
from matcher.mark.clean import clean
from matcher.synthetic import breech_face


def expected(scan: Topography, turned: Topography, degrees: float, place: tuple[float, float]) -> np.ndarray:
    """Where a point of the scan (y, x; um) lies on the scan turned around its middle."""
    middles = [(np.array(t.heights_um.shape) - 1) / 2 * t.spacing_um for t in (scan, turned)]
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    y, x = np.array(place) - middles[0]
    return np.asarray(middles[1] + (y * cosine + x * sine, x * cosine - y * sine))


def stated(comparison: Comparison, place: tuple[float, float]) -> np.ndarray:
    """Where the comparison says that a point of scan a lies on scan b, by its docstring."""
    turn = np.deg2rad(comparison.rotation_deg)
    y, x = np.array(place) - comparison.centre_a_um
    moved = (y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn))
    return np.asarray(np.array(comparison.centre_b_um) + moved + comparison.shift_um)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(degrees=st.floats(0.0, 360.0), dy=st.integers(-40, 40), dx=st.integers(-40, 40))
def test_a_known_rotation_and_shift_are_given_back(
    scans: dict[tuple[int, int], Topography], degrees: float, dy: int, dx: int
) -> None:
    scan = scans[2, 0]
    turned = rotated(scan, degrees)
    # shifted on a grid with a margin of 40 points
    rows, columns = turned.heights_um.shape
    moved = np.full((rows + 80, columns + 80), np.nan, np.float32)
    moved[40 + dy : 40 + dy + rows, 40 + dx : 40 + dx + columns] = turned.heights_um
    comparison = compare(prepare(scan), prepare(Topography(moved, scan.spacing_um)))
    assert abs((comparison.rotation_deg - degrees + 180.0) % 360.0 - 180.0) < 0.1
    for place in ((500.0, 1700.0), (1700.0, 600.0), (2900.0, 2600.0)):
        wanted = expected(scan, turned, degrees, place) + np.array([40 + dy, 40 + dx]) * 6.25
        assert np.hypot(*(stated(comparison, place) - wanted)) < 4.0
    assert comparison.g25 > 0.95
    assert comparison.n_congruent >= 0.9 * comparison.n_cells


@pytest.mark.parametrize("degrees", [0.0, 0.3, 89.8, 180.1, 269.5])
def test_quarter_turns_attract_no_rotation(scans: dict[tuple[int, int], Topography], degrees: float) -> None:
    """Only they need no interpolation, and would look the better for it."""
    comparison = compare(prepare(scans[2, 0]), prepare(rotated(scans[2, 0], degrees)))
    assert abs((comparison.rotation_deg - degrees + 180.0) % 360.0 - 180.0) < 0.1


def test_the_reverse_comparison_is_the_inverse_with_the_same_score(prepared: dict[tuple[int, int], Prepared]) -> None:
    by_digest = sorted(prepared, key=lambda key: prepared[key].digest)
    pairs = [*zip(by_digest[:3], by_digest[3:], strict=True), *zip(by_digest[3:], by_digest[1:4], strict=True)]
    moved = set()
    for first, second in pairs:
        forth, back = compare(prepared[first], prepared[second]), compare(prepared[second], prepared[first])
        assert (forth.score, forth.g25, forth.overlap) == (back.score, back.g25, back.overlap)
        assert {forth.cells_on, back.cells_on} == {"a", "b"}
        moved.add(forth.cells_on)
        for place in ((400.0, 1500.0), (2500.0, 2000.0)):
            there = stated(forth, place)
            assert stated(back, (there[0], there[1])) == pytest.approx(place, abs=1e-6)
        for cell, mirrored in zip(forth.cells, back.cells, strict=True):
            assert (cell.label, cell.correlation, cell.congruent) == (
                mirrored.label,
                mirrored.correlation,
                mirrored.congruent,
            )
            assert cell.centre_a_um == pytest.approx(mirrored.centre_b_um)
            assert cell.centre_b_um == pytest.approx(mirrored.centre_a_um)
    assert moved == {"a", "b"}, "the pairs must show both directions"


def test_a_cells_displacement_is_what_the_registration_leaves_open(prepared: dict[tuple[int, int], Prepared]) -> None:
    for first, second in (((0, 0), (0, 1)), ((0, 1), (0, 0))):
        comparison = compare(prepared[first], prepared[second])
        for cell in comparison.cells:
            left = np.array(cell.centre_b_um) - stated(comparison, cell.centre_a_um)
            assert cell.displacement_um == pytest.approx(left, abs=1e-6)


def test_it_is_the_same_every_time(prepared: dict[tuple[int, int], Prepared]) -> None:
    first = compare(prepared[0, 0], prepared[1, 0])
    assert first == compare(prepared[0, 0], prepared[1, 0])


def test_a_mark_beyond_the_largest_shift_is_not_found(scans: dict[tuple[int, int], Topography]) -> None:
    """Two marks that share too little area have no correlation to report, and no cells that agree."""
    left, right = (scans[0, 0].heights_um.copy() for _ in range(2))
    left[:, 190:] = np.nan
    right[:, :370] = np.nan
    one, other = (prepare(Topography(half, (6.25, 6.25))) for half in (left, right))
    comparison = compare(one, other)
    assert comparison.score < 0.5


@pytest.mark.parametrize("displaced", [(0.0, 600.0), (-420.0, -420.0)])
def test_whole_marks_are_found_however_far_their_centres_lie_apart(
    scans: dict[tuple[int, int], Topography], displaced: tuple[float, float]
) -> None:
    """As if one centre had been found wrongly: by more than the search reaches."""
    one = prepare(scans[0, 0])
    other = pack(clean(rotated(scans[0, 1], 77.0), DEFAULT_PARAMETERS, displaced), DEFAULT_PARAMETERS)
    still = compare(one, prepare(rotated(scans[0, 1], 77.0)))
    assert tells_its_rotation(one, DEFAULT_PARAMETERS)
    found = compare(one, other)
    assert found.score == pytest.approx(still.score, abs=0.05)
    for place in ((900.0, 1500.0), (2300.0, 1200.0)):
        assert np.hypot(*(stated(found, place) - stated(still, place))) < 8.0


def test_a_part_that_passes_for_whole_is_found_where_the_descriptors_are_in_doubt() -> None:
    """Two drawn marks of which one lacks a third: their true rotation is only the third peak of the descriptors'."""
    one, other = (prepare(breech_face.draw(102, shot)) for shot in (1, 2))
    assert tells_its_rotation(one, DEFAULT_PARAMETERS)
    assert tells_its_rotation(other, DEFAULT_PARAMETERS)
    assert compare(one, other).score > 0.6


def test_which_way_a_pair_takes_follows_from_both_marks(scans: dict[tuple[int, int], Topography]) -> None:
    """Waves are searched where either shows a part, or noise: nothing else is asked."""
    heights = scans[0, 1].heights_um.copy()
    heights[:, : heights.shape[1] // 2] = np.nan
    rng = np.random.default_rng(1)
    whole, part = prepare(scans[0, 0]), prepare(replace(scans[0, 1], heights_um=heights))
    drowned = prepare(noisy(scans[0, 1], 4.0 * float(np.nanstd(scans[0, 1].heights_um)), 60.0, rng))
    told = [tells_its_rotation(scan, DEFAULT_PARAMETERS) for scan in (whole, part, drowned)]
    assert told == [True, False, False]
    for other in (part, drowned):
        for pair in ((whole, other), (other, whole)):
            moving, fixed = (ComparisonView(scan, DEFAULT_PARAMETERS).coarse for scan in pair)
            register(moving, fixed, DEFAULT_PARAMETERS)
            assert "code" in vars(moving)
            assert "code" in vars(fixed)
    moving, fixed = (ComparisonView(prepare(scans[0, shot]), DEFAULT_PARAMETERS).coarse for shot in (0, 1))
    register(moving, fixed, DEFAULT_PARAMETERS)
    assert "code" not in vars(moving)


def test_a_registration_does_not_depend_on_what_a_view_was_used_for(prepared: dict[tuple[int, int], Prepared]) -> None:
    scans = sorted(prepared.values(), key=lambda scan: scan.digest)
    kept = ComparisonView(scans[0], DEFAULT_PARAMETERS)
    used = [register_pair(kept, ComparisonView(scan, DEFAULT_PARAMETERS)) for scan in [*scans[1:], *scans[:0:-1]]]
    fresh = [
        register_pair(ComparisonView(scans[0], DEFAULT_PARAMETERS), ComparisonView(s, DEFAULT_PARAMETERS))
        for s in scans[1:]
    ]
    assert used == fresh + fresh[::-1]
    last = ComparisonView(scans[-1], DEFAULT_PARAMETERS)
    assert register_pair(last, kept) == fresh[-1]


def test_a_rough_place_tells_one_firearm_from_two(prepared: dict[tuple[int, int], Prepared]) -> None:
    """Whichever of the two is moved; at full resolution the agreement is much the same."""
    views = {key: ComparisonView(scan, DEFAULT_PARAMETERS) for key, scan in prepared.items()}
    for moving, view in views.items():
        rough = {
            fixed: place_roughly(view.coarse, other.coarse, DEFAULT_PARAMETERS)
            for fixed, other in views.items()
            if fixed != moving
        }
        partner = (moving[0], 1 - moving[1])
        assert max(rough, key=lambda fixed: rough[fixed]) == partner
        assert rough[partner] == pytest.approx(register_pair(view, views[partner]).agreement, rel=0.2)
