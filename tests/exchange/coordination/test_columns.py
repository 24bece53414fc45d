"""A column of a paper holds its longest word, whatever its share: in some languages a word is twice as long."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from pypdf import PdfReader

from exchange.web.report.blocks import shared_columns
from exchange.web.report.render_report import paper_data, set_pdf

LONG = "Правопорушникиідентифікація"


def places(head: list[str], shares: tuple[float, ...]) -> dict[str, float]:
    """Where each heading begins, in points from the left."""
    table = shared_columns(head, [["a", "1", "b"]], shares)
    found: dict[str, float] = {}

    def note(said: str, place: list[float], within: list[float], *_rest: Any) -> None:
        if said.strip() in head:
            found[said.strip()] = place[4] + within[4]

    PdfReader(io.BytesIO(set_pdf(paper_data("T", "S", "ffp", date(2026, 12, 1), [table])))).pages[0].extract_text(
        visitor_text=note
    )
    return found


def test_a_long_word_takes_what_it_needs_and_the_others_share_the_rest() -> None:
    at = places(["First", LONG, "Last"], (5, 0.2, 5))
    assert at["Last"] - at[LONG] > 110, "as wide as the word"
    rest = 178 / 25.4 * 72 - (at["Last"] - at[LONG])
    assert abs((at[LONG] - at["First"]) - rest / 2) < 12


def test_where_each_word_fits_the_shares_stay_as_they_are() -> None:
    at = places(["First", "Second", "Last"], (2, 1, 1))
    whole = 174 / 25.4 * 72
    assert abs((at["Second"] - at["First"]) - whole / 2) < 1
    assert abs((at["Last"] - at["Second"]) - whole / 4) < 1
