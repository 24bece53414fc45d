"""A control chart is well-formed, shows each check where it is, and writes no text of others as markup."""

from __future__ import annotations

import math
from typing import Literal
from xml.etree import ElementTree as ET

import pytest

from matcher.draw.control_chart import CHART_HEIGHT, ChartPoint, ControlPanel, draw_control_chart, draw_control_panel

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script>\"'&"


def mark_of(off: float) -> Literal["passed", "told", "failed"]:
    return "failed" if off > 0.02 else "told" if off > 0.01 else "passed"


def panel(*values: float, title: str = "Heights", label: str = "2026-11-20") -> ControlPanel:
    marks = [
        "failed" if abs(value - 1.0) > 0.02 else "told" if abs(value - 1.0) > 0.01 else "passed" for value in values
    ]
    points = [ChartPoint(value, label, mark) for value, mark in zip(values, marks, strict=True)]  # type: ignore[arg-type]
    return ControlPanel(title, title, 1.0, (0.99, 1.01), (0.98, 1.02), points)


def drawn(*panels: ControlPanel, title: str = "A series") -> ET.Element:
    return ET.fromstring(draw_control_chart(title, panels))  # noqa: S314 - made here


def marks_of(root: ET.Element) -> list[str]:
    return [path.get("class", "") for path in root.iter(f"{SVG}path") if path.find(f"{SVG}title") is not None]


def test_each_check_has_its_mark() -> None:
    assert marks_of(drawn(panel(1.0, 1.015, 0.9))) == ["passed", "told", "failed"]
    lines = [path.get("class") for path in drawn(panel(1.0)).iter(f"{SVG}path")]
    assert (lines.count("action"), lines.count("warning"), lines.count("target")) == (2, 2, 1)


def test_higher_is_higher_and_far_out_stays_on_the_chart() -> None:
    root = drawn(panel(0.97, 0.99, 1.0, 1.01, 50.0, math.nan, math.inf))
    way = next(path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "way")
    places = [tuple(map(float, place.split())) for place in way.removeprefix("M").split("L")]
    xs, ys = zip(*places, strict=True)
    assert list(xs) == sorted(set(xs))
    assert ys[0] >= ys[1] > ys[2] > ys[3] > ys[4]
    assert all(0.0 < y < CHART_HEIGHT for y in ys)


def test_one_sided_figures_and_empty_series_are_drawn() -> None:
    one_sided = ControlPanel("Missing", "Missing", 0.0, (None, 0.1), (None, 0.25), [])
    lines = [path.get("class") for path in drawn(one_sided).iter(f"{SVG}path")]
    assert sorted(filter(None, lines)) == ["action", "target", "warning"]


def test_a_long_series_is_bounded() -> None:
    assert len(marks_of(drawn(panel(*[1.0] * 5000)))) == 200


@pytest.mark.parametrize("where", ["title", "label", "series"])
def test_what_others_wrote_is_text(where: str) -> None:
    root = drawn(
        panel(1.0, **({where: HOSTILE} if where != "series" else {})),  # type: ignore[arg-type]
        title=HOSTILE if where == "series" else "A series",
    )
    assert list(root.iter(f"{SVG}script")) == []
    assert HOSTILE in "".join(root.itertext())


def test_in_a_page_it_brings_no_style_of_its_own() -> None:
    svg = draw_control_panel(panel(1.0))
    assert "style" not in svg
    assert 'role="img" aria-label="Heights"' in svg
