"""An examiner mends the region of a scan: by pointer and by keys, undone, kept over a reload, signed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Jurisdiction
from tests.browser.test_accessibility import serious
from tests.browser.test_register import begin, saved
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def rs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("mend"), monkeypatch) as start,
    ):
        yield start(Jurisdiction.RS)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    made = context.new_page()
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert [error for error in said if "ERR_CONNECTION_RESET" not in error] == []


def upload(page: Any, node: RunningNode, scan: Path) -> None:
    begin(page, node)
    page.locator("[data-pick]").set_input_files(str(scan))
    page.locator("[data-file][data-state=read]").wait_for(timeout=60_000)


def mend(page: Any) -> Any:
    page.get_by_role("button", name="Correct the region").click()
    page.locator(".brush[data-state=ready]").wait_for()
    return page.locator(".brush canvas")


def cells(page: Any) -> tuple[int, int]:
    """In the region, and in all, as the status line says."""
    found = re.search(r"([\d,]+) of ([\d,]+) cells are in the region", page.locator("[data-told]").inner_text())
    assert found is not None, page.locator("[data-told]").inner_text()
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def stroke(page: Any, canvas: Any, *places: tuple[float, float]) -> None:
    """Along places given as shares of the canvas; ends once the node has it."""
    box = canvas.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    with page.expect_response("**/region"):
        page.mouse.up()


def test_painted_reloaded_undone_and_signed(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    upload(page, rs, ffp_data / "fadul" / "Fadul 1-2.x3p")
    canvas = mend(page)
    found, whole = cells(page)
    assert 0 < found < whole

    page.get_by_role("button", name="Take from the region").click()
    page.get_by_label("Size of the brush, in cells").fill("41")
    stroke(page, canvas, (0.3, 0.3), (0.7, 0.3))
    fewer, _ = cells(page)
    assert fewer < found - 200
    stroke(page, canvas, (0.3, 0.6), (0.7, 0.6))
    least, _ = cells(page)
    assert least < fewer
    with page.expect_response("**/region"):
        page.get_by_role("button", name="Undo").click()
    assert cells(page)[0] == fewer
    page.locator("[data-saved]", has_text="Saved at").wait_for()

    page.reload()
    page.locator("[data-file][data-state=read]", has_text="Region mended by hand").wait_for(timeout=60_000)
    canvas = mend(page)
    assert cells(page)[0] == fewer
    page.get_by_role("button", name="Done").click()
    page.locator(".brush").wait_for(state="detached", timeout=60_000)
    card = page.locator("[data-file][data-state=read]")
    card.wait_for()
    assert "region mended" in card.inner_text()
    assert page.evaluate("document.activeElement.hasAttribute('data-mend')")

    page.get_by_label("Kind", exact=True).select_option("crime_scene")
    page.get_by_label("Calibre", exact=True).fill("9x19")
    saved(page)
    page.get_by_role("button", name="Check and sign").click()
    page.wait_for_url("**/summary")
    assert "mended by hand" in page.locator("table").inner_text()
    page.get_by_role("button", name="Sign and submit").click()
    page.wait_for_url("**/app/records/*")
    assert "mended by hand" in page.locator("table").inner_text()


def test_back_to_what_was_found(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    upload(page, rs, ffp_data / "fadul" / "Fadul 2-2.x3p")
    canvas = mend(page)
    found, _ = cells(page)
    stroke(page, canvas, (0.05, 0.05), (0.2, 0.05))
    assert cells(page)[0] > found
    with page.expect_response("**/region"):
        page.get_by_role("button", name="Back to what was found").click()
    assert cells(page)[0] == found
    assert page.get_by_role("button", name="Redo").is_disabled()
    page.get_by_role("button", name="Done").click()
    page.locator(".brush").wait_for(state="detached", timeout=60_000)
    assert "mended" not in page.locator("[data-file]").inner_text()


def test_keys_alone_do_it(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    upload(page, rs, ffp_data / "fadul" / "Fadul 3-2.x3p")
    page.get_by_role("button", name="Correct the region").focus()
    page.keyboard.press("Enter")
    page.locator(".brush[data-state=ready]").wait_for()
    canvas = page.locator(".brush canvas")
    assert canvas.evaluate("canvas => canvas === document.activeElement")
    found, _ = cells(page)
    for _ in range(12):
        page.keyboard.press("Shift+ArrowUp")
    assert "Row 1, column" in page.locator("[data-told]").inner_text()
    for _ in range(4):
        page.keyboard.press("]")
    assert page.get_by_label("Size of the brush, in cells").input_value() == "17"
    with page.expect_response("**/region"):
        page.keyboard.press("Space")
    one, _ = cells(page)
    assert one > found
    page.keyboard.down("Space")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    with page.expect_response("**/region"):
        page.keyboard.up("Space")
    several, _ = cells(page)
    assert several > one
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    assert serious(axe, page, "brush") == []
    with page.expect_response("**/region"):
        page.keyboard.press("Control+z")
    assert cells(page)[0] == one
    with page.expect_response("**/region"):
        page.keyboard.press("Control+y")
    assert cells(page)[0] == several
    page.keyboard.press("x")
    assert page.get_by_role("button", name="Take from the region").get_attribute("aria-pressed") == "true"


def test_a_broken_line_loses_no_stroke(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    upload(page, rs, ffp_data / "fadul" / "Fadul 4-2.x3p")
    canvas = mend(page)
    found, _ = cells(page)
    page.route("**/region", lambda route: route.abort("connectionreset"))
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    page.locator("[data-told]", has_text="Not saved").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.locator("[data-told]", has_text=re.compile("region\\.$")).wait_for(timeout=20_000)
    more, _ = cells(page)
    assert more > found
    page.reload()
    page.locator("[data-file][data-state=read]", has_text="Region mended by hand").wait_for(timeout=60_000)
    mend(page)
    assert cells(page)[0] == more


def test_near_to_what_is_painted_and_left_as_it_was(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    upload(page, rs, ffp_data / "fadul" / "Fadul 5-2.x3p")
    canvas = mend(page)
    found, _ = cells(page)
    whole = canvas.bounding_box()["width"]
    assert canvas.bounding_box()["height"] <= 0.76 * 900
    page.keyboard.press("+")
    page.get_by_role("button", name="Nearer").click()
    assert canvas.bounding_box()["width"] == pytest.approx(2 * whole, abs=2)
    view = page.locator(".brush-view")
    assert view.bounding_box()["width"] == pytest.approx(whole, abs=20), "the view stays, what is in it grows"

    # a stroke goes where the pointer is, however near it is seen
    box = view.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with page.expect_response("**/region"):
        page.mouse.up()
    painted, _ = cells(page)
    assert painted > found, "the middle of the primer was outside"

    # the keys' cursor is followed
    canvas.focus()
    for _ in range(40):
        page.keyboard.press("Shift+ArrowRight")
    assert view.evaluate("view => view.scrollLeft + view.clientWidth >= 0.95 * view.scrollWidth")
    page.keyboard.press("0")
    assert canvas.bounding_box()["width"] == pytest.approx(whole, abs=2)

    with page.expect_response("**/region"):
        page.get_by_role("button", name="Cancel: leave the region as it was").click()
    page.locator(".brush").wait_for(state="detached")
    page.locator("[data-file][data-state=read]").wait_for(timeout=60_000)
    mend(page)
    assert cells(page)[0] == found
    page.keyboard.press("Escape")
    page.locator(".brush").wait_for(state="detached")
