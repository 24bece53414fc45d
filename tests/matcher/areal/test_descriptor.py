from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import DEFAULT_PARAMETERS, DESCRIPTOR_SHAPE, Prepared, Topography, prefilter, prepare
from matcher.areal.descriptor import (
    FIRST_HARMONICS,
    HARMONICS,
    RINGS,
    SCALE,
    directedness,
    polar_magnitude,
    rotation_curve,
)
from matcher.evaluate.conditions import rotated
from matcher.mark.clean import WorkingCopy


def curve_by_transform(moving: NDArray[np.int8], fixed: NDArray[np.int8], turns: int) -> NDArray[np.complexfloating]:
    """The correlation of two descriptors as the moving scan is turned onto the fixed one, over 180 degrees."""
    products = np.zeros(turns, complex)
    one, other = (descriptor.astype(float).view(complex) for descriptor in (moving, fixed))
    products[1 : HARMONICS + 1] = (one * other.conj()).sum(axis=1) / SCALE**2
    return (np.fft.fft(products)).real


def test_a_descriptor_fits_its_budget(prepared: dict[tuple[int, int], Prepared]) -> None:
    descriptor = prepared[0, 0].descriptor
    assert descriptor.shape == DESCRIPTOR_SHAPE
    assert descriptor.dtype == np.int8
    assert descriptor.nbytes <= 4500


@pytest.mark.parametrize("degrees", [0.0, 17.0, 95.5, 201.0])
def test_it_tells_the_rotation_up_to_a_half_turn(scans: dict[tuple[int, int], Topography], degrees: float) -> None:
    query = prepare(scans[0, 0]).descriptor
    turned = prepare(rotated(scans[0, 0], degrees)).descriptor
    assert prefilter(query[None], turned[None])[0, 0] > 0.8
    rotation = curve_by_transform(query, turned, 360).argmax() / 2.0
    assert abs((rotation - degrees + 90.0) % 180.0 - 90.0) < 1.0


@pytest.mark.parametrize("harmonics", [FIRST_HARMONICS, HARMONICS])
def test_another_shot_of_the_firearm_is_ranked_before_all_others(
    prepared: dict[tuple[int, int], Prepared], harmonics: int
) -> None:
    descriptors = np.stack([scan.descriptor for scan in prepared.values()])
    scores = prefilter(descriptors, descriptors[:, :harmonics])
    for place, row in enumerate(scores):
        assert list(np.argsort(-row)[:2]) == [place, place + 1 - 2 * (place % 2)]
        if harmonics == HARMONICS:
            assert row[place] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("harmonics", [FIRST_HARMONICS, HARMONICS])
def test_scores_depend_neither_on_the_block_nor_on_the_queries_beside(harmonics: int) -> None:
    rng = np.random.default_rng(3)
    gallery = rng.integers(-127, 128, (517, harmonics, 2 * RINGS), dtype=np.int8)
    queries = rng.integers(-127, 128, (5, *DESCRIPTOR_SHAPE), dtype=np.int8)
    scores = prefilter(queries, gallery)
    assert scores.shape == (5, 517)
    for size in (1, 2, 127, 128, 129, 516):
        rows, asked = rng.permutation(517)[:size], rng.permutation(5)[: rng.integers(1, 6)]
        np.testing.assert_array_equal(prefilter(queries[asked], gallery[rows]), scores[np.ix_(asked, rows)])
    assert prefilter(queries, gallery[:0]).shape == (5, 0)


def test_scores_are_those_of_the_curve(prepared: dict[tuple[int, int], Prepared]) -> None:
    one, *others = (scan.descriptor for scan in prepared.values())
    scores = prefilter(one[None], np.stack(others))[0]
    np.testing.assert_allclose(scores, [curve_by_transform(one, other, 128).max() for other in others], atol=1e-3)


@pytest.mark.parametrize("degrees", [12.0, 140.25])
def test_the_curve_of_two_scans_has_its_peak_at_their_rotation(
    scans: dict[tuple[int, int], Topography], degrees: float
) -> None:
    one, other = (prepare(scan).descriptor for scan in (scans[0, 0], rotated(scans[0, 0], degrees)))
    curve = rotation_curve(one, other, 240)
    assert curve.argmax() * 0.75 == pytest.approx(degrees, abs=0.75)
    np.testing.assert_allclose(curve / curve.max(), (by := curve_by_transform(one, other, 240)) / by.max(), atol=5e-3)


def test_striae_are_directed_and_noise_is_not() -> None:
    """Turned or not; and the more noise lies on them, the less they are."""
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:160, :160] - 79.5
    weights = (np.hypot(rows, columns) <= 68).astype(np.float32)
    noise = rng.standard_normal((160, 160)).astype(np.float32)

    def of(degrees: float, share: float) -> float:
        across = rows * np.cos(np.deg2rad(degrees)) + columns * np.sin(np.deg2rad(degrees))
        striae = np.interp(across, np.arange(-120, 121), rng.standard_normal(241)).astype(np.float32)
        heights = striae / striae.std() + np.float32(share) * noise
        return directedness(polar_magnitude(WorkingCopy(np.asarray(heights, np.float32), weights)))

    clean, turned = of(0.0, 0.0), of(33.0, 0.0)
    assert min(clean, turned) > 1.0
    assert turned == pytest.approx(clean, rel=0.25)
    assert clean > of(0.0, 3.0) > of(0.0, 30.0)
    assert of(0.0, 30.0) < DEFAULT_PARAMETERS.least_directedness


def test_sums_stay_exact_for_the_descriptors_with_the_greatest_products() -> None:
    """All of the energy in one harmonic, or spread evenly: of a scan and itself the products are as large as can be."""
    for harmonics in (1, 2, HARMONICS):
        row = np.zeros((HARMONICS, RINGS), complex)
        row[:harmonics] = 1.0 + 1.0j
        scaled = np.clip(np.rint((row / np.linalg.norm(row) * SCALE).view(float)), -127, 127).astype(np.int8)
        places = np.stack([scaled] * 128)
        scores = prefilter(scaled[None], places)[0]
        assert len(set(scores.tolist())) == 1
        assert scores[0] == pytest.approx(curve_by_transform(scaled, scaled, 128).max(), rel=1e-3)
