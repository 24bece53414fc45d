"""The compendium of six made-up sides as PDF, and one page for a pair: what stands in them, in which language, and that
the same report gives the same bytes. As pictures, to look at:

    python -m tests.exchange.coordination.law.test_law_paper FOLDER
"""

from __future__ import annotations

import io
import sys
from datetime import date
from pathlib import Path

import pypdf
import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.law_paper import law_data, law_pair_data, render_law, render_law_pair
from exchange.coordination.law.law_report import LawChanges, LawReport, article_changes, concordance, law_matrix
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from exchange.web.report.render_report import set_pages
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction
from tests.exchange.coordination.law.law_world import compendium

DAY = date(2026, 9, 1)
LAWS = tuple(compendium(code) for code in ("RS", "AL", "BA", "ME", "MK", "XK"))
REPORT = LawReport(
    at="2026-09-01T10:00:00.000Z",
    here=Jurisdiction.RS,
    node_id="ffp-rs",
    laws=LAWS,
    matrix=law_matrix(LAWS, DAY),
    concordance=concordance(LAWS, DAY),
    half=Half(2026, 2),
    changes=tuple(LawChanges(law, True, None, article_changes((), law.articles)) for law in LAWS),
)
PAIR = REPORT.pair(Jurisdiction.RS, Jurisdiction.MK)


def _pages(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_the_compendium_says_what_each_side_entered() -> None:
    pages = _pages(render_law(REPORT))
    text = " ".join(pages)
    assert all(KOSOVO_FOOTNOTE in page for page in pages)
    for article in (article for law in LAWS for article in law.articles):
        assert article.article_id in text
    assert "not entered" in text
    assert "Измишљен текст, само за пробу." in text
    assert "No English text is entered." in text
    assert "Titles and numbers of provisions are unverified" in text
    assert "What changed in the half-year 2026H2" in text


def test_a_pair_is_one_page_with_both_ways() -> None:
    (page,) = _pages(render_law_pair(PAIR, REPORT))
    for said in (
        "From Serbia to North Macedonia",
        "From North Macedonia to Serbia",
        "Serbia gives to North Macedonia: differs by kind of exhibit",
        "What is missing on the side of Serbia",
        "The law here is stricter than the law of the other side. Direction: To give.",
    ):
        assert said in page


@pytest.mark.parametrize("language", ["en", "mk"])
def test_the_same_report_gives_the_same_bytes(language: str) -> None:
    with speaking(Spoken(language)):
        assert render_law_pair(PAIR, REPORT) == render_law_pair(PAIR, REPORT)


def main(folder: Path) -> None:
    for name, data in (("law", law_data(REPORT)), ("pair", law_pair_data(PAIR, REPORT))):
        drawn = set_pages(data, {}, format="png", ppi=100)
        for number, page in enumerate([drawn] if isinstance(drawn, bytes) else drawn, 1):
            (folder / f"{name}-{number}.png").write_bytes(bytes(page))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
