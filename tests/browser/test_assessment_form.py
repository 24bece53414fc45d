"""The form of an assessment in a browser: what is typed is in the file, with and without scripts, by keyboard; at 400
pixels, in both schemes, and for axe."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.flows.assessment.answers import read_answers
from exchange.flows.assessment.form import AssessmentForm
from exchange.web.assessment.form_app import form_app
from tests.browser.desks import half_filled, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PORT = 8478
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return half_filled(tmp_path / "moldova")


@pytest.fixture
def opened(browser: Any, path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the form as a window of its own; nothing may be left on the console, but that a field was refused."""
    app, said = form_app(AssessmentForm(path), PORT), list[str]()
    with served(app, PORT) as url:

        def window(address: str, *, wide: int = 1280, **how: Any) -> Any:
            page = browser.new_context(viewport={"width": wide, "height": 800}, **how).new_page()
            page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(f"{url}{app.state.base}{address}")
            return page

        yield window
    assert [text for text in said if "422 (Unprocessable Entity)" not in text] == []


def in_file(path: Path, name: str, value: object) -> None:
    for _ in range(100):
        if read_answers(path).answers[name].value == value:
            return
        time.sleep(0.1)
    raise AssertionError(path.read_text())


def test_what_is_typed_is_in_the_file_without_save(opened: Callable[..., Any], path: Path) -> None:
    page = opened("/area/staff")
    page.locator("form[data-keeps=ready]").wait_for()
    plan = page.locator("#training_plan")
    plan.get_by_label("yes", exact=True).check()
    in_file(path, "training_plan", "yes")
    page.locator("[data-kept]", has_text="Kept in the file at").wait_for()
    page.locator("[name=answer-posts_filled]").fill("nine")
    page.locator("#fault-posts_filled-answer", has_text="a whole number").wait_for()
    assert page.locator("[name=answer-posts_filled]").get_attribute("aria-invalid") == "true"
    page.locator("[name=answer-posts_filled]").fill("8")
    in_file(path, "posts_filled", 8.0)
    page.locator("#fault-posts_filled-answer").wait_for(state="hidden")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("status").get_by_text("Undone").wait_for()
    in_file(path, "posts_filled", 6.0)

    # what an editor changes meanwhile is not written over
    text = path.read_text()
    path.write_text(text.replace('answer = "partly"', 'answer = "no"'))
    page.locator("#succession").get_by_label("yes", exact=True).check()
    page.locator("#fault-succession-answer", has_text="changed it").wait_for()
    in_file(path, "succession", "no")
    page.get_by_role("button", name="Save").click()
    page.locator("#fault-succession-answer", has_text="changed it").wait_for()
    assert page.locator("#succession").get_by_label("yes", exact=True).is_checked(), "what was typed stands"
    page.get_by_role("button", name="Save").click()
    in_file(path, "succession", "yes")


def test_a_page_that_is_left_keeps_what_was_typed_last(opened: Callable[..., Any], path: Path) -> None:
    page = opened("/area/backlog")
    page.locator("form[data-keeps=ready]").wait_for()
    page.locator("[name=answer-backlog_months]").fill("7")
    page.get_by_role("link", name="Legal basis").first.click()
    in_file(path, "backlog_months", 7.0)


def test_without_scripts_and_by_keyboard_alone(opened: Callable[..., Any], path: Path) -> None:
    page = opened("/area/backlog", java_script_enabled=False)
    page.locator("[name=answer-backlog_months]").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.get_by_text("Kept in the file.", exact=True).wait_for()
    in_file(path, "backlog_months", 5.0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_telephone_shows_it(opened: Callable[..., Any], scheme: str) -> None:
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found = []
    for wide in (1280, 400):
        page = opened("/", wide=wide, color_scheme=scheme)
        base = page.url.rstrip("/")
        for address in ("/", "/area/staff", "/recommendations"):
            page.goto(f"{base}{address}")
            bad = axe.run(page, options=RULES).response["violations"]
            found += [(wide, address, item["id"]) for item in bad if item["impact"] in ("serious", "critical")]
            across = page.evaluate("() => document.documentElement.scrollWidth")
            assert across <= wide, f"{address} is {across} wide"
        page.context.close()
    assert found == []


@pytest.mark.parametrize("wide", [400, 1280])
def test_nothing_lies_over_what_has_the_focus(opened: Callable[..., Any], wide: int) -> None:
    page = opened("/area/staff", wide=wide)
    page.locator("form[data-keeps=ready]").wait_for()
    covered = page.evaluate(
        """() => [...document.querySelectorAll("main :is(input:not([type=hidden]), textarea, select, button)")]
        .filter((field) => !field.disabled && field.checkVisibility())
        .filter((field) => {
          field.focus();
          const box = field.getBoundingClientRect();
          const on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return on !== field && !field.contains(on);
        })
        .map((field) => field.name || field.textContent)"""
    )
    assert covered == []
