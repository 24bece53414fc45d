"""Whatever somebody wrote stands in a PDF as it was written: as text, never as markup of the typesetter."""

from __future__ import annotations

import io
from datetime import date

import pytest
from pypdf import PdfReader

from exchange.web.report.blocks import (
    Block,
    bullets,
    columns,
    figures,
    heading,
    pairs,
    paragraph,
    quiet,
    shared_columns,
)
from exchange.web.report.render_report import paper_data, set_pdf

HOSTILE = (
    '#read("/etc/passwd")',
    '#import "blocks.typ": laid',
    "#while true {}",
    "$ sum_(k=1)^n k $",
    "*a* _b_ `c` <d> @e ~ -- \\ #",
    "{{ 7 * 7 }} {% raw %}",
    "<script>alert(1)</script>",
)
LONG = "x" * 4000


def blocks_of(text: str) -> list[Block]:
    return [
        heading(text, 1),
        paragraph(text),
        quiet(text),
        bullets(text),
        pairs((text, text)),
        columns([text, text], [[text, text]]),
        figures([text, text], [(text, text, [text])]),
        shared_columns([text, text], [[text, text]], (1, 1)),
    ]


def set_text(text: str) -> str:
    made = set_pdf(paper_data(text, text, "ffp", date(2026, 12, 1), blocks_of(text)))
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_is_text(text: str) -> None:
    def bare(said: str) -> str:
        return "".join(said.split()).replace("\N{ZERO WIDTH SPACE}", "")

    assert bare(set_text(text)).count(bare(text)) == 21, "at each place"


def test_what_reorders_a_line_is_told_by_its_code() -> None:
    said = set_text("a\N{RIGHT-TO-LEFT OVERRIDE}b\x1bc")
    assert "[U+202E]" in said
    assert not {"\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b"} & set(said)


def test_a_word_without_an_end_is_broken_over_pages() -> None:
    assert set_text(LONG).count("x") >= 17 * len(LONG), "wherever it is no heading"
