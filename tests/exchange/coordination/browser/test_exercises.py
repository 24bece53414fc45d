"""Exercises in a browser: the microscope of casework with its keys; cells are lit after the answer, and not before."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.coordination.exercises.exercise_vocabulary import ExerciseSkill
from schemas.vocabulary import Role
from tests.browser.pages import person, sign_in, wait_ready
from tests.browser.test_accessibility import serious
from tests.exchange.coordination.browser.training_pictures import PractisingClass, practising_class

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def practising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PractisingClass]:
    with practising_class(tmp_path_factory.mktemp("practising")) as found:
        yield found


def stage_of(page: Any) -> dict[str, Any]:
    view: dict[str, Any] = page.locator("ffp-comparison").evaluate("element => element.view")
    return view


@pytest.mark.parametrize("width", [400, 1440])
def test_a_pair_is_compared_concluded_and_explained(browser: Any, practising: PractisingClass, width: int) -> None:
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    role = Role.EXAMINER if width == 400 else Role.HEAD
    sign_in(page, practising.node, person(practising.node, role))
    kept = practising.practice
    address = f"{practising.node.url}/app/exercises/{kept.set_id}"
    page.goto(f"{practising.node.url}/app/exercises")
    found = serious(axe, page, "sets")
    page.goto(address)
    found += serious(axe, page, "begin")
    page.get_by_role("button", name="Begin").click()
    assert kept.answers is not None
    number = next(one.number for one in kept.answers.answers if one.skill is ExerciseSkill.SAME_FIREARM)
    page.goto(f"{address}/{number}")
    wait_ready(page)
    found += serious(axe, page, "pair")
    page.locator(".ffp-stage").focus()
    angle = "element => element.view.camera.angle_deg"
    turned = page.locator("ffp-comparison").evaluate(angle)
    page.keyboard.press("]")
    page.wait_for_timeout(300)
    assert page.locator("ffp-comparison").evaluate(angle) != turned, "the keys of the microscope"
    assert page.locator("[data-command=cells]:enabled").count() == 0, "no cell is known before the answer"
    page.locator('input[value="possible_association"]').check()
    page.get_by_role("button", name="That is my conclusion").click()
    page.locator(".answered").wait_for()
    wait_ready(page)
    assert stage_of(page)["cells"] is True
    assert page.locator("[data-command=cells]:enabled").count() == 1
    assert "Right: the marks bear what you concluded." in page.locator(".answered").inner_text()
    found += serious(axe, page, "explained")
    page.goto(address)
    found += serious(axe, page, "set")
    for shown in (address, f"{address}/{number}", f"{practising.node.url}/app/exercises"):
        page.goto(shown)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, shown
    page.goto(f"{practising.node.url}/app/exercises/{practising.questions.set_id}/1")
    found += serious(axe, page, "question")
    assert not found
    assert said == []
