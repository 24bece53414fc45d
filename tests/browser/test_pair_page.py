"""The page of one pair on a real node: views that are saved and opened again, the rail of candidates, photographs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.store.tables.record_tables import CandidateRow
from tests.browser.laboratory import Laboratory, Sent, examiner_at, laboratory_with, open_first, topographies
from tests.browser.pages import settle, wait_ready

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def laboratory(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """With breech faces and, from the fifth record on, photographs."""
    photographed = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lighting": "ring"}
    stated = [photographed | {"lateral_resolution_um": 5.0}]
    photographs: list[Sent] = [
        (
            ffp_data / "reflectance" / f"NBIDE R BF {name}.png",
            {"case_reference": f"PHOTOGRAPH-{number}", "acquisitions": stated},
        )
        for number, name in enumerate(("118", "129"), start=1)
    ]
    sent = topographies(ffp_data, "1-1", "1-2", "2-1", "3-1") + photographs
    with laboratory_with(tmp_path_factory.mktemp("pair"), sent) as made:
        yield made


@pytest.fixture
def page(browser: Any, laboratory: Laboratory) -> Iterator[Any]:
    with examiner_at(browser, laboratory) as made:
        yield made


def save(page: Any, title: str) -> None:
    shown = page.locator(".thumbnails li").count()
    page.get_by_label("What it shows").fill(title)
    page.get_by_role("button", name="Save this view").click()
    page.locator(".thumbnails li").nth(shown).wait_for(timeout=30_000)


def test_a_view_is_saved_and_opened_with_one_click_another_day(page: Any, laboratory: Laboratory) -> None:
    viewer = open_first(page, laboratory)
    page.locator(".ffp-stage").focus()
    for key in ("2", "h", "+", "[", "p", "n", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    settle(page)
    kept = viewer.evaluate("element => element.view")
    assert kept["marks"][0]["text"] == HOSTILE
    save(page, "Ridges <b>agree</b>")

    open_first(page, laboratory)
    thumbnail = page.get_by_role("button", name="Open the view Ridges <b>agree</b>")
    thumbnail.wait_for()
    thumbnail.locator("img").evaluate("image => image.decode()")
    assert viewer.evaluate("element => element.view") != kept
    thumbnail.click()
    settle(page)
    assert viewer.evaluate("element => element.view") == kept
    assert page.locator(".thumbnails img").count() == 1, "what was written is text"

    page.get_by_role("button", name="Delete the view Ridges <b>agree</b>").click()
    page.locator(".saved-views [role=status]", has_text="deleted").wait_for()
    assert page.locator(".thumbnails li").count() == 0


def test_a_view_of_the_turned_pair_shows_the_same_places(page: Any, laboratory: Laboratory) -> None:
    """The matcher may take the other scan for the query one day: a saved view shows what it showed."""
    viewer = open_first(page, laboratory)
    given, there, back = viewer.evaluate(
        """async element => {
          const { swappedView } = await import('/app/static/viewer/swap.js');
          const { toStage } = await import('/app/static/viewer/frame.js');
          const view = { ...element.view, measure: [1, 2, 30, 40], measured_on: 'query', divider: 0.3 };
          const swapped = swappedView(view);
          const measured = toStage(view.reference, swapped.measure.slice(2));
          return [view, { ...swapped, measured }, swappedView(swapped)];
        }"""
    )
    assert there["measured"] == pytest.approx([30, 40]), "a place of the reference, laid on the query, is where it was"
    assert (there["measured_on"], there["divider"]) == ("reference", 0.7)
    assert back["camera"] == pytest.approx(given["camera"])
    assert back["reference"] == pytest.approx(given["reference"])
    assert back["measure"] == pytest.approx(given["measure"])


def test_the_rail_leads_to_the_neighbours_by_keys(page: Any, laboratory: Laboratory) -> None:
    page.goto(f"{laboratory.node.url}/app/records/{laboratory.record}/candidates?rest=weaker")
    open_first(page, laboratory)
    rail = page.get_by_role("navigation", name="The candidates of this record")
    first = rail.locator("[aria-current]").get_attribute("aria-label")
    assert first.startswith("Candidate 1 of 3, score 0.")
    rail.locator("img").first.evaluate("image => new Promise(done => { image.onload = done; if (image.src) done(); })")
    page.get_by_label("What it shows").focus()
    page.keyboard.press("j")
    assert page.get_by_label("What it shows").input_value() == "j", "whoever types stays"
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("j")
    page.locator(".rail [aria-current][aria-label^='Candidate 2 of 3']").wait_for()
    wait_ready(page)
    page.locator(".ffp-stage").focus()
    turned = page.locator("ffp-comparison").evaluate("element => element.view.camera.angle_deg")
    page.keyboard.press("]")
    settle(page)
    assert page.locator("ffp-comparison").evaluate("element => element.view.camera.angle_deg") == turned + 0.5
    page.keyboard.press("k")
    page.locator(".rail [aria-current][aria-label^='Candidate 1 of 3']").wait_for()


def test_with_the_chart_open_the_whole_instrument_is_on_one_screen(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    assert page.locator(".rail").count() == 1
    page.locator(".ffp-stage").focus()
    page.keyboard.press("p")
    page.locator(".ffp-plot path").first.wait_for()
    for part in (".ffp-chart", ".ffp-acts", ".ffp-status"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 720, part


def test_a_page_comes_without_the_cells_that_nobody_asked_for_and_fills_them_in(
    page: Any, laboratory: Laboratory
) -> None:
    open_first(page, laboratory)
    number = int(page.url.split("/pairs/")[1].split("?")[0])
    with laboratory.node.node.store.write() as session:
        row = session.get_one(CandidateRow, number)
        told = json.loads(row.comparison)
        del told["cells"]
        row.comparison, row.cells_found, row.cells, row.congruent_cells = json.dumps(told), False, 0, 0
    with page.expect_response(f"**/pairs/{number}/cells") as asked:
        came = page.goto(f"{laboratory.node.url}/app/pairs/{number}")
        assert "not known yet" in came.text()
    assert asked.value.status == 200
    page.locator("[data-cells]", has_text=re.compile(r"^\d+ of \d+$")).first.wait_for(timeout=30_000)
    wait_ready(page)
    page.locator(".ffp-stage").focus()
    page.keyboard.press("c")
    page.locator(".ffp-status", has_text="cells congruent").wait_for()


def test_photographs_lie_on_the_same_stage(page: Any, laboratory: Laboratory) -> None:
    page.goto(f"{laboratory.node.url}/app/records/{laboratory.records[4]}/candidates?rest=unvalidated")
    page.locator(".exhibit-pair", has_text="PHOTOGRAPH-2").get_by_role("link", name="Compare").click()
    wait_ready(page)
    status = page.locator(".ffp-status")
    assert "On the registration." in status.inner_text()
    assert "Light from" not in status.inner_text(), "a photograph has its own light"
    page.locator(".ffp-stage").focus()
    for key in ("p", "c", "3"):
        page.keyboard.press(key)
    page.locator(".ffp-status", has_text="cells congruent").wait_for()
    page.locator(".ffp-plot path").nth(1).wait_for()
    assert page.locator(".ffp-plot text", has_text="grey").count() == 1
    save(page, "Both under ring light")
