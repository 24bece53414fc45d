"""From the operator's invitation to a pair under the comparison microscope, on two real nodes with real scans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import end_sessions, enter, in_another_tab, person, sign_in, sign_in_again, sign_out
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def nodes(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """Serbia has a scan of a firearm, North Macedonia another of the same and one of a second."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("journey"), monkeypatch) as start,
    ):
        rs, mk = start(Jurisdiction.RS), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        shared = {"level": "full", "audience": ["RS"]}
        assert rs.submit(ffp_data / "fadul" / "Fadul 1-1.x3p", case_reference="RS-1").status_code == 201
        for number, name in enumerate(("1-2", "2-1"), start=1):
            scan = ffp_data / "fadul" / f"Fadul {name}.x3p"
            assert mk.submit(scan, case_reference=f"MK-{number}", **shared).status_code == 201
        rs.wait_correlated(3)
        yield rs, mk


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def page(browser: Any, said: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    made = context.new_page()
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == [], "no error on the console, and nothing that the policy forbids"


def test_an_examiner_finds_the_firearm_of_another_country(page: Any, nodes: tuple[RunningNode, RunningNode]) -> None:
    rs, _ = nodes
    enter(page, rs, Role.EXAMINER)
    page.locator(".purpose > summary").click()
    page.get_by_label("Purpose").select_option("investigation")
    page.get_by_label("Law and case").fill("Article 5, case RS-1")
    page.get_by_role("button", name="Keep for this session").click()
    assert "Article 5, case RS-1" in page.locator("main").inner_text()

    page.get_by_role("link", name="Candidates", exact=True).click()
    first = page.locator(".group").first.inner_text()
    assert "RS-1" in first
    assert "MK-1" in first
    page.get_by_role("link", name="Compare").first.click()

    microscope = page.locator("ffp-comparison[data-state=ready]")
    microscope.wait_for(timeout=20_000)
    assert "On the registration" in page.locator(".ffp-status").inner_text()
    page.get_by_role("button", name="Cells").click()
    page.locator(".ffp-status", has_text="cells congruent").wait_for()
    counted = re.search(r"(\d+) of (\d+) cells congruent", page.locator(".ffp-status").inner_text())
    assert counted
    shown = page.locator("dd", has_text=" of ").first.inner_text()
    assert shown == f"{counted[1]} of {counted[2]}", "the stage lights what the score rests on"
    page.get_by_text("The picture for print").click()
    picture = page.locator("figure img")
    picture.scroll_into_view_if_needed()
    for _ in range(100):
        if picture.evaluate("image => image.complete && image.naturalWidth"):
            break
        page.wait_for_timeout(100)
    assert picture.evaluate("image => image.naturalWidth") > 500
    page.get_by_role("link", name="MK-1", exact=True).click()
    assert "North Macedonia" in page.locator("main").inner_text()
    sign_out(page)
    page.goto(f"{rs.url}/app/candidates")
    assert page.url.endswith("/app/sign-in?back=/app/candidates")


def test_by_keyboard_alone(page: Any, nodes: tuple[RunningNode, RunningNode]) -> None:
    rs, _ = nodes
    enter(page, rs, Role.INVESTIGATOR)
    page.reload()  # as on any other day, without the tour
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "To the content"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent") == "Search":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/app/search")


def test_an_operator_sees_the_peers_and_no_content(page: Any, nodes: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = nodes
    enter(page, rs, Role.OPERATOR)
    assert "1 is up to date" in page.locator("#light-partners").inner_text()
    page.get_by_role("link", name="Peers", exact=True).click()
    page.locator("h2", has_text=mk.node.node_id).wait_for()
    assert page.get_by_role("link", name="Candidates").count() == 0


def test_a_conclusion_is_not_lost_with_the_session(browser: Any, nodes: tuple[RunningNode, RunningNode]) -> None:
    rs, _ = nodes
    remark = "Arched marks, a few of them."
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, who = context.new_page(), person(rs, Role.EXAMINER)
    authenticator = sign_in(page, rs, who)
    page.get_by_role("link", name="Candidates", exact=True).click()
    page.get_by_role("link", name="Compare").first.click()
    page.get_by_label("possible association", exact=True).check()
    page.get_by_label("What you saw").fill(remark)
    end_sessions(rs)
    page.get_by_role("button", name="Sign my conclusion").click()
    page.get_by_text("Your session has ended").wait_for()
    again = in_another_tab(page)
    sign_in_again(again, who, authenticator)
    again.wait_for_url(page.url)
    page.get_by_text("Your session has ended").wait_for(state="hidden")
    assert page.get_by_label("What you saw").input_value() == remark
    page.get_by_role("button", name="Sign my conclusion").click()
    page.locator("#review", has_text=remark).wait_for()
    context.close()
