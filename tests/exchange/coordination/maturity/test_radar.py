"""The radar: dots where the shares lie, none where nobody knows, labels that stay within the drawing."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest

from exchange.coordination.maturity.assessment_paper import HIGH, RADAR_WIDE, RadarSpoke, radar, wrapped

SVG = "{http://www.w3.org/2000/svg}"
LONG = "Правозастосовно-криміналістичне забезпечення міжвідомчої взаємодії"
WIDEST_LETTER = 0.75
"""Of the size of the letters: what a wide Cyrillic letter of the font takes, nearly."""


def drawn(spokes: list[RadarSpoke], before: str | None = "2026H1") -> ET.Element:
    return ET.fromstring(radar(spokes, now="2026H2", before=before))  # noqa: S314 - drawn a line above


@pytest.mark.parametrize("count", [3, 8, 12])
def test_dots_lie_where_the_shares_are(count: int) -> None:
    shares = [number / count for number in range(count)]
    root = drawn([RadarSpoke(f"Area {number}", share, 1 - share) for number, share in enumerate(shares)])
    dots = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in root.findall(f"{SVG}circle")][:count]
    middle, full = (RADAR_WIDE / 2, 193.0), 130.0
    assert [math.dist(dot, middle) / full for dot in dots] == pytest.approx(shares, abs=0.002)
    assert len(root.findall(f"{SVG}rect")) == count + 1, "the legend has one"
    labels = {text.text for text in root.findall(f"{SVG}text")}
    assert {f"Area {number}" for number in range(count)} <= labels
    assert {"2026H1", "2026H2", "25", "50", "75", "100"} <= labels


def test_what_nobody_knows_has_no_dot_and_breaks_the_line() -> None:
    spokes = [RadarSpoke(f"Area {number}", 0.5) for number in range(5)]
    whole, broken = drawn(spokes, None), drawn([*spokes[:4], RadarSpoke("Area 4", None)], None)
    assert len(whole.findall(f"{SVG}circle")) - len(broken.findall(f"{SVG}circle")) == 1
    filled = [shape for shape in broken.findall(f"{SVG}polygon") if shape.get("fill") != "none"]
    assert filled == [], "an area that is not whole is not filled"
    assert [shape for shape in whole.findall(f"{SVG}polygon") if shape.get("fill") != "none"] != []
    lines = [line for line in broken.findall(f"{SVG}line") if line.get("stroke-width") == "2.4"]
    assert len(lines) == 3 + 1, "three of five edges, and the legend's"
    assert not broken.findall(f"{SVG}rect"), "there was no last time"


def test_now_and_last_time_differ_without_colour() -> None:
    text = radar([RadarSpoke(f"Area {number}", 0.5, 0.4) for number in range(4)], now="now", before="then")
    assert text.count("stroke-dasharray") == 4 + 1
    assert "<circle" in text
    assert 'fill="#ffffff"' in text


@pytest.mark.parametrize("count", [3, 8, 12])
@pytest.mark.parametrize("label", [LONG, "Workload and time", "A" * 300, "<b>&</b>"])
def test_labels_stay_within_the_drawing(count: int, label: str) -> None:
    root = drawn([RadarSpoke(label, 1.0, 1.0) for _ in range(count)])
    for text in root.findall(f"{SVG}text"):
        x, y, size = (float(text.get(name, 0)) for name in ("x", "y", "font-size"))
        wide = len(text.text or "") * size * WIDEST_LETTER
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.get("text-anchor", "")]
        assert left >= 0
        assert left + wide <= RADAR_WIDE
        assert size <= y <= HIGH


def test_words_are_wrapped_and_the_longest_are_broken() -> None:
    assert wrapped("Custody of exhibits") == ["Custody of exhibits"]
    lines = wrapped(LONG)
    assert len(lines) == 3
    assert all(len(line) <= 20 for line in lines)
    assert lines[0].endswith("-")
    assert re.sub("[-…]", "", lines[0]) in LONG.replace("-", "")
    assert wrapped("") == [""]


def test_two_spokes_are_no_radar() -> None:
    with pytest.raises(ValueError, match="three spokes"):
        radar([RadarSpoke("One", 1), RadarSpoke("Two", 1)], now="now", before=None)
