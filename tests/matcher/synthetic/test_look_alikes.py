"""Firearms of one tool: different ones, whose faces share what the tool left; and marks that show little."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.numeric.plane import Plane
from matcher.synthetic.look_alikes import DrawnFirearm, MarkCondition, draw_condition, tooled_face

TOOLS = range(100, 112)


def correlation(one: Plane, other: Plane) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("tool", TOOLS)
def test_look_alikes_are_different_firearms_that_share_what_their_tool_left(tool: int) -> None:
    one, other = (tooled_face(DrawnFirearm(tool, own, 0.7)) for own in (1, 2))
    stranger = tooled_face(DrawnFirearm(tool, 3, 0.0))
    assert 0.12 < correlation(one, other) < 0.6, "subclass marks agree, the rest does not"
    assert abs(correlation(one, stranger)) < 0.12, "class characteristics alone share no ridge"


def test_the_same_firearm_is_the_same_face() -> None:
    firearm = DrawnFirearm(5, 6, 0.6)
    assert np.array_equal(tooled_face(firearm), tooled_face(DrawnFirearm(5, 6, 0.6)))
    assert abs(correlation(tooled_face(firearm), tooled_face(DrawnFirearm(7, 6)))) < 0.1


def test_the_same_seeds_draw_the_same_scan() -> None:
    one, again = (draw_condition(DrawnFirearm(5, 6), 9, MarkCondition.HALF) for _ in range(2))
    assert np.array_equal(one.heights_um, again.heights_um, equal_nan=True)
    other = draw_condition(DrawnFirearm(5, 6), 10, MarkCondition.HALF)
    assert not np.array_equal(one.heights_um, other.heights_um, equal_nan=True)


def test_a_half_mark_is_half_of_one() -> None:
    for shot in range(6):
        whole, half = (
            np.isfinite(draw_condition(DrawnFirearm(5, 6), shot, condition).heights_um).sum()
            for condition in (MarkCondition.FULL, MarkCondition.HALF)
        )
        assert 0.35 < half / whole < 0.65


def test_numbers_of_any_size_are_seeds() -> None:
    assert draw_condition(DrawnFirearm(2**63 - 1, 2**63 - 2), 2**63 - 1).heights_um.shape == (560, 560)
