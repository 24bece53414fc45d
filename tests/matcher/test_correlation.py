from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from matcher import DESCRIPTOR_SHAPE, NotComparable, Parameters, Prepared, Topography, compare, correlate, prepare


def descriptors(prepared: dict[tuple[int, int], Prepared]) -> np.ndarray:
    return np.stack([scan.descriptor for scan in prepared.values()])


def test_the_whole_small_gallery_is_ranked_as_compare_scores_it(
    prepared: dict[tuple[int, int], Prepared], load: Callable[[int], Prepared]
) -> None:
    query = prepared[1, 0]
    ranked = correlate(query, descriptors(prepared), load)
    assert sorted(entry.index for entry in ranked) == list(range(6))
    assert [entry.comparison for entry in ranked] == [compare(query, load(entry.index)) for entry in ranked]
    scores = [entry.comparison.score for entry in ranked]
    assert scores == sorted(scores, reverse=True)
    # rows 2 and 3 are the query's firearm: itself, then the other shot
    assert [entry.index for entry in ranked[:2]] == [2, 3]
    assert ranked[0].prefilter_score == pytest.approx(1.0, abs=0.01)


def test_only_the_best_of_each_stage_go_on(
    scans: dict[tuple[int, int], Topography],
) -> None:
    parameters = Parameters(fine_candidates=3, cell_candidates=2)
    gallery = [prepare(scan, parameters) for scan in scans.values()]
    asked: list[int] = []

    def load(row: int) -> Prepared:
        asked.append(row)
        return gallery[row]

    ranked = correlate(gallery[0], np.stack([scan.descriptor for scan in gallery]), load, parameters)
    assert [entry.index for entry in ranked] == [0, 1]
    assert len(set(asked)) == 3
    assert len(asked) == 5


def test_equal_references_are_taken_in_their_order(prepared: dict[tuple[int, int], Prepared]) -> None:
    parameters = Parameters()
    copies = np.repeat(prepared[0, 1].descriptor[None], 60, axis=0)
    ranked = correlate(prepared[0, 0], copies, lambda row: prepared[0, 1], parameters)
    assert [entry.index for entry in ranked] == list(range(50))


def test_an_empty_gallery_has_no_candidates(prepared: dict[tuple[int, int], Prepared]) -> None:
    def load(row: int) -> Prepared:
        raise AssertionError(row)

    assert correlate(prepared[0, 0], np.empty((0, *DESCRIPTOR_SHAPE), np.int8), load) == []


def test_a_reference_of_other_parameters_is_not_passed_over_in_silence(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    other = prepare(scans[0, 1], Parameters(max_shift_um=400.0))
    with pytest.raises(NotComparable):
        correlate(prepared[0, 0], descriptors(prepared), lambda row: other)
