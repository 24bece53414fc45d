"""Charts: a range is drawn as a range, what is not published as such, and words are no markup."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from exchange.web.report.charts import Bar, Chart, Span, bars, in_lines, shade_of, spans, squares, standing_bars
from tests.exchange.web.report.charts import marks_of, texts_of

FOUND = (Bar("A", "10", 10, 10), Bar("B", "2–4", 2, 4), Bar("C", "held back", None, None))
HOSTILE = "<script>&\"'"


def test_lying_bars() -> None:
    drawn = bars("Title", ["Group", *FOUND])
    found = [(mark["class"], mark["x"], mark["width"]) for mark in marks_of(drawn)]
    assert found == [("sure", "0.00%", "68.00%"), ("may", "13.60%", "13.60%"), ("sure", "0.00%", "13.60%")]
    assert texts_of(drawn, "head") == ["Group"]
    assert texts_of(drawn, "said") == ["10", "2–4", "held back"]
    assert len(marks_of(drawn, "line")) == len(FOUND), "a dotted line behind each"


def test_columns_and_their_baseline() -> None:
    drawn = standing_bars("Title", [("Panel", FOUND)], across=1, baseline=True)
    assert [mark["class"] for mark in marks_of(drawn)] == ["sure", "may", "sure", "none"]
    assert texts_of(drawn, "value") == ["10", "2–4"], "what is not published stands in the table"
    assert [mark["class"] for mark in marks_of(drawn, "line")] == ["ground", "baseline"]
    ranged = standing_bars("Title", [("Panel", FOUND[1:])], baseline=True)
    assert [mark["class"] for mark in marks_of(ranged, "line")].count("baseline") == 2


def test_squares_and_spans() -> None:
    drawn = squares("Title", ["Row"], ["One", "Other"], {(0, 1): ("5", 5)})
    assert [mark["class"] for mark in marks_of(drawn)] == ["shade-5"]
    assert [shade_of(low, low, 50) for low in (50, 10, 0, None)] == [5, 1, 0, 0]
    drawn = spans("Title", [Span("Stage", "24 h", 0.25, 0.5), Span("Other", "no data", None, None)], [("1 day", 0.3)])
    assert [(mark["class"], mark["width"]) for mark in marks_of(drawn)] == [("most", "50.00%"), ("sure", "25.00%")]


@pytest.mark.parametrize(
    "drawn",
    [
        bars(HOSTILE, [HOSTILE, Bar(HOSTILE, HOSTILE, 1, 2)]),
        standing_bars(HOSTILE, [(HOSTILE, [Bar(HOSTILE, HOSTILE, 1, 2, below=HOSTILE)])]),
        squares(HOSTILE, [HOSTILE], [HOSTILE], {(0, 0): (HOSTILE, 1)}),
        spans(HOSTILE, [Span(HOSTILE, HOSTILE, 0.1, 0.2)], [(HOSTILE, 0.5)]),
        bars("", []),
        standing_bars("", [("", [])]),
    ],
)
def test_words_are_no_markup(drawn: Chart) -> None:
    for written in (drawn.__html__(), drawn.file([HOSTILE]).decode()):
        assert "<script" not in written
        assert ElementTree.fromstring(written).get("aria-label") == drawn.title  # noqa: S314 - our own


def test_names_go_on_in_a_second_line() -> None:
    assert in_lines("Bosnia and Herzegovina and North Macedonia") == ["Bosnia and Herzegovina and", "North Macedonia"]
    assert in_lines("Verschlusssachenanweisungsverordnung", 10) == ["Verschlusssachenanweisungsverordnung"]
