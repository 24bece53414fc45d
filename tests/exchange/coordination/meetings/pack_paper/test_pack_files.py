"""The paper and the tables of a pack: nothing of them is a formula, a record or a link id; the footnote stands on
each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.meetings.pack.local_pack import local_pack
from exchange.coordination.meetings.pack.make_inputs import figures_of
from exchange.coordination.meetings.pack.pack import Missing, MissingPart, Pack
from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand
from exchange.coordination.meetings.pack_paper.figure_sections import figures_section
from exchange.coordination.meetings.pack_paper.first_page import what_changed, what_is_asked
from exchange.coordination.meetings.pack_paper.pack_paper import pack_data, render_pack
from exchange.coordination.meetings.pack_paper.pack_words import missing_words, overdue_words
from exchange.coordination.meetings.pack_paper.written_pack import pack_files, pack_names, zipped
from exchange.coordination.region.regional import RegionalEarlier
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.coordination.meetings.pack.made_up_counts import PAIRS, QUESTIONS
from tests.exchange.coordination.meetings.pack.sent import Sent, sent
from tests.exchange.coordination.meetings.pack.test_regional_pack import made
from tests.exchange.coordination.region.region_world import H2

pytestmark = pytest.mark.slow
__all__ = ["sent"]


def packs(found: Sent) -> Iterator[Pack]:
    yield made(found.all, found.keys)
    yield made(found.all, found.without_key)
    yield local_pack(found.world.nodes["XK"], H2).pack
    yield local_pack(found.world.nodes["RS"], H2).pack


def pages_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_no_link_no_record_and_no_case_stands_in_it_and_the_footnote_on_each_page(sent: Sent) -> None:
    secret = {case for found in sent.world.records.values() for _name, case, _scan in found}
    secret |= {name for found in sent.world.records.values() for name, _case, _scan in found}
    for node in sent.world.nodes.values():
        edition = figures_of(node, H2).exact
        assert isinstance(edition, RestrictedHalf)
        secret |= {str(link.link) for link in edition.links if link.link is not None}
    assert len(secret) > 100
    for pack in packs(sent):
        files = dict(pack_files(pack, with_pdf=True))
        paper = next(content for name, content in files.items() if name.endswith(".pdf"))
        pages = pages_of(paper)
        assert all(KOSOVO_FOOTNOTE in page for page in pages)
        text = " ".join(pages) + b" ".join(files.values()).decode("utf-8", "replace")
        assert not [word for word in secret if word in text]
        marked = "Restricted: exact counts" in pages[0]
        assert marked == pack.restricted
        assert all(("Restricted: exact counts" in page) == pack.restricted for page in pages)
        assert render_pack(pack) == paper, "the same pack gives the same bytes"
        assert list(files) == pack_names(pack, with_pdf=True)


def test_the_first_page_behind_the_cover_says_what_changed_and_what_is_asked(sent: Sent) -> None:
    pages = pages_of(render_pack(made(sent.all, sent.keys)))
    assert "2026H2" in pages[0]
    assert "It is not public" in pages[0]
    assert "What changed, and what is asked of you" in pages[1]
    assert "after" in pages[1]
    assert "Answer hits that wait for longer than the term (A-" in pages[1], "one sentence, one full stop"
    assert "Montenegro has kept no snapshot of maturity of 2026H2." in " ".join(pages)


def test_what_changed_without_an_earlier_report_is_that_there_is_none(sent: Sent) -> None:
    """No figure of now is listed as if it were a change."""
    whole = what_changed(made(sent.all, sent.keys))
    assert any(said.startswith("Confirmed hits across borders: ") and ", after " in said for said in whole)
    alone = made(sent.files["2026H2"], sent.keys)
    assert what_changed(alone) == [
        "There is no earlier report: this half-year is the baseline, and nothing is compared."
    ]
    assert alone.figures is not None
    older = replace(alone.figures, earlier=(RegionalEarlier("2025H1", alone.figures.now, alone.figures.sides),))
    gap = replace(alone, figures=older, missing=(Missing(MissingPart.HALF_BEFORE),))
    assert what_changed(gap) == ["There is no report of 2026H1: nothing is compared with the half-year before."]
    first = replace(alone.figures, earlier=(RegionalEarlier("2026H1", {}, alone.figures.sides),))
    told = what_changed(replace(alone, figures=first, missing=()))
    assert told
    assert all(said.endswith(". 2026H1 tells nothing to compare it with.") for said in told)


def test_sums_of_other_sides_are_not_compared(sent: Sent) -> None:
    """One side's report of the half-year before is not here."""
    files = [item for item in sent.all if item[0] not in dict(sent.files["2026H1"]) or "-xk" not in item[0]]
    assert len(files) < len(sent.all)
    pack = made(files, sent.keys)
    (first, *_) = what_changed(pack)
    assert "(sides: 5) in 2026H1; that is not compared: other sides tell it." in first
    blocks = figures_section(pack)
    assert any("are not compared" in block["text"] for block in blocks if block["kind"] == "lead")
    (table,) = (block for block in blocks if block["kind"] == "shared")
    assert {row[3] for row in table["rows"]} == {"–"}
    assert any(row[2].endswith("(sides: 5)") for row in table["rows"])
    drawn = next(block["svg"] for block in blocks if block["kind"] == "drawn")
    assert drawn.count(">sides: 5<") == drawn.count(">sides: 6<") == 4
    whole = figures_section(made(sent.all, sent.keys))
    assert ">sides:" not in next(block["svg"] for block in whole if block["kind"] == "drawn")


