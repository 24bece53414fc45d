from __future__ import annotations

import numpy as np
import pytest

from matcher import NotComparable, Parameters, Prepared, Topography, compare, correlate, correlation, prepare
from matcher.comparison import Comparison, View


def test_the_whole_small_gallery_is_ranked_as_compare_scores_it(
    prepared: dict[tuple[int, int], Prepared],
) -> None:
    query, gallery = prepared[1, 0], list(prepared.values())
    ranked = correlate(query, gallery)
    assert sorted(entry.index for entry in ranked) == list(range(6))
    assert [entry.comparison for entry in ranked] == [compare(query, gallery[entry.index]) for entry in ranked]
    scores = [entry.comparison.score for entry in ranked]
    assert scores == sorted(scores, reverse=True)
    # rows 2 and 3 are the query's firearm: itself, then the other shot
    assert [entry.index for entry in ranked[:2]] == [2, 3]
    assert ranked[0].prefilter_score == pytest.approx(1.0, abs=0.01)


def test_only_the_best_of_each_stage_go_on(
    scans: dict[tuple[int, int], Topography], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = Parameters(fine_candidates=3, cell_candidates=2)
    gallery = [prepare(scan, parameters) for scan in scans.values()]
    sift, compare_in_full = correlation.sift, correlation.compare_in_full
    sifted, compared = [], []

    def noting_sift(query: View, reference: View) -> float:
        sifted.append(reference.prepared)
        return sift(query, reference)

    def noting_compare(query: View, reference: View) -> Comparison:
        compared.append(reference.prepared)
        return compare_in_full(query, reference)

    monkeypatch.setattr(correlation, "sift", noting_sift)
    monkeypatch.setattr(correlation, "compare_in_full", noting_compare)
    ranked = correlate(gallery[0], gallery, parameters)
    assert [entry.index for entry in ranked] == [0, 1]
    assert (len(sifted), len(compared)) == (3, 2)


def test_marks_that_show_little_are_searched_for_parts_and_so_are_all_for_a_query_that_does(
    prepared: dict[tuple[int, int], Prepared],
) -> None:
    points = np.array([3199, 3200, 10])

    def searched(query: int, *, thorough: bool = False) -> list[int]:
        return list(correlation.polar_searched(query, points, Parameters(), thorough=thorough))

    # points of 25 by 25 um: 2 mm2 are 3,200 of them
    assert searched(3200) == [0, 2]
    assert searched(3199) == [0, 1, 2]
    assert searched(9000, thorough=True) == [0, 1, 2]
    scan = prepared[0, 0]
    assert scan.mark_points == round(scan.coarse_weights.sum(dtype=float) / 255)


def test_equal_references_are_taken_in_their_order(prepared: dict[tuple[int, int], Prepared]) -> None:
    ranked = correlate(prepared[0, 0], 60 * [prepared[0, 1]])
    assert [entry.index for entry in ranked] == list(range(50))


def test_an_empty_gallery_has_no_candidates(prepared: dict[tuple[int, int], Prepared]) -> None:
    assert correlate(prepared[0, 0], []) == []


def test_a_reference_of_other_parameters_is_not_passed_over_in_silence(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    other = prepare(scans[0, 1], Parameters(max_shift_um=400.0))
    with pytest.raises(NotComparable):
        correlate(prepared[0, 0], [prepared[0, 1], other])
