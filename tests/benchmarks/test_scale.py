"""The model of docs/scale.md against what was measured, and the page against the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.scale import BENCHMARKS, POINTS, Point, page

WITHIN = 0.3


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.stage)
def test_the_model_is_near_what_was_measured(point: Point) -> None:
    measured = point.measured_s(BENCHMARKS.read_text(encoding="utf-8"))
    assert point.model_s == pytest.approx(measured, rel=WITHIN)


def test_the_page_is_what_the_model_says() -> None:
    assert Path("docs/scale.md").read_text(encoding="utf-8") == page()