def test_each_sides_bands_are_by_its_own_bound(sent: Sent) -> None:
    found = made(sent.all, sent.without_key).overdue
    one = next(item for item in found if item.is_some)
    for smallest, band, said in ((5, "some", "1–4"), (8, "some", "1–7"), (8, "many", "8 or more")):
        item = replace(one, smallest=smallest, band=OverdueBand(band))
        assert overdue_words(item) == said
    assert {item.smallest for item in found} == {5}


def test_exercises_stand_in_it_where_their_counts_were_given(sent: Sent) -> None:
    without = local_pack(sent.world.nodes["RS"], H2).pack
    assert "Exercises" not in " ".join(pages_of(render_pack(without)))
    assert not [name for name in pack_names(without, with_pdf=False) if "exercises" in name]

    pack = local_pack(sent.world.nodes["RS"], H2, (PAIRS, QUESTIONS)).pack
    pages = pages_of(render_pack(pack))
    assert all(KOSOVO_FOOTNOTE in page for page in pages)
    text = " ".join(pages)
    for said in (
        "drawn marks of firearms that do not exist",
        "files that no head signed",
        f"{PAIRS.set_id} For examiners Proficiency set 12 3 36",
        f"Kosovo* {PAIRS.set_id}",
        "Two firearms that look alike More than the marks show 6 36",
        "Deadlines Not right 7 27",
    ):
        assert said in text, said
    rows = {
        name.removeprefix("pack-ffp-rs-2026H2-en-"): list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        for name, content in pack_files(pack, with_pdf=False)
        if "exercises" in name
    }
    assert list(rows) == [
        "exercises.csv",
        "exercises-people.csv",
        "exercises-examiner.csv",
        "exercises-investigator.csv",
    ]
    assert [row[1:] for row in rows["exercises-people.csv"][1:-1]] == [
        ["Kosovo*", PAIRS.set_id, "For examiners", "Proficiency set", "1"],
        ["North Macedonia", QUESTIONS.set_id, "For investigators", "Practice", "3"],
        ["Serbia", PAIRS.set_id, "For examiners", "Proficiency set", "2"],
    ]
    assert [row[2:] for row in rows["exercises-examiner.csv"][1:-1]] == [
        ["Two firearms that look alike", "Right", "30", "36"],
        ["Two firearms that look alike", "More than the marks show", "6", "36"],
    ]

    nobody = " ".join(pages_of(render_pack(replace(pack, exercises=()))))
    assert "Nobody answered an exercise in 2026H2." in nobody
    with speaking(Spoken("sq")):
        assert render_pack(pack).startswith(b"%PDF-")


def test_a_table_has_plain_headings_the_footnote_and_no_formula(sent: Sent) -> None:
    pack = made(sent.all, sent.keys)
    hostile = pack.actions[0].model_copy(update={"title": '=HYPERLINK("http://x";"y");=1+1'})
    files = dict(pack_files(replace(pack, actions=(hostile, *pack.actions[1:])), with_pdf=False))
    assert len(files) > 8
    for name, content in files.items():
        assert content.startswith(b"\xef\xbb\xbf"), name
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert rows[0][0] == "Pack"
        assert all(cell and cell[0] not in "=+-@" for cell in rows[0]), name
        assert rows[-1] == ["'* " + KOSOVO_FOOTNOTE[2:]] or rows[-1] == [KOSOVO_FOOTNOTE]
        assert {len(row) for row in rows[:-1]} == {len(rows[0])}
        for row in rows:
            assert not any(cell.startswith(("=", "+", "@")) or ";=" in cell for cell in row), (name, row)


@pytest.mark.parametrize("language", ["mk", "sr-Cyrl", "sq"])
def test_it_is_set_in_each_script(sent: Sent, language: str) -> None:
    with speaking(Spoken(language)):
        for pack in (made(sent.all, sent.keys), local_pack(sent.world.nodes["MK"], H2).pack):
            assert pack_data(pack)["language"] == language.partition("-")[0]
            assert render_pack(pack).startswith(b"%PDF-")


def test_the_files_go_into_one(sent: Sent) -> None:
    files = list(pack_files(local_pack(sent.world.nodes["RS"], H2).pack, with_pdf=False))
    assert zipped(files) == zipped(files)


def said_of(pack: Pack) -> str:
    return " ".join([*what_is_asked(pack), *(missing_words(item, pack) for item in pack.missing)])


def test_what_was_approved_but_not_sent_is_asked_to_be_sent(sent: Sent) -> None:
    """A coordinator's folder does not say what a head approved, but for the report, which the inputs name."""
    said = said_of(made(sent.files["inputs 2026H2"], sent.keys))
    assert "Serbia is asked to send the report of the half-year, which its head approved." in said
    assert "Serbia sent no report of 2026H2." in said
    assert "asked to approve" not in said
    reports_alone = made(sent.files["2026H2"], sent.keys)
    said = said_of(reports_alone)
    assert "Serbia is asked to send the inputs of the pack, once its head has approved them." in said
    assert "North Macedonia sent no incident annex of 2026H2 with its report." in said
    assert "asked to approve" not in said
    assert "not approved" not in " ".join(pages_of(render_pack(reports_alone)))
    here = local_pack(sent.world.nodes["RS"], Half(2027, 1)).pack
    asked = "The head of Serbia is asked to approve the report of the half-year."
    assert here.lasts
    assert asked not in what_is_asked(here), "it lasts: there is nothing to approve yet"
    over = replace(here, as_of=date(2027, 7, 1))
    assert asked in what_is_asked(over)
    assert asked in what_is_asked(replace(over, as_of=date(2027, 8, 1)))
