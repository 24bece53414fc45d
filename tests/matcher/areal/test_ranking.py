from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, NotComparable, Parameters, Prepared, Topography, compare, correlate, prepare
from matcher.areal import ranking
from matcher.areal.comparison import ComparisonView, Placement


def test_the_whole_small_gallery_is_ranked_as_compare_scores_it(
    prepared: dict[tuple[int, int], Prepared],
) -> None:
    query, gallery = prepared[1, 0], list(prepared.values())
    ranked = correlate(query, gallery)
    assert sorted(entry.index for entry in ranked) == list(range(6))
    whole = [compare(query, gallery[entry.index]).as_dict() for entry in ranked]
    for entry, comparison in zip(ranked, whole, strict=True):
        assert entry.placement.as_dict().items() <= comparison.items(), "cells apart, it is the comparison"
    scores = [entry.placement.score for entry in ranked]
    assert scores == sorted(scores, reverse=True)
    # rows 2 and 3 are the query's firearm: itself, then the other shot
    assert [entry.index for entry in ranked[:2]] == [2, 3]
    assert ranked[0].prefilter_score == pytest.approx(1.0, abs=0.01)


def test_only_the_best_of_each_stage_go_on(
    scans: dict[tuple[int, int], Topography], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = Parameters(fine_candidates=3, listed_candidates=2)
    gallery = [prepare(scan, parameters) for scan in scans.values()]
    sift, placement_of = ranking.sift, ranking.placement_of
    sifted, placed = [], []

    def noting_sift(query: ComparisonView, reference: ComparisonView) -> float:
        sifted.append(reference)
        return sift(query, reference)

    def noting_place(query: ComparisonView, reference: ComparisonView) -> Placement:
        placed.append(reference)
        return placement_of(query, reference)

    monkeypatch.setattr(ranking, "sift", noting_sift)
    monkeypatch.setattr(ranking, "placement_of", noting_place)
    ranked = correlate(gallery[0], gallery, parameters)
    assert [entry.index for entry in ranked] == [0, 1]
    assert (len(sifted), len(placed)) == (3, 2)


def test_parts_of_marks_are_compared_by_polar_column_with_all(prepared: dict[tuple[int, int], Prepared]) -> None:
    query = prepared[0, 0]
    assert query.mark_points == pytest.approx(query.coarse_weights.sum(dtype=float) / 255, abs=5.0)
    scores, partial = np.array([0.3, 0.1, 0.5, -np.inf]), np.array([False, True, False, False])
    parameters = Parameters(descriptor_candidates=1, fine_candidates=7, fine_candidates_of_parts=9)
    whole = ranking.Plan.of(query, parameters, thorough=False)
    assert (whole.by_polar_column(scores, partial).tolist(), whole.fine_candidates) == ([1, 2], 7)
    assert "shows a whole mark" in whole.why
    of_none = replace(parameters, descriptor_candidates=4)
    assert ranking.Plan.of(query, of_none, thorough=False).by_polar_column(scores, partial).tolist() == [0, 1, 2]
    thorough = ranking.Plan.of(query, parameters, thorough=True)
    assert (thorough.by_polar_column(scores, partial).tolist(), thorough.fine_candidates) == ([0, 1, 2, 3], 9)
    little = replace(parameters, partial_mark_area_mm2=20.0)
    part = ranking.Plan.of(query, little, thorough=False)
    assert part.by_polar_column(scores, partial).tolist() == [0, 1, 2, 3]
    assert "less than 20 mm2" in part.why


def test_half_of_a_large_mark_is_looked_for_as_a_part(scans: dict[tuple[int, int], Topography]) -> None:
    """It shows more than small whole marks do, and is told by where its centre of area lies."""
    whole = scans[0, 0]
    heights = whole.heights_um.copy()
    heights[:, : heights.shape[1] // 2] = np.nan
    half = prepare(replace(whole, heights_um=heights))
    assert half.mark_points * 0.025**2 > DEFAULT_PARAMETERS.partial_mark_area_mm2
    plan = ranking.Plan.of(half, DEFAULT_PARAMETERS, thorough=False)
    assert plan.all_by_polar_column
    assert "one side" in plan.why
    # half of a disc of the mark's radius, wherever the hole of the firing pin lies
    assert 0.35 * 78 < half.off_centre_points < 0.65 * 78
    assert prepare(whole).off_centre_points < 0.2 * 78


def test_equal_references_are_taken_in_their_order(scans: dict[tuple[int, int], Topography]) -> None:
    parameters = Parameters(fine_candidates=12, listed_candidates=8)
    query, reference = (prepare(scans[0, shot], parameters) for shot in range(2))
    ranked = correlate(query, 20 * [reference], parameters)
    assert [entry.index for entry in ranked] == list(range(8))


def test_an_empty_gallery_has_no_candidates(prepared: dict[tuple[int, int], Prepared]) -> None:
    assert correlate(prepared[0, 0], []) == []


def test_a_reference_of_other_parameters_is_not_passed_over_in_silence(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    other = prepare(scans[0, 1], Parameters(max_shift_um=400.0))
    with pytest.raises(NotComparable):
        correlate(prepared[0, 0], [prepared[0, 1], other])


def test_the_best_are_as_many_as_asked_for_in_order_of_score_then_place() -> None:
    scores = np.array([0.2, 0.9, 0.5, 0.9, 0.1])
    for count, expected in ((0, []), (1, [1]), (3, [1, 3, 2]), (9, [1, 3, 2, 0, 4])):
        assert ranking.best(scores, count).tolist() == expected
    assert ranking.best(scores[:0], 3).tolist() == []


def test_one_candidate_alone_may_be_asked_for(scans: dict[tuple[int, int], Topography]) -> None:
    parameters = Parameters(descriptor_candidates=1, fine_candidates=1, listed_candidates=1)
    gallery = [prepare(scan, parameters) for scan in scans.values()]
    assert [entry.index for entry in correlate(gallery[2], gallery, parameters)] == [2]
