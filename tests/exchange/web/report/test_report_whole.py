"""A report that holds all that it can: who answers for it, exhibits, firearm, views, limits, references, signatures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image
from pypdf import PdfReader

from exchange.flows.node.likelihood_ratio import ScoreRatio
from exchange.flows.report.pair_report import PairReport, ReportedStatement, in_order_of_answers
from exchange.web.languages import Spoken
from exchange.web.languages.catalogue import translations
from exchange.web.languages.spoken import speaking
from exchange.web.report import render_report
from exchange.web.report.render_report import draw_pages
from tests.exchange.web.report.reports import drawn, full_report, statement

INCONCLUSIVE_A = (
    "inconclusive (a): all discernible class characteristics agree, and some individual ones: not enough for an "
    "identification"
)


@pytest.fixture(scope="module")
def report() -> PairReport:
    return full_report()


@pytest.fixture(scope="module")
def pages(report: PairReport) -> Iterator[list[str]]:
    with speaking(Spoken("en")):
        yield pages_of(render_report(report))


def pages_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_the_first_page_names_laboratory_item_and_firearm(pages: list[str]) -> None:
    for said in (
        "National Forensic Centre, Department of Ballistics",
        "not stated here",
        "RS-2026-0001, incident 2, item K-2/1",
        "MK-2026-0009, incident MK-2026-9/2, item 3",
        "other: 9x20 mm experimental",
        "F-2026-0007: pistol, Zastava CZ 99, 9 mm Luger, converted: yes",
    ):
        assert said in pages[0]
    assert "Technical annex" in pages[1]


def test_the_annex_names_laboratories_exhibits_and_checks(pages: list[str]) -> None:
    text = " ".join(pages[1:])
    for said in (
        "01-234, ISO/IEC 17025:2017",
        "no statement between nodes has them",
        "Item number K-2/1",
        "Seal RS 004711",
        "Incident MK-2026-9/2",
        "Firearm that fired it F-2026-0007",
        "checked on 2026-11-20 against SRM 2461-17, passed with a warning",
        "authorised for cartridge cases (entered on 2026-01-15)",
    ):
        assert said in text
    assert "serial" not in text.lower()


def test_a_signer_of_the_other_side_has_no_authorisation_of_ours(report: PairReport) -> None:
    """Pseudonyms are a node's own: the same one elsewhere is another person."""
    said = ReportedStatement(
        *("e" * 64, "conclusion", 5, "2026-11-25T10:00:00.000Z"), statement("conclusion", issuer="ffp-mk"), False
    )
    sides = tuple(replace(side, issuer="ffp-mk", record=report.sides[1].record) for side in report.sides)
    text = " ".join(pages_of(render_report(replace(report, said=(said,), sides=(sides[0], sides[1])))))
    assert "authorised for cartridge cases" not in text


def test_on_the_screen_nobody_identifies(pages: list[str]) -> None:
    text = " ".join(pages)
    assert text.count("Conclusion possible association") == 2
    assert text.count("Conclusion identification") == 1, "the verification on the exhibits"
    assert INCONCLUSIVE_A in text


def test_views_are_printed_as_they_were_saved(report: PairReport) -> None:
    pdf = render_report(report)
    text = " ".join(pages_of(pdf))
    for said in (
        "Agreement at three o'clock, 1",
        "Saved by examiner-7, 2026-11-27 12:00 UTC.",
        "3 older ones are left out",
        "Split, divided at 0.50 of the width",
        "the second scan",
        "1,500 µm across, the middle at 120 / −40, turned by 12.5°",
        "moved by 31 / −7, turned by 353.6° (laid by hand)",
        "from 315°, 35° high, slopes × 4.0, contrast 1.2",
        "500.0 µm, from 0 / 0 to 300 / 400",
        "1. Agreement 210 / 15 40 two parallel lines",
        "2. Disagreement −310 / 215 a point –",
    ):
        assert said in text
    saved = {hashlib.sha256(pixels(view.picture)).hexdigest() for view in report.views}
    printed = [image.data for page in PdfReader(io.BytesIO(pdf)).pages for image in page.images]
    assert saved <= {hashlib.sha256(pixels(picture)).hexdigest() for picture in printed}


def pixels(picture: bytes) -> bytes:
    with Image.open(io.BytesIO(picture)) as image:
        return image.convert("L").tobytes()


def test_the_limits_are_told(report: PairReport, pages: list[str]) -> None:
    text = " ".join(pages[1:])
    assert "H1: not for use in judicial proceedings without the owner's permission; graded A1" in text
    assert "kept: the pair is of the kind that the model was made from" in text
    assert "On the screen an examiner holds a possible association at most." in text
    without = replace(report, worth=ScoreRatio(no_validated_lr="This node has no calibration model."))
    assert "no likelihood ratio holds: This node has no calibration model." in " ".join(
        pages_of(render_report(without))
    )


def test_references_of_other_channels_stand_with_the_statement_that_names_them(pages: list[str]) -> None:
    text = " ".join(pages[1:])
    assert "SIENA-0001 (SIENA (Europol))" in text
    assert "12/2026 (channel not stated)" in text
    assert "1" * 64 in text


def test_all_signatures_stand_in_one_table_with_their_times(pages: list[str]) -> None:
    text = " ".join(pages[1:])
    table = text[text.index("Who signed what, and when") : text.index("What was stated of this pair")]
    for said in (
        "ffp-mk",
        "examiner-7, examiner",
        "investigator-7, investigator",
        "2026-11-25 08:59 UTC",
        "not stated",
    ):
        assert said in table


def test_steps_of_custody_name_day_place_and_seal(pages: list[str]) -> None:
    text = " ".join(pages[1:])
    assert "Step received Day 2026-12-03 Place Skopje" in text
    assert "Seal B 004711 Seal whole yes" in text


def test_what_answers_stands_behind_what_it_answers() -> None:
    asked, agreed = (f"{digit}" * 64 for digit in "12")
    late = "2026-12-09T10:00:00.000Z"
    said = tuple(
        ReportedStatement(name, "physical-comparison", 1, late, statement("physical-comparison", **changes), False)
        for name, changes in (
            ("3" * 64, {"step": "declined", "answers": agreed}),
            (agreed, {"answers": asked}),
            ("4" * 64, {"answers": "9" * 64}),
            (asked, {"step": "asked"}),
        )
    )
    assert [item.statement_id[0] for item in in_order_of_answers(said)] == ["1", "2", "3", "4"]


def test_a_high_picture_stays_within_its_page() -> None:
    with speaking(Spoken("en")):
        plain = full_report(views=(), said=())
        high = replace(plain, picture=drawn(100, 4000))
        assert len(draw_pages(high, 20.0)) - len(draw_pages(plain, 20.0)) <= 1


@pytest.mark.parametrize("language", ["sr-Cyrl", "uk", "sq"])
@pytest.mark.slow
def test_the_first_page_is_one_page_in_long_languages(report: PairReport, language: str) -> None:
    with speaking(Spoken(language)):
        told = pages_of(render_report(replace(report, stage="lead")))
    assert translations(language).gettext("Technical annex") in told[1]
