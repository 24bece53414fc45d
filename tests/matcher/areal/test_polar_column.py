from __future__ import annotations

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, Prepared, Topography, prepare
from matcher.areal.comparison import ComparisonView
from matcher.areal.polar_column import MARK_BYTES, POLAR_BYTES, PolarQuery, inverted_row
from matcher.areal.ranking import polar_query
from matcher.evaluate.conditions import rotated
from matcher.synthetic.marks import Mixtures


@pytest.fixture(scope="module")
def query(prepared: dict[tuple[int, int], Prepared]) -> PolarQuery:
    return polar_query(ComparisonView(prepared[0, 0], DEFAULT_PARAMETERS))


@pytest.fixture(scope="module")
def drawn(prepared: dict[tuple[int, int], Prepared]) -> np.ndarray:
    """Rows of marks of other firearms."""
    return Mixtures.drawn([prepared[1, 0], prepared[2, 0]], 200, 0).polar_rows()


def half(scan: Topography) -> Topography:
    heights = scan.heights_um.copy()
    heights[:, : heights.shape[1] // 2] = np.nan
    return Topography(heights, scan.spacing_um)


def test_a_row_fits_its_budget(prepared: dict[tuple[int, int], Prepared]) -> None:
    row = prepared[0, 0].polar
    assert (row.shape, row.dtype) == ((POLAR_BYTES,), np.int8)
    assert POLAR_BYTES <= 4500


def test_an_agreement_is_the_same_whatever_else_is_asked_for(query: PolarQuery, drawn: np.ndarray) -> None:
    agreements = query.agreements(drawn)
    rng = np.random.default_rng(5)
    for size in (1, 15, 16, 17, 199):
        rows = rng.permutation(len(drawn))[:size]
        np.testing.assert_array_equal(query.agreements(drawn[rows]), agreements[rows])
    assert query.agreements(drawn[:0]).shape == (0,)


@pytest.mark.parametrize("degrees", [0.0, 77.0, 201.0])
def test_a_turned_half_of_another_shot_stands_before_all_others(
    scans: dict[tuple[int, int], Topography], query: PolarQuery, drawn: np.ndarray, degrees: float
) -> None:
    part = prepare(rotated(half(scans[0, 1]), degrees)).polar
    assert query.agreements(part[None])[0] > 1.2 * query.agreements(drawn).max()


def test_a_mark_whose_bumps_are_dents_is_another(prepared: dict[tuple[int, int], Prepared], query: PolarQuery) -> None:
    row = prepared[0, 1].polar
    inverted = inverted_row(row)
    np.testing.assert_array_equal(inverted[MARK_BYTES:], row[MARK_BYTES:])
    upright, dented = query.agreements(np.stack([row, inverted]))
    assert dented < 0.7 * upright
