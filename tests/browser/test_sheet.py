"""The comparison sheet: one page of paper, with the stage as it is, from each page that has a stage."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from pypdf import PdfReader

from exchange.store.log.audit import entries_from
from tests.browser.laboratory import (
    Laboratory,
    examiner_at,
    laboratory_with,
    mark_here,
    open_first,
    topographies,
)
from tests.browser.pages import settle, wait_ready
from tests.exchange.running_nodes import metadata

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

LABORATORY = "Institute of Forensic Science"
SYNTHETIC = "synthetic 9x19"
RESTRICTION = "Only for the joint team"
LEAST_PIXELS = 1500
SCORED = re.compile(r"Score|Likelihood|log10|Congruent|congruent")
NO_WEBGL = """
  const context = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...how) {
    return kind === "webgl2" ? null : context.call(this, kind, ...how);
  };
"""


@pytest.fixture(scope="module")
def laboratory(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """The second exhibit may be used for one purpose alone; the first says that it is made up."""
    sent = topographies(ffp_data, "1-1", "1-2", "2-1")
    sent[0][1]["exhibit"] = {**metadata()["exhibit"], "headstamp": SYNTHETIC}
    sent[1][1]["handling"] = {"code": "H3", "restriction": RESTRICTION}
    with laboratory_with(tmp_path_factory.mktemp("sheet"), sent, laboratory=LABORATORY) as made:
        yield made


@pytest.fixture
def page(browser: Any, laboratory: Laboratory) -> Iterator[Any]:
    with examiner_at(browser, laboratory) as made:
        yield made


def printed(page: Any, paper: str = "A4") -> tuple[str, list[np.ndarray[Any, Any]]]:
    """The words of the one page, and its pictures."""
    whole = PdfReader(io.BytesIO(page.pdf(format=paper, prefer_css_page_size=False)))
    assert len(whole.pages) == 1, f"{len(whole.pages)} pages of {paper}"
    sheet = whole.pages[0]
    pictures = [np.asarray(item.image.convert("RGB"), np.float64) for item in sheet.images if item.image]
    return re.sub(r"\s+", " ", normalize("NFKC", sheet.extract_text())), pictures


def drawn(pictures: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """The largest, which is no empty field."""
    largest = max(pictures, key=lambda picture: picture.size)
    assert largest.std() > 15
    return largest


def digests(laboratory: Laboratory, number: int) -> str:
    record = laboratory.node.get(f"/v1/records/{laboratory.records[number]}").json()
    found: str = record["acquisitions"][0]["sha256"]
    return found


def squeezed(words: str) -> str:
    """Long words are broken where a column ends."""
    return words.replace(" ", "")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_sheet_of_a_pair_is_one_page_with_all_that_a_file_needs(
    page: Any, laboratory: Laboratory, paper: str
) -> None:
    open_first(page, laboratory)
    mark_here(page, "ridges agree")
    page.locator(".ffp-stage").focus()
    for key in ("c", "p"):
        page.keyboard.press(key)
        settle(page)
    page.get_by_label("What you saw").fill("Parallel striae from hour two on.")
    score = page.locator(".bench-panel .score").inner_text()
    shown = page.locator(".ffp-status").inner_text()
    words, pictures = printed(page, paper)
    assert max(drawn(pictures).shape[:2]) >= LEAST_PIXELS, "finer than the screen"
    for said in (
        "CASE-1",
        "CASE-2",
        "Serbia",
        LABORATORY,
        "synthetic: no evidence",
        RESTRICTION,
        "H3",
        "breech face",
        f"Score {score}",
        "cells congruent",
        "Light from 315°, 35° high, slopes ×",
        "On the registration",
        "Heights filtered",
        "Agreement: ridges agree",
        "Notes, not signed Parallel striae from hour two on.",
        "A score ranks candidates for comparison by an examiner; it identifies nothing.",
        "matcher",
        "Date Pseudonym Signature",
        "1244",
    ):
        assert said in words, said
    assert "Profile along" in words
    assert "Drag" not in words, "paper has no hands"
    for number in (0, 1):
        assert laboratory.records[number] in squeezed(words)
        assert digests(laboratory, number)[:16] in words
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC \(here \d{4}-", words)
    assert page.locator(".ffp-status").inner_text() == shown, "the screen is as it was"
    assert not page.locator(".sheet").is_visible()


def test_what_was_signed_is_on_the_sheet_with_who_and_when(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory, laboratory.records[2])
    page.get_by_label("inconclusive").check()
    page.get_by_label("What you saw").fill("Too little is there.")
    page.get_by_role("button", name="Sign my conclusion").click()
    page.wait_for_url("**#review")
    wait_ready(page)
    words, _ = printed(page)
    assert re.search(r"Conclusion: inconclusive.*?examiner-\d+.*?UTC \(here .*?Too little is there\.", words)
    assert "Notes, not signed" not in words


def test_any_two_scans_are_printed_without_a_word_on_what_is_held_of_them(page: Any, laboratory: Laboratory) -> None:
    one, other = (digests(laboratory, number) for number in (1, 2))
    page.goto(f"{laboratory.node.url}/app/compare?a={one}&b={other}")
    wait_ready(page)
    settle(page)
    words, pictures = printed(page)
    drawn(pictures)
    assert not SCORED.search(words.replace("A score ranks candidates", ""))
    assert "Not registered" in words
    assert one[:16] in words


def test_printing_is_written_down(page: Any, laboratory: Laboratory) -> None:
    page.add_init_script("window.print = () => { window.dispatchEvent(new Event('beforeprint')); };")
    open_first(page, laboratory)
    pair = page.url.split("/pairs/")[1].split("?")[0]
    with page.expect_response("**/sheet") as answered:
        page.get_by_role("button", name="Print", exact=True).click()
    assert answered.value.status == 204
    with laboratory.node.node.store.read() as session:
        rows = [item.entry for item in entries_from(session, 1) if item.entry.act == "read-report"]
    assert json.loads(rows[-1].asked or "") == {"candidate": pair, "printed": "comparison sheet"}
    assert set(rows[-1].subjects) <= set(laboratory.records)


def test_without_webgl_the_nodes_picture_stands_on_it(page: Any, laboratory: Laboratory) -> None:
    page.add_init_script(NO_WEBGL)
    page.goto(f"{laboratory.node.url}/app/records/{laboratory.record}/candidates")
    address = page.locator("a[href*='/app/pairs/']").first.get_attribute("href")
    page.goto(f"{laboratory.node.url}{address}")
    page.locator("ffp-comparison[data-state=fallback]").wait_for(timeout=60_000)
    page.locator(".sheet-stage img").evaluate("image => image.decode()")
    words, pictures = printed(page)
    drawn(pictures)
    assert "CASE-1" in words


def test_without_script_the_facts_and_the_nodes_picture_are_printed(
    browser: Any, page: Any, laboratory: Laboratory
) -> None:
    open_first(page, laboratory)
    context = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    plain = context.new_page()
    plain.goto(page.url)
    assert not plain.get_by_role("button", name="Print", exact=True).is_visible()
    words, pictures = printed(plain)
    drawn(pictures)
    assert "CASE-1" in words
    assert "Signature" in words
    context.close()


def test_of_a_dark_telephone_the_paper_is_the_same(browser: Any, page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 800})
    settle(page)
    words, pictures = printed(page)
    drawn(pictures)
    assert "Signature" in words
    page.emulate_media(color_scheme="dark", media="print")
    ink = page.locator(".sheet h1").evaluate("title => getComputedStyle(title).color")
    assert ink == "rgb(0, 0, 0)"
