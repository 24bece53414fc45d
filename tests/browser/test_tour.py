"""The tour of each home: on the first sign-in, by keyboard and at every size; each step tells of what is there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import person, sign_in, sign_in_first
from tests.browser.test_accessibility import serious
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = 5
SIZES = ({"width": 1280, "height": 720}, {"width": 400, "height": 800}, {"width": 640, "height": 360})
PEOPLE = [role for role in Role if role is not Role.NODE]
FOCUS_OUTSIDE = "() => document.activeElement === document.body || !document.activeElement.closest('dialog')"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """On which a purpose is demanded, as on most: a first home says so in place of what is to be done."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("tour"), monkeypatch) as start,
    ):
        yield start(Jurisdiction.MK, purpose_required=True)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=SIZES[0])
    made, said = context.new_page(), []
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == []


def check_step(page: Any, number: int) -> None:
    """What it tells of is lit, in the window, and beside the card."""
    page.get_by_text(f"Step {number} of {STEPS}", exact=True).wait_for()
    ring, card = (page.locator(part).bounding_box() for part in (".tour-ring", ".tour-card"))
    window = page.viewport_size
    assert ring is not None, "the page has what the step tells of"
    assert ring["width"] > 20
    assert ring["y"] < window["height"]
    assert ring["y"] + ring["height"] > 0
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= window["width"]
    assert card["y"] + card["height"] <= window["height"]
    beside = max(card["y"] - ring["y"], ring["y"] + ring["height"] - card["y"] - card["height"])
    assert beside > 20, "some of it is seen"
    assert page.evaluate("() => document.activeElement.closest('dialog') !== null")


@pytest.mark.parametrize("role", PEOPLE)
def test_the_first_home_opens_with_a_tour_for_keys_alone(page: Any, node: RunningNode, role: Role) -> None:
    sign_in_first(page, node, person(node, role))
    dialog = page.get_by_role("dialog", name="Tour of the pages")
    dialog.wait_for()
    for size in SIZES:
        page.set_viewport_size(size)
        for number in range(1, STEPS + 1):
            check_step(page, number)
            if number < STEPS:
                page.keyboard.press("Enter")
        if size is not SIZES[-1]:
            page.keyboard.press("Tab")
            for number in range(STEPS - 1, 0, -1):
                page.keyboard.press("Enter")
                check_step(page, number)
            assert page.evaluate("() => document.activeElement.textContent") == "Next"
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    page.wait_for_url("**/app/")
    page.reload()
    assert page.locator("dialog").count() == 0, "it was seen"


def test_it_is_called_again_from_the_menu_and_the_help_and_left_by_escape(page: Any, node: RunningNode) -> None:
    sign_in(page, node, person(node, Role.EXAMINER))
    assert page.evaluate(FOCUS_OUTSIDE)
    page.locator(".person > summary").click()
    page.get_by_role("link", name="Tour of the pages").click()
    dialog = page.get_by_role("dialog", name="Tour of the pages")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_url("**/app/")
    assert page.evaluate(FOCUS_OUTSIDE)
    page.goto(f"{node.url}/app/guide")
    page.get_by_role("main").get_by_role("link", name="Tour of the pages").click()
    dialog.wait_for()
    page.get_by_role("button", name="Leave the tour").click()
    dialog.wait_for(state="hidden")


def test_without_script_it_is_a_list(browser: Any, page: Any, node: RunningNode) -> None:
    sign_in(page, node, person(node, Role.HEAD))
    context = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    plain = context.new_page()
    plain.goto(f"{node.url}/app/?tour=1")
    assert plain.locator(".tour-list li").count() == STEPS
    assert plain.locator(".tour-list li").first.is_visible()
    assert not plain.get_by_role("dialog").is_visible()
    plain.get_by_role("link", name="Leave the tour").click()
    plain.wait_for_url("**/app/")
    assert plain.locator(".tour-list").count() == 0
    context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_serious_is_found_in_it(browser: Any, node: RunningNode, scheme: str) -> None:
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport=SIZES[0], color_scheme=scheme)
    page = context.new_page()
    sign_in_first(page, node, person(node, Role.INVESTIGATOR))
    page.get_by_role("dialog").wait_for()
    for size in SIZES[:2]:
        page.set_viewport_size(size)
        assert serious(axe, page, f"tour, {scheme}, {size['width']}") == []
    context.close()
