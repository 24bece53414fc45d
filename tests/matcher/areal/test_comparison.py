from __future__ import annotations

import json

import pytest

from matcher import DEFAULT_PARAMETERS, MATCHER_VERSION, Prepared, compare
from matcher.areal.comparison import score_of


def test_one_firearm_scores_above_two(prepared: dict[tuple[int, int], Prepared]) -> None:
    same = [compare(prepared[firearm, 0], prepared[firearm, 1]).score for firearm in range(3)]
    different = [
        compare(prepared[one], prepared[other]).score for one in prepared for other in prepared if one[0] < other[0]
    ]
    assert min(same) > max(different)


def test_the_score_follows_the_agreement(prepared: dict[tuple[int, int], Prepared]) -> None:
    comparison = compare(prepared[0, 0], prepared[0, 1])
    assert comparison.score == score_of(comparison.agreement, DEFAULT_PARAMETERS)
    half = DEFAULT_PARAMETERS.half_score_agreement
    assert [score_of(agreement, DEFAULT_PARAMETERS) for agreement in (-1.0, 0.0, half)] == [0.0, 0.0, 0.5]
    assert comparison.n_cells == len(comparison.cells)
    assert comparison.parameters_digest == DEFAULT_PARAMETERS.digest
    assert comparison.matcher_version == MATCHER_VERSION


def test_a_scan_agrees_with_itself(prepared: dict[tuple[int, int], Prepared]) -> None:
    comparison = compare(prepared[0, 0], prepared[0, 0])
    assert comparison.g25 == pytest.approx(1.0, abs=0.01)
    assert comparison.n_congruent == comparison.n_cells > 10
    assert comparison.overlap == pytest.approx(1.0, abs=0.05)
    assert min(comparison.rotation_deg, 360.0 - comparison.rotation_deg) < 0.1


def test_congruent_cells_meet_the_parameters(prepared: dict[tuple[int, int], Prepared]) -> None:
    comparison = compare(prepared[1, 0], prepared[1, 1])
    labels = [cell.label for cell in comparison.cells]
    assert len(set(labels)) == len(labels)
    for cell in comparison.cells:
        assert 0.0 <= cell.correlation <= 1.0
        assert max(map(abs, cell.displacement_um)) <= 2.0**0.5 * DEFAULT_PARAMETERS.cell_search_um + 1e-6
        if cell.congruent:
            assert cell.correlation > DEFAULT_PARAMETERS.min_cell_correlation


def test_json_holds_everything_in_plain_values(prepared: dict[tuple[int, int], Prepared]) -> None:
    comparison = compare(prepared[0, 0], prepared[0, 1])
    plain = json.loads(comparison.to_json())
    assert plain["score"] == comparison.score
    assert plain["shift_um"] == list(comparison.shift_um)
    assert plain["n_congruent"] == comparison.n_congruent
    assert plain["cells"][0]["label"] == comparison.cells[0].label
    assert set(plain["cells"][0]) == {
        "label",
        "centre_a_um",
        "centre_b_um",
        "displacement_um",
        "correlation",
        "congruent",
    }
