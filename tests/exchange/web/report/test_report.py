"""A report on a pair: what it says in which state, that it is PDF/A, the same each time, and no template of others."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from exchange.flows.hits.vocabulary import Stage
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.node.likelihood_ratio import ScoreRatio
from exchange.flows.node.validated_scores import why_not_validated
from exchange.flows.report.pair_report import PairReport, ReportedStatement, ReportSide, stage_of
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.catalogue import translations
from exchange.web.languages.spoken import speaking
from exchange.web.report import render_report
from exchange.web.report.blocks import COVERED, printable
from exchange.web.report.plain import IS, MEANS, NEXT
from exchange.web.report.render_report import draw_first_page
from schemas import parse_statement
from schemas.record import Record
from schemas.vocabulary import AfteConclusion, ScreenConclusion
from tests.schemas.examples import exhibit_fields, record_fields
from tests.schemas.results import SCREEN
from tests.schemas.statement_examples import statement_fields

HOSTILE = '#include "/etc/passwd" *bold* $x$ <a> @b \\ {{7*7}} #eval("1+1") <script>'


def statement(kind: str, **changes: Any) -> Any:
    return parse_statement(json.dumps({**statement_fields()[kind], **changes}).encode())


def record(**exhibit: Any) -> Record:
    found = parse_statement(json.dumps(record_fields(exhibit=exhibit_fields(**exhibit))).encode())
    assert isinstance(found, Record)
    return found


@pytest.fixture(scope="module")
def report() -> PairReport:
    sides = tuple(
        ReportSide(digit * 64, issuer, place, "2026-11-25T09:00:02.114Z", record(), record().acquisitions[0], None)
        for digit, issuer, place in (("a", "ffp-rs", 17), ("b", "ffp-mk", 4))
    )
    drawn = io.BytesIO()
    Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (64, 1))).save(drawn, "PNG")
    return PairReport(
        node_id="ffp-rs",
        candidate_id=12,
        roi="breech_face",
        score=0.4321,
        not_validated=None,
        congruent_cells=9,
        cells=12,
        comparison={
            "matcher_version": "1.2.0",
            "rotation_deg": 353.6,
            "overlap": 0.83,
            "cells": [{"label": f"A{n}", "correlation": n / 12, "congruent": n > 3} for n in range(1, 13)],
        },
        parameters="c" * 64,
        worth=ScoreRatio(no_validated_lr="This node has no calibration model."),
        sides=(sides[0], sides[1]),
        said=(),
        stage="candidate",
        dated="2026-11-25T10:11:12.000Z",
        picture=drawn.getvalue(),
    )


@pytest.fixture(params=["en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with speaking(Spoken(request.param)):
        yield request.param


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.mark.usefixtures("language")
def test_the_first_page_is_for_people(report: PairReport) -> None:
    pages = PdfReader(io.BytesIO(render_report(report))).pages
    first = " ".join(pages[0].extract_text().split())
    headings = ("What this is", "What it means", "What it does not mean", "The next step")
    for said in (*headings, "State of this pair: candidate"):
        assert said in first
    assert "It identifies nothing and is no probability" in first
    assert "article 11" in first
    assert "Technical annex" not in first
    assert "Technical annex" in pages[1].extract_text()
    assert all("identifies nothing" in page.extract_text() for page in pages)


@pytest.mark.usefixtures("language")
def test_a_key_in_wrong_hands_is_told_on_the_first_page_and_in_the_annex(report: PairReport) -> None:
    doubted = Suspicion("ffp-mk", "e" * 64, "2026-11-26T10:00:00.000Z", 3, believed=False)
    mine, theirs = report.sides
    pages = PdfReader(io.BytesIO(render_report(replace(report, sides=(mine, replace(theirs, doubted=doubted)))))).pages
    first, annex = (" ".join(" ".join(page.extract_text() for page in part).split()) for part in (pages[:1], pages[1:]))
    for text in (first, annex):
        assert "Not believed: the key that signed this is under suspicion since 2026-11-26 10:00 UTC" in text
    assert "under suspicion" not in text_of(render_report(report))


@pytest.mark.usefixtures("language")
def test_the_annex_names_what_the_score_rests_on(report: PairReport) -> None:
    text = text_of(render_report(report))
    digests = ("a" * 64, "b" * 64, "c" * 64)
    for said in (*digests, "0.432", "9 of 12", "−6.4°", "1.2.0", "17 in the log of ffp-rs", "ffp verify"):
        assert said in text
    assert "no validated LR: This node has no calibration model." in text
    assert "One firearm fired both cartridge cases." in text
    assert "Two firearms fired them." in text


@pytest.mark.usefixtures("language")
def test_a_score_that_is_not_validated_says_so_on_the_first_page_and_in_the_annex(report: PairReport) -> None:
    said = why_not_validated("firing_pin_impression", None, None)
    assert said is not None
    pin = PdfReader(io.BytesIO(render_report(replace(report, not_validated=said)))).pages
    first, annex = (" ".join(" ".join(page.extract_text() for page in part).split()) for part in (pin[:1], pin[1:]))
    for text in (first, annex):
        assert said in text
    assert f"0.432. {said}" in annex
    assert "Not validated" not in text_of(render_report(report))


@pytest.mark.usefixtures("language")
def test_a_likelihood_ratio_comes_with_bounds_and_population(report: PairReport) -> None:
    ratio = {
        "log10_lr": 2.345,
        "lower": -1.5,
        "upper": 3.25,
        "capped": "upper",
        "verbal": "moderately strong support for one firearm rather than two",
        "population": {"name": "Fadul", "n_firearms": 10, "n_km": 1234, "n_knm": 740, "marks": "parts"},
        "model_digest": "d" * 64,
    }
    text = text_of(render_report(replace(report, worth=ScoreRatio(likelihood_ratio=ratio))))
    assert "2.35 " in text or "2.34 " in text
    assert "−1.50 to 3.25" in text
    assert "Fadul: 10 firearms, 1,234 pairs of one firearm and 740 of two" in text
    assert "moderately strong support" in text
    assert "no support" not in text
    assert "it never speaks for two firearms" in text
    assert "The data support no value further from 0." in text


@pytest.mark.parametrize("language", ["sr-Cyrl"], indirect=True)
def test_in_cyrillic(report: PairReport, language: str) -> None:
    text = text_of(render_report(report))
    assert "Извештај о могућој вези између два предмета" in text
    assert "чело затварача" in text
    assert "нема валидираног LR" in text
    assert "0,432" in text
    assert translations(language).gettext("What it does not mean") in text


@pytest.mark.parametrize("language", CODES, indirect=True)
@pytest.mark.slow
def test_in_each_language_in_each_state(report: PairReport, language: str) -> None:
    for stage in IS:
        text = text_of(render_report(replace(report, stage=stage)))
        for words in (IS, MEANS, NEXT):
            assert translations(language).gettext(words[stage])[:60] in text
    assert "[U+" not in text


def test_the_states_are_told_of_in_all_three_places() -> None:
    assert set(IS) == set(MEANS) == set(NEXT)


@pytest.mark.usefixtures("language")
def test_it_is_pdf_a_and_the_same_each_time(report: PairReport) -> None:
    made = render_report(report)
    reader = PdfReader(io.BytesIO(made))
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data()  # type: ignore[index]
    assert b"<pdfaid:part>2</pdfaid:part>" in xmp
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert reader.metadata is not None
    assert reader.metadata.title == "Report on a possible link between two cases"
    assert str(reader.metadata.creation_date).startswith("2026-11-25 10:11:12")
    assert render_report(report) == made


@pytest.mark.usefixtures("language")
def test_its_first_page_is_drawn(report: PairReport) -> None:
    """A4 in portrait, 72 points to the inch, with ink on it."""
    with Image.open(io.BytesIO(draw_first_page(report, 72.0))) as page:
        assert page.size == pytest.approx((595, 842), abs=1)
        assert page.convert("L").getextrema() == (pytest.approx(0, abs=40), 255)


@pytest.mark.usefixtures("language")
def test_what_others_wrote_is_printed_as_it_is(report: PairReport) -> None:
    side = report.sides[0]
    hostile = replace(side, record=record(headstamp=HOSTILE))
    remark = statement("conclusion", remark=f"{HOSTILE}\nsecond line")
    said = (ReportedStatement("e" * 64, "conclusion", 5, "2026-11-25T10:00:00.000Z", remark, retracted=False),)
    text = text_of(render_report(replace(report, sides=(hostile, report.sides[1]), said=said)))
    assert text.count(HOSTILE) == 2
    assert "second line" in text
    assert "root:" not in text


@pytest.mark.usefixtures("language")
def test_a_letter_without_a_shape_is_named_and_hinders_nothing(report: PairReport) -> None:
    strange = replace(report.sides[0], record=record(headstamp="漢 \U0001f600 ا", cartridge_maker=None))
    text = text_of(render_report(replace(report, sides=(strange, report.sides[1]))))
    assert "[U+6F22] [U+1F600] [U+0627]" in text
    every = "".join(chr(point) for low, high in COVERED for point in range(low, high + 1))
    assert printable(every) == unicodedata.normalize("NFC", every)
    lines = "\n".join(f"({every[at : at + 40]})" for at in range(0, len(every), 40))
    remark = statement("conclusion", remark=lines)
    said = (ReportedStatement("e" * 64, "conclusion", 5, "2026-11-25T10:00:00.000Z", remark, retracted=False),)
    assert render_report(replace(report, said=said)).startswith(b"%PDF")


@pytest.mark.usefixtures("language")
def test_a_calibre_that_is_in_no_list_is_named_in_words(report: PairReport) -> None:
    mine, theirs = report.sides
    other = replace(mine, record=record(calibre="other", calibre_words="11 mm Werndl #eval"))
    pages = PdfReader(io.BytesIO(render_report(replace(report, sides=(other, theirs))))).pages
    first, annex = (" ".join(" ".join(page.extract_text() for page in part).split()) for part in (pages[:1], pages[1:]))
    for text in (first, annex):
        assert "other: 11 mm Werndl #eval" in text


def test_what_people_said_stands_in_the_annex(report: PairReport) -> None:
    kinds = ("conclusion", "verification", "hit", "physical-comparison", "feedback", "retraction")
    said = tuple(
        ReportedStatement(f"{n}" * 64, kind, n, "2026-11-25T10:00:00.000Z", statement(kind), retracted=kind == "hit")
        for n, kind in enumerate(kinds)
    )
    text = text_of(render_report(replace(report, said=said)))
    for n in range(len(kinds)):
        assert f"{n}" * 64 in text
    assert "taken back by its issuer" in text
    assert "comparison of the exhibits" in text


def test_the_stage_is_that_of_what_still_stands() -> None:
    def said(kind: str, *, retracted: bool = False, **changes: Any) -> ReportedStatement:
        return ReportedStatement(
            "e" * 64, kind, 5, "2026-11-25T10:00:00.000Z", statement(kind, **changes), retracted=retracted
        )

    on_screen = said("conclusion", **SCREEN)
    on_exhibits = said("conclusion", result={"basis": "exhibits", "conclusion": "elimination"})
    assert stage_of((), None) == "candidate"
    assert stage_of((on_screen,), None) == "associated"
    assert stage_of((on_screen, on_exhibits), None) == "eliminated"
    for stage in set(Stage) - {Stage.RETRACTED, Stage.NO_EFFECT}:
        assert stage_of((on_screen, on_exhibits), stage) == stage, "what the hit's own page says"
        assert stage in IS
    assert stage_of((on_screen,), Stage.RETRACTED) == "associated"
    assert stage_of((on_screen,), Stage.NO_EFFECT) == "associated"
    assert stage_of((replace(on_screen, retracted=True),), None) == "candidate"
    every = [{"basis": "screen", "conclusion": word} for word in ScreenConclusion]
    every += [{"basis": "exhibits", "conclusion": word} for word in AfteConclusion]
    found = [stage_of((said("conclusion", result=result),), None) for result in every]
    assert found[:4] == ["associated", "inconclusive_on_screen", "not_associated", "unsuitable_on_screen"]
    assert found[4:] == ["concluded", "inconclusive", "inconclusive", "inconclusive", "eliminated", "unsuitable"]
    assert set(found) <= IS.keys() & MEANS.keys() & NEXT.keys()
